package io.backstop.recovery.internal.undo;

import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.internal.postgres.TransactionIds;
import io.backstop.recovery.internal.undo.UndonePart.Effect;
import io.backstop.recovery.model.UndoConflict.Reason;
import io.backstop.snapshot.archive.CommitMark.StatementCounts;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

import static io.backstop.recovery.internal.undo.UndoTable.ACT;
import static io.backstop.recovery.internal.undo.UndoTable.EFFECT;
import static io.backstop.recovery.internal.undo.UndoTable.PLACE;
import static io.backstop.recovery.internal.undo.UndoTable.ROW;
import static io.backstop.recovery.internal.undo.UndoTable.TAKEN;
import static io.backstop.recovery.internal.undo.UndoTable.WHY;

/**
 * Decides for each stored row of a table what an undo does with it, by whether its row is there, has the stored values, and is
 * as the statement left it. Thread-confined.
 */
final class RowComparison {
    private final UndoTable table;

    RowComparison(UndoTable table) {
        this.table = table;
    }

    void decide() throws SQLException {
        if (table.hasKey()) {
            byKey();
        } else {
            byValues();
        }
    }

    private void byKey() throws SQLException {
        table.execute("UPDATE " + table.staged() + " AS s SET " + PLACE + " = x.place, " + ACT + " = x.act, " + WHY
                + " = x.why FROM (SELECT d.row, d.place, " + act() + " AS act, " + why()
                + " AS why FROM (SELECT stored."
                + ROW + " AS row, stored." + EFFECT + " AS effect, stored." + TAKEN
                + " AS taken, present.ctid AS place, "
                + "present.ctid IS NOT NULL AS there, present.ctid IS NOT NULL AND " + table.mine("present")
                + " AS mine, " + table.differs("present", "stored") + " AS differs FROM " + table.staged()
                + " AS stored LEFT JOIN ONLY " + table.live() + " AS present ON " + table.sameKey("present", "stored")
                + ") d) x WHERE x.row = s." + ROW);
    }

    /** In the order in which they are asked; what is {@code gone} of an UPDATE may be there under another key. */
    private String act() {
        String other = mayHaveUpdated() ? "'conflict'" : "'untouched'";
        return "CASE d.effect WHEN 'removed' THEN CASE WHEN NOT d.there AND d.taken THEN 'insert' WHEN NOT d.there THEN "
                + other + " WHEN NOT d.differs THEN 'same' WHEN d.mine THEN 'update' WHEN d.taken THEN 'conflict' ELSE "
                + other
                + " END WHEN 'changed' THEN CASE WHEN NOT d.there THEN 'gone' WHEN NOT d.differs THEN 'same' WHEN "
                + "d.mine THEN 'update' ELSE 'conflict' END ELSE CASE WHEN d.mine THEN 'remove' ELSE 'conflict' END END";
    }

    private static String why() {
        return "CASE WHEN NOT d.there THEN '" + Reason.GONE + "' WHEN d.effect = 'removed' AND d.taken THEN '"
                + Reason.REWRITTEN + "' ELSE '" + Reason.CHANGED + "' END";
    }

    /** A DELETE changes rows of a table whose foreign key it sets. */
    private boolean mayHaveUpdated() {
        return table.parts(Effect.REMOVED)
                .anyMatch(
                        part -> part.counts().filter(all -> all.updated() == 0).isEmpty());
    }

