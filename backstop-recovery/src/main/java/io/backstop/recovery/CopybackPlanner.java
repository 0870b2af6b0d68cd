package io.backstop.recovery;

import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.internal.copyback.CopybackScript;
import io.backstop.recovery.internal.copyback.PlannedTable;
import io.backstop.recovery.internal.copyback.ScriptRehearsal;
import io.backstop.recovery.internal.order.ForeignKeyOrder;
import io.backstop.recovery.internal.schema.StoredObjects;
import io.backstop.recovery.internal.select.LaterStatements;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoredTable;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Compares restored tables with the database in which their rows are missed, and writes the script that puts the rows
 * back. It changes nothing itself: the script is rehearsed in a transaction that is rolled back. Thread-safe.
 */
public final class CopybackPlanner {
    private final ConflictMode differing;
    private final boolean rehearsing;
    private final boolean completing;
    private final Map<String, LaterStatements> later;
    private final StoredObjects objects;
    private final PresentChoice choice;

    /** Rehearses every script that it writes. */
    public CopybackPlanner(ConflictMode differing) {
        this(differing, true);
    }

    /**
     * @param rehearsing whether a script is run in a transaction that is rolled back, to see whether it works; takes its locks,
     *     and about as long as it will
     */
    public CopybackPlanner(ConflictMode differing, boolean rehearsing) {
        this(differing, rehearsing, false, Map.of(), StoredObjects.NONE, PresentChoice.NONE);
    }

    private CopybackPlanner(
            ConflictMode differing,
            boolean rehearsing,
            boolean completing,
            Map<String, LaterStatements> later,
            StoredObjects objects,
            PresentChoice choice) {
        this.later = later;
        this.choice = choice;
        this.objects = objects;
        this.completing = completing;
        this.differing = Objects.requireNonNull(differing, "differing");
        this.rehearsing = rehearsing;
    }

    /**
     * The same, but a table that is there is to be as it was: it gets the definitions that it lacks, which would be offered
     * only, and the rows that were lost since.
     *
     * @param since what was lost since, by the ids of the snapshots
     */
    CopybackPlanner completing(Map<String, LaterStatements> since) {
        return new CopybackPlanner(differing, rehearsing, true, Map.copyOf(since), objects, choice);
    }

    /** The same, but this chooses what becomes of tables that are there and are not the stored ones. */
    public CopybackPlanner choosing(PresentChoice other) {
        return new CopybackPlanner(differing, rehearsing, completing, later, objects, other);
    }

    /** The same, but these come back, too. */
    CopybackPlanner with(StoredObjects others) {
        return new CopybackPlanner(differing, rehearsing, completing, later, others, choice);
    }

