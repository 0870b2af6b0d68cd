package io.backstop.recovery.internal.undo;

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
        String other = notTaken();
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

    /** What becomes of a stored row that the statement did not remove. */
    private String notTaken() {
        return mayHaveUpdated() ? "'conflict'" : "'untouched'";
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
                + " = 'removed' THEN CASE WHEN s." + TAKEN + " THEN 'insert' ELSE " + notTaken() + " END WHEN " + exact
                + " THEN CASE s." + EFFECT + " WHEN 'changed' THEN 'insert' ELSE 'covered' END ELSE 'conflict' END, "
                + WHY
                + " = '" + Reason.CHANGED + "'");
        if (exact && expected > 0) {
            takeAway("true");
        }
        Optional<UndonePart> removed = table.parts(Effect.REMOVED).findFirst();
        if (removed.isPresent()) {
            table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = 'conflict', " + WHY + " = '"
                    + Reason.REWRITTEN + "' WHERE s." + EFFECT + " = 'removed' AND " + UndoTable.acts("s", "insert")
                    + " AND " + table.values("s") + " IN (SELECT " + table.values("present") + " FROM ONLY "
                    + table.live() + " AS present WHERE " + removed.get().mayBeWrittenSince() + " AND NOT ("
                    + table.mine("present") + "))");
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
     * Rows of an UPDATE that are not under their keys. If all rows that the statement made are there as it made them, and as
     * many of them are under keys that are not stored as stored rows are missing, these are the stored ones, and make way for
     * them. Else which is which cannot be told: where rows are under other keys, every row of the statement is a conflict.
     *
     * @param tree the table, and where it is a partition, all others of its partitioned table
     */
    static void moved(List<UndoTable> tree) throws SQLException {
        long gone = 0;
        long made = 0;
        long moved = 0;
        StatementCounts counts = StatementCounts.NONE;
        boolean known = true;
        for (UndoTable table : tree) {
            known &= table.hasKey();
            gone += table.count(UndoTable.acts("s", "gone"));
            known &= table.parts().stream().allMatch(part -> part.counts().isPresent());
            counts = counts.plus(written(table));
            if (table.parts(Effect.CHANGED).findAny().isPresent() || tree.size() > 1) {
                String ofStatement =
                        "SELECT count(*) FROM ONLY " + table.live() + " AS present WHERE " + table.mine("present");
                made += table.number(ofStatement);
                moved += table.hasKey() ? table.number(ofStatement + " AND " + isNotStored(table)) : 0;
            }
        }
        if (gone == 0 && moved == 0) {
            return;
        }
        long written = counts.updated()
                + (tree.size() > 1 ? Math.max(counts.inserted(), counts.deleted()) : counts.inserted());
        boolean exact = known && moved == gone && made == written;
        for (UndoTable table : tree) {
            if (exact) {
                new RowComparison(table).takeAway(isNotStored(table));
            }
            table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = '" + (exact ? "insert" : "conflict")
                    + "' WHERE " + UndoTable.acts("s", "gone"));
            if (!exact && moved > 0) {
                table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = 'conflict', " + WHY + " = '"
                        + Reason.CHANGED + "' WHERE s." + EFFECT + " = 'changed' AND "
                        + UndoTable.acts("s", "update", "same"));
            }
        }
    }

    /** Each snapshot of one table has the same counts, or those of a part of the undo that it is of. */
    private static StatementCounts written(UndoTable table) {
        return table.parts().stream()
                .flatMap(part -> part.counts().stream())
                .reduce(
                        StatementCounts.NONE,
                        (one, other) -> new StatementCounts(
                                Math.max(one.inserted(), other.inserted()),
                                Math.max(one.updated(), other.updated()),
                                Math.max(one.deleted(), other.deleted())));
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