    /**
     * Rows without a key come back all or not at all: those that the statement made, all of them, make way for those that are
     * stored. A row that is gone comes back unless one with its values was written since.
     */
    private void byValues() throws SQLException {
        long expected = table.stored(Effect.CHANGED, Effect.MADE);
        boolean exact = expected == 0
                || (areAllCounted()
                        && table.number("SELECT count(*) FROM ONLY " + table.live() + " AS present WHERE "
                                        + table.mine("present"))
                                == expected);
        table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = CASE WHEN s." + EFFECT
                + " = 'removed' THEN CASE WHEN s." + TAKEN + " THEN 'insert' ELSE 'untouched' END WHEN " + exact
                + " THEN CASE s." + EFFECT + " WHEN 'changed' THEN 'insert' ELSE 'covered' END ELSE 'conflict' END, "
                + WHY
                + " = '" + Reason.CHANGED + "'");
        if (exact && expected > 0) {
            takeAway("true");
        }
        Optional<String> begun = table.parts(Effect.REMOVED)
                .flatMap(part -> part.manifest().transactionId().stream())
                .map(TransactionIds::inRows)
                .findFirst();
        if (begun.isPresent()) {
            table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = 'conflict', " + WHY + " = '"
                    + Reason.REWRITTEN + "' WHERE s." + EFFECT + " = 'removed' AND " + UndoTable.acts("s", "insert")
                    + " AND " + table.values("s") + " IN (SELECT " + table.values("present") + " FROM ONLY "
                    + table.live() + " AS present WHERE pg_catalog.age(present.xmin) <= pg_catalog.age("
                    + SqlSpelling.literal(begun.get()) + "::xid) AND NOT (" + table.mine("present") + "))");
        }
    }

    /** Whether the statement changed each stored row once, and made no other. */
    private boolean areAllCounted() {
        return table.parts(Effect.CHANGED)
                .allMatch(part -> part.counts()
                        .filter(all -> all.inserted() == all.deleted()
                                && all.updated() == part.manifest().rowCount())
                        .isPresent());
    }

    /** Adds the rows that the statement made, as they are now, to be removed. */
    private void takeAway(String condition) throws SQLException {
        table.execute("INSERT INTO " + table.staged() + " (" + table.list("")
                + (table.columns().isEmpty() ? "" : ", ") + EFFECT + ", " + ACT + ", " + PLACE + ") SELECT "
                + table.list("present.") + (table.columns().isEmpty() ? "" : ", ")
                + "'moved', 'remove', present.ctid FROM"
                + " ONLY " + table.live() + " AS present WHERE " + table.mine("present") + " AND " + condition);
    }

    /**
     * Rows of an UPDATE that are not under their keys. Where the statement made as many rows under others, and inserted none,
     * these are the stored ones, and make way for them; anything else is a conflict.
     *
     * @param tree the table, and where it is a partition, all others of its partitioned table
     */
    static void moved(List<UndoTable> tree) throws SQLException {
        long gone = 0;
        for (UndoTable table : tree) {
            gone += table.count(UndoTable.acts("s", "gone"));
        }
        if (gone == 0) {
            return;
        }
        StatementCounts counts = StatementCounts.NONE;
        boolean counted = true;
        for (UndoTable table : tree) {
            for (UndonePart part : table.parts()) {
                counted &= part.counts().isPresent();
                counts = counts.plus(part.counts().orElse(StatementCounts.NONE));
            }
        }
        long moved = 0;
        for (UndoTable table : tree) {
            moved += table.number("SELECT count(*) FROM ONLY " + table.live() + " AS present WHERE "
                    + table.mine("present") + " AND " + isNotStored(table));
        }
        boolean exact = counted
                && moved == gone
                && (counts.inserted() == counts.deleted() || (tree.size() > 1 && counts.deleted() == gone));
        for (UndoTable table : tree) {
            if (exact) {
                new RowComparison(table).takeAway(isNotStored(table));
            }
            table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = '" + (exact ? "insert" : "conflict")
                    + "' WHERE " + UndoTable.acts("s", "gone"));
        }
    }

    private static String isNotStored(UndoTable table) {
        return "NOT EXISTS (SELECT FROM " + table.staged() + " AS stored WHERE " + table.sameKey("present", "stored")
                + ")";
    }

    /** Takes back what {@link #moved} decided, where one of the rows cannot make way. */
    static void notMoved(List<UndoTable> tree) throws SQLException {
        for (UndoTable table : tree) {
            table.execute("DELETE FROM " + table.staged() + " AS s WHERE s." + EFFECT + " = 'moved'");
            table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = 'conflict', " + WHY + " = '"
                    + Reason.GONE + "' WHERE s." + EFFECT + " = 'changed' AND " + UndoTable.acts("s", "insert"));
        }
    }
}