    /**
     * Writes the plan for the restored tables of one recovery group, or for one table.
     *
     * @param connection a plain connection in auto-commit, by preference of the one who will run the script; left so
     * @throws RecoveryException where a table's validation does not hold, which rows are missing cannot be told, or the
     *     database cannot be read
     */
    public CopybackPlan plan(Connection connection, List<RestoredTable> tables) throws RecoveryException {
        for (RestoredTable table : tables) {
            if (!table.validation().holds()) {
                throw new RecoveryException(
                        "table " + table.target() + " is not what its snapshot holds: "
                                + table.validation().failures().get(0),
                        "restore the snapshot again; there is no copyback of a table that differs");
            }
        }
        List<PlannedTable> planned = new ArrayList<>();
        List<String> left = new ArrayList<>();
        SqlScript script;
        List<String> warnings;
        List<CopybackPlan.Part> parts;
        List<String> lacking;
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            List<PlannedTable> found = new ArrayList<>();
            for (RestoredTable table : ForeignKeyOrder.of(tables)) {
                each(
                        tables,
                        table,
                        left,
                        () -> found.add(PlannedTable.find(
                                transaction,
                                table,
                                later.getOrDefault(table.manifest().snapshotId(), LaterStatements.NONE))));
            }
            Optional<PresentMode> mode = choice.choose(found.stream()
                    .filter(PlannedTable::canBeCompletedOrReplaced)
                    .map(table -> table.restored().original())
                    .toList());
            for (PlannedTable table : found) {
                each(tables, table.restored(), left, () -> planned.add(planned(transaction, table, mode, left)));
            }
            CopybackScript writer = new CopybackScript(transaction, planned, differing, completing, objects);
            script = writer.write();
            warnings = Stream.concat(left.stream(), writer.warnings().stream()).toList();
            parts = planned.stream()
                    .map(table -> table.part(writer.counts(table)))
                    .toList();
            lacking = planned.stream()
                    .filter(table -> writer.counts(table).leftOut() > 0
                            || table.restored().manifest().coverage() == Coverage.ROWS)
                    .map(table -> table.restored().original().toString())
                    .toList();
        } catch (SQLException e) {
            throw ServerErrors.ofPlan("the copyback plan could not be made", e);
        }
        Map<SqlScript.Attempt, String> failing = new LinkedHashMap<>();
        Rehearsal rehearsal = told(rehearsal(connection, script, failing), lacking);
        List<String> notes = new ArrayList<>(warnings);
        failing.forEach((attempt, why) ->
                notes.add(attempt.words() + " cannot be made now: " + why + "; the script has it in a comment"));
        return new CopybackPlan(parts, script.without(failing), notes, rehearsal);
    }

    private Rehearsal rehearsal(Connection connection, SqlScript script, Map<SqlScript.Attempt, String> failing)
            throws RecoveryException {
        if (!rehearsing) {
            return new Rehearsal.NotDone("that was not asked for");
        }
        try {
            return ScriptRehearsal.of(connection, script.steps(), failing);
        } catch (SQLException e) {
            throw ServerErrors.ofPlan("the copyback script could not be rehearsed", e);
        }
    }

    /** What refers to a row that another snapshot brings back waits for that one. */
    private static Rehearsal told(Rehearsal rehearsal, List<String> lacking) {
        return rehearsal instanceof Rehearsal.Failed failed && failed.isOfForeignKey() && !lacking.isEmpty()
                ? new Rehearsal.Failed(
                        failed.statement(),
                        failed.reason(),
                        "it may refer to rows of " + String.join(", ", lacking)
                                + " that this does not put back: put these back first, by `backstop recover --before ID"
                                + " --replace-recovered` of the newer snapshots that the notes name, then run the same"
                                + " command again")
                : rehearsal;
    }

    private interface Step {
        void run() throws SQLException, RecoveryException;
    }

    /** Among several tables, one that cannot be planned keeps none of the others from it. */
    private static void each(List<RestoredTable> tables, RestoredTable table, List<String> left, Step step)
            throws SQLException, RecoveryException {
        try {
            step.run();
        } catch (RecoveryException e) {
            if (tables.size() == 1) {
                throw e;
            }
            left.add("table " + table.original() + " is left as it is: " + e.problem() + "; " + e.hint());
        }
    }

    private PlannedTable planned(
            RecoveryTransaction transaction, PlannedTable found, Optional<PresentMode> mode, List<String> notes)
            throws SQLException, RecoveryException {
        refuse(found, mode);
        if (mode.equals(Optional.of(PresentMode.REPLACE))) {
            if (found.canBeReplaced()) {
                return found.replacing(transaction, differing);
            }
            if (found.situation() == Situation.PRESENT) {
                notes.add("table " + found.restored().original()
                        + " is the stored one itself, so that rows are put back into it and nothing is replaced");
            }
        }
        if (mode.isEmpty() && found.canBeCompletedOrReplaced()) {
            notes.add("table " + found.restored().original() + " was made again since, and is completed; --present"
                    + " replace sets it aside instead, puts " + found.restored().target()
                    + " in its place and merges the rows that were written since");
        }
        return found;
    }

    private static void refuse(PlannedTable found, Optional<PresentMode> mode) throws RecoveryException {
        RestoredTable table = found.restored();
        boolean replacing = mode.equals(Optional.of(PresentMode.REPLACE)) && found.canBeReplaced();
        if (found.situation() == Situation.PRESENT && !replacing) {
            return;
        }
        if (found.situation() == Situation.CHANGED && mode.equals(Optional.of(PresentMode.COMPLETE))) {
            throw new RecoveryException(
                    "table " + table.original() + " cannot be completed: it has other columns by now ("
                            + String.join("; ", found.differences()) + ")",
                    "--present replace sets it aside, puts " + table.target()
                            + " in its place and merges the rows that were written since");
        }
        String state = switch (found.situation()) {
            case GONE, TEMPORARY -> "is gone";
            case CHANGED -> "has other columns by now (" + String.join("; ", found.differences()) + ")";
            case PRESENT, REPLACED -> "is there: leave it, by --present complete";
        };
        if (table.manifest().holdsDefinitionsAlone()) {
            throw new RecoveryException(
                    "snapshot " + table.manifest().snapshotId() + " holds the definitions of table " + table.original()
                            + " and none of its rows, and the table " + state,
                    "recover the table by a snapshot of its rows; what it was defined as is in " + table.target());
        }
        if (table.manifest().coverage() == Coverage.ROWS) {
            throw new RecoveryException(
                    "snapshot " + table.manifest().snapshotId() + " holds only "
                            + table.manifest().rowCount() + " rows of table " + table.original() + ", which " + state,
                    "they cannot take the table's place; they are in " + table.target()
                            + ": put them back by an INSERT of your own");
        }
    }
}
