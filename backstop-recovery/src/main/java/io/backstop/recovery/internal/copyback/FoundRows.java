package io.backstop.recovery.internal.copyback;

import io.backstop.recovery.internal.select.LaterStatements;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackCounts;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The rows of a table with a key beside those that are stored, and what is to be done with them. Immutable.
 *
 * @param statement what is known of the lost statement
 * @param mode what is asked for where values differ
 * @param stored how many rows are stored
 * @param missing how many of them are not there
 * @param differing those that are there with other values
 * @param extra how many others are there
 * @param moved how many of these the statement made
 * @param acrossPartitions whether the partitions of its tree lack as many stored rows as the statement made others in them
 */
record FoundRows(
        Statement statement,
        ConflictMode mode,
        long stored,
        long missing,
        DifferingRows differing,
        long extra,
        long moved,
        boolean acrossPartitions) {

    /**
     * The lost statement.
     *
     * @param known its transactions
     * @param changesKeys whether it may have given stored rows other keys
     * @param removable whether rows that it made can be removed: they are no other statement's, and nothing of other tables
     *     goes with them
     * @param later what else was lost since, and is to be as it was before
     * @param ofPartition whether the table is a partition, so that rows may be in another one now
     * @param madeAgain whether the table is another one than that which was stored
     */
    record Statement(
            StatementEffect effect,
            StatementTransactions known,
            boolean changesKeys,
            boolean removable,
            LaterStatements later,
            boolean ofPartition,
            boolean madeAgain) {}

    CopybackCounts counts() {
        long updated = putsValuesBack() ? mode == ConflictMode.PUT_BACK ? differing.count() : differing.asLeft() : 0;
        return new CopybackCounts(
                stored,
                leavesOut() ? 0 : missing,
                updated,
                differing.count() - updated,
                leavesOut() ? missing : 0,
                replaces() ? moved : 0);
    }

    /**
     * Whether what is missing stays away: an UPDATE left each row there, so that it was removed since, or is there under
     * another key. What is known to be lost by a later statement comes back.
     */
    boolean leavesOut() {
        return statement.effect() == StatementEffect.CHANGED
                && mode == ConflictMode.AS_FOUND
                && !replaces()
                && !wasRemovedSince();
    }

    /**
     * Whether later losses removed most of what is missing, and none of it can be there under a key that the statement gave it.
     */
    private boolean wasRemovedSince() {
        long removed = statement.later().removedRows();
        return removed > 0
                && removed >= missing - removed
                && moved == 0
                && statement.known().areAllKnown()
                && !statement.ofPartition();
    }

    /** Whether each stored row that is missing is known to be there under a key that the statement gave it. */
    boolean replaces() {
        return statement.effect() == StatementEffect.CHANGED
                && mode == ConflictMode.AS_FOUND
                && statement.removable()
                && (statement.ofPartition() ? acrossPartitions : moved > 0 && moved == missing);
    }

    FoundRows andInOtherPartitions() {
        return new FoundRows(statement, mode, stored, missing, differing, extra, moved, true);
    }

    boolean putsValuesBack() {
        return switch (mode) {
            case PUT_BACK -> differing.count() > 0;
            case LEAVE -> false;
            case AS_FOUND -> differing.asLeft() > 0 && (missing == 0 || !differing.guessed());
        };
    }

    /** Why what is missing stays away. */
    String whyLeftOut() {
        if (moved > 0) {
            return moved
                    + " rows that the UPDATE made are there under other keys, and which of the stored ones these are"
                    + " cannot be told";
        }
        return statement.known().areAllKnown() && !statement.ofPartition()
                ? "they were removed since the UPDATE"
                : "they were removed since the UPDATE, or have other keys" + elsewhere();
    }

    private String elsewhere() {
        return statement.ofPartition() ? " or are in another partition" : "";
    }

    /** Whether rows that are put back may be there under other keys. */
    Optional<String> whyDoubled() {
        if (statement.effect() != StatementEffect.UNKNOWN || !statement.changesKeys() || missing == 0 || extra == 0) {
            return Optional.empty();
        }
        if (moved > 0) {
            return Optional.of(moved + " rows that are not in the snapshot were made by the lost statement");
        }
        return statement.known().areAllKnown()
                ? Optional.empty()
                : Optional.of(extra + " rows are there that are not in the snapshot");
    }

    /** Why rows with other values stay as they are. */
    String whyKept() {
        return switch (statement.effect()) {
            case REMOVED ->
                statement.madeAgain()
                        ? "are in a table that was made again since, with other values,"
                        : "were written again under stored keys";
            case CHANGED, UNKNOWN ->
                statement.known().areAllKnown()
                        ? "have been changed again since the statement"
                        : "are there with other values, which may have been written since,";
        };
    }

    /** Why rows that get their stored values may have others rightly. */
    Optional<String> whyUncertain() {
        return mode == ConflictMode.AS_FOUND && putsValuesBack() && differing.guessed()
                ? Optional.of("one transaction made all of them what they are, and it is not certain that it is the one"
                        + " of the loss")
                : Optional.empty();
    }

    /** What an operator should know of rows that do not come back, or may be wrong: one sentence each. */
    List<String> warnings(String table) {
        List<String> warnings = new ArrayList<>();
        CopybackCounts counts = counts();
        if (counts.leftOut() > 0) {
            warnings.add(counts.leftOut() + " stored rows of table " + table + " are not put back: " + whyLeftOut()
                    + "; the script offers the INSERT");
        }
        if (missing > 0 && statement.effect() == StatementEffect.CHANGED && !leavesOut() && wasRemovedSince()) {
            warnings.add(
                    missing + " stored rows of table " + table + " that were removed since the UPDATE are put back:"
                            + " later statements removed " + statement.later().removedRows()
                            + ", and what else was removed comes back with them"
                            + (statement.changesKeys() && extra > 0
                                    ? "; if the UPDATE changed keys, rows may be there twice"
                                    : ""));
        }
        long changedAgain =
                putsValuesBack() ? differing.madeBy(statement.later().transactionIds()) : 0;
        if (changedAgain > 0) {
            warnings.add(
                    changedAgain + " rows of table " + table + " that later statements changed again get the values"
                            + " that they had before the first; what they had in between is in the newer snapshots");
        }
        whyDoubled()
                .ifPresent(why -> warnings.add(missing + " stored rows of table " + table + " are put back, and " + why
                        + ": if keys were changed, rows are there twice then"));
        if (mode == ConflictMode.AS_FOUND && counts.kept() > 0) {
            warnings.add(counts.kept() + " rows of table " + table + " " + whyKept() + " and stay as they are now; the "
                    + (putsValuesBack() ? "script lists them" : "script offers the UPDATE"));
        }
        whyUncertain()
                .ifPresent(why -> warnings.add(counts.updated() + " rows of table " + table
                        + " get their stored values: " + why + "; leave the UPDATE out to keep what is there now"));
        return warnings;
    }
}
