package io.backstop.recovery.internal.undo;

import io.backstop.recovery.internal.undo.UndonePart.Effect;
import io.backstop.recovery.model.RecoveryException;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;

import static io.backstop.recovery.internal.undo.UndoTable.EFFECT;
import static io.backstop.recovery.internal.undo.UndoTable.TAKEN;

/**
 * Finds which rows a DELETE took of tables that are stored whole: those that are gone, if they are as many as the server
 * counted and none was written again; else, where a foreign key takes rows along, those that refer to rows that it took. They
 * are known if they are as many as the server counted. Stateless.
 */
final class CascadedRows {
    private CascadedRows() {}

    /** @throws RecoveryException where they are others: which rows were removed since, and rightly, cannot be told then */
    static void find(UndoTables tables) throws SQLException, RecoveryException {
        List<UndoTable> partial = tables.all().stream()
                .filter(table -> table.parts(Effect.REMOVED).anyMatch(part -> !part.isOfEachRow()))
                .toList();
        for (UndoTable table : partial) {
            takeWhatIsGone(table);
        }
        boolean found = !partial.isEmpty();
        while (found) {
            found = false;
            for (UndoTable table : partial) {
                found |= take(tables, table);
            }
        }
        for (UndoTable table : partial) {
            UndonePart part = partial(table);
            long taken = table.count("s." + TAKEN + " AND s." + EFFECT + " = " + Effect.REMOVED.sql());
            if (part.counts().filter(all -> all.deleted() == taken).isEmpty()) {
                throw new RecoveryException(
                        "which rows of table " + table.name() + " the statement deleted is not known: "
                                + part.manifest().snapshotId() + " holds the whole table",
                        "`backstop recover --before " + part.manifest().snapshotId()
                                + "` restores it beside the present one and writes a script that says what it would do");
            }
        }
    }

    private static void takeWhatIsGone(UndoTable table) throws SQLException {
        UndonePart part = partial(table);
        if (!table.hasKey() || part.counts().isEmpty()) {
            return;
        }
        String there =
                "EXISTS (SELECT FROM ONLY " + table.live() + " AS present WHERE " + table.sameKey("present", "s");
        String ofPart = "NOT s." + TAKEN + " AND s." + EFFECT + " = " + Effect.REMOVED.sql();
        if (table.count(ofPart + " AND NOT " + there + ")")
                        == part.counts().get().deleted()
                && table.count(ofPart + " AND " + there + " AND " + part.mayBeWrittenSince() + ")") == 0) {
            table.execute("UPDATE " + table.staged() + " AS s SET " + TAKEN + " = true WHERE " + ofPart + " AND NOT "
                    + there + ")");
        }
    }

    private static UndonePart partial(UndoTable table) {
        return table.parts(Effect.REMOVED)
                .filter(each -> !each.isOfEachRow())
                .findFirst()
                .orElseThrow();
    }

    private static boolean take(UndoTables tables, UndoTable table) throws SQLException {
        long before = table.count("s." + TAKEN);
        for (Map.Entry<ForeignKeyLink, List<UndoTable>> key :
                tables.referredBy(table).entrySet()) {
            if (key.getKey().onDelete() != 'c') {
                continue;
            }
            for (UndoTable parent : key.getValue()) {
                table.execute("UPDATE " + table.staged() + " AS s SET " + TAKEN + " = true FROM " + parent.staged()
                        + " AS p WHERE NOT s." + TAKEN + " AND p." + TAKEN + " AND p." + EFFECT + " = "
                        + Effect.REMOVED.sql() + " AND " + key.getKey().refers("s", "p"));
            }
        }
        return table.count("s." + TAKEN) > before;
    }
}
