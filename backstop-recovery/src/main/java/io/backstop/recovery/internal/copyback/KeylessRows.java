package io.backstop.recovery.internal.copyback;

import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;

import java.sql.SQLException;
import java.util.List;

/**
 * Finds the stored rows that a table without a key lacks: by all of their values, each as often as it is stored. Immutable.
 *
 * @param columns the stored columns
 * @param missing how many stored rows the table lacks
 * @param there how many it has
 * @param extra how many it has that are not stored
 */
record KeylessRows(
        RestoredTable restored, PresentTable present, List<String> columns, long missing, long there, long extra) {
    /** @throws RecoveryException where rows may be there under other values, so that they would be put back beside those */
    static KeylessRows of(
            RecoveryTransaction transaction, RestoredTable restored, PresentTable present, List<String> columns)
            throws SQLException, RecoveryException {
        List<String> found = transaction
                .rows("SELECT coalesce(sum(greatest(s.number - coalesce(p.number, 0), 0)), 0), "
                        + "coalesce(sum(least(coalesce(s.number, 0), coalesce(p.number, 0))), 0), "
                        + "coalesce(sum(greatest(p.number - coalesce(s.number, 0), 0)), 0) FROM ("
                        + counted(restored.target().quoted(), columns) + ") AS s FULL JOIN ("
                        + present(restored, present, columns) + ") AS p ON p.values = s.values")
                .get(0);
        KeylessRows rows = new KeylessRows(
                restored,
                present,
                columns,
                Long.parseLong(found.get(0)),
                Long.parseLong(found.get(1)),
                Long.parseLong(found.get(2)));
        rows.refuseUnlessTold();
        return rows;
    }

    /** Whether what is missing may be there with values that were written since. */
    private boolean mayHaveChanged() {
        boolean nothingElse = extra == 0 && restored.manifest().coverage() == Coverage.TABLE;
        return missing > 0 && !nothingElse && there + extra > 0 && !StatementEffect.tookEachRow(restored);
    }

    private void refuseUnlessTold() throws RecoveryException {
        if (mayHaveChanged() && !leavesOut()) {
            throw new RecoveryException(
                    whichCannotBeTold(),
                    "the stored rows are in " + restored.target()
                            + ": compare the two tables, and put back what is missing by an INSERT of your own");
        }
    }

    /** A DELETE took some of what is missing, and it is for somebody who knows which to say whether all of it. */
    private boolean leavesOut() {
        return mayHaveChanged() && StatementEffect.of(restored) == StatementEffect.REMOVED;
    }

    private String whichCannotBeTold() {
        return "which rows of table " + present.name()
                + " are missing cannot be told: it has no primary key and no unique key without NULLs, " + missing
                + " rows of snapshot " + restored.manifest().snapshotId()
                + " are not in it with the values that they had, and " + extra + " other rows are";
    }

    /** @param insert the statement that puts all stored rows back, from {@code saved} */
    void putBack(SqlScript script, String insert) {
        script.note(
                "it has no primary key and no unique key without NULLs, so rows are compared by all of their values");
        script.note("when this was written: " + missing + " stored rows missing, " + there
                + (isOfRowsThatAreGone(restored)
                        ? " there again; those that the DELETE left are none of them"
                        : " there, " + extra + " there that are not in the snapshot (not touched)"));
        String putBack = insert + " AS saved WHERE saved.ctid IN (" + lacking() + ")";
        if (leavesOut()) {
            script.note(
                    "the DELETE took some of the missing rows, or all of them; the others have other values by now, and\n"
                            + "would be there twice. If it took all of them, uncomment this statement:");
            script.commentOut(putBack);
            return;
        }
        if (there > 0) {
            script.note(
                    "those that are there are taken for the stored ones; if they are others, which have the same values,\n"
                            + "uncomment this as well:");
            script.commentOut(insert + " AS saved WHERE saved.ctid NOT IN (" + lacking() + ")");
        }
        script.run(putBack);
    }

    CopybackCounts counts() {
        return new CopybackCounts(missing + there, leavesOut() ? 0 : missing, 0, 0, leavesOut() ? missing : 0, 0);
    }

    /** What an operator should know of rows that are not put back: one sentence each. */
    List<String> warnings() {
        return leavesOut()
                ? List.of(missing + " stored rows of table " + present.name() + " are not put back: "
                        + whichCannotBeTold() + "; the script offers the INSERT, for a DELETE that took all of these")
                : List.of();
    }

    private String lacking() {
        String values = values(columns);
        return "SELECT s.row FROM (SELECT ctid AS row, " + values + " AS values, row_number() OVER (PARTITION BY "
                + values
                + ") AS number FROM ONLY " + restored.target().quoted() + ") AS s\nLEFT JOIN ("
                + present(restored, present, columns) + ") AS p ON p.values = s.values\n"
                + "WHERE s.number > coalesce(p.number, 0)";
    }

    /** Rows that a DELETE left are not those that it took, which alone are stored of a DELETE of rows. */
    private static String present(RestoredTable restored, PresentTable present, List<String> columns) {
        return counted(
                present.name().quoted()
                        + (isOfRowsThatAreGone(restored)
                                ? " AS present WHERE "
                                        + StatementTransactions.of(restored).madeOrLater()
                                : ""),
                columns);
    }

    private static boolean isOfRowsThatAreGone(RestoredTable restored) {
        return restored.manifest().coverage() == Coverage.ROWS && StatementEffect.tookEachRow(restored);
    }

    static String counted(String from, List<String> columns) {
        return "SELECT " + values(columns) + " AS values, count(*) AS number FROM ONLY " + from + " GROUP BY 1";
    }

    /** As text, because not every type can be compared, and equal values need not be the same ones. */
    static String values(List<String> columns) {
        return "ROW(" + SqlFragments.list(columns) + ")::text COLLATE \"C\"";
    }
}
