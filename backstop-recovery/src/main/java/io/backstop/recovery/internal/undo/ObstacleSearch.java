package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.model.UndoConflict.Reason;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import static io.backstop.recovery.internal.undo.UndoTable.ACT;
import static io.backstop.recovery.internal.undo.UndoTable.CONSTRAINT;
import static io.backstop.recovery.internal.undo.UndoTable.EFFECT;
import static io.backstop.recovery.internal.undo.UndoTable.PLACE;
import static io.backstop.recovery.internal.undo.UndoTable.WHY;
import static io.backstop.recovery.internal.undo.UndoTable.acts;

/**
 * Finds what others have written since that stands in the way of rows which are as the statement left them: unique values that
 * are taken, rows that are referred to and gone, rows that are to go and are referred to. Thread-confined.
 */
final class ObstacleSearch {
    private static final String UNIQUE = "SELECT x.relname, a.attname, n.nspname, o.oprname FROM pg_index i "
            + "JOIN pg_class x ON x.oid = i.indexrelid "
            + "CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k "
            + "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] "
            + "JOIN pg_opclass p ON p.oid = i.indclass[k] "
            + "JOIN pg_amop m ON m.amopfamily = p.opcfamily AND m.amopstrategy = 3 "
            + "AND m.amoplefttype = p.opcintype AND m.amoprighttype = p.opcintype "
            + "JOIN pg_operator o ON o.oid = m.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace "
            + "WHERE NOT EXISTS (SELECT FROM pg_attribute g WHERE g.attrelid = i.indrelid AND g.attgenerated <> '' "
            + "AND g.attnum = ANY (i.indkey::int2[])) "
            + "AND i.indrelid = ?::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
            + "AND i.indexprs IS NULL AND x.relam = 403 ORDER BY x.relname, k";

    private final UndoTables tables;

    ObstacleSearch(UndoTables tables) {
        this.tables = tables;
    }

    /** Until there are no more: a row that does not come back may be the one that another refers to. */
    void search() throws SQLException {
        long before = -1;
        for (long found = conflicts(); found > before; found = conflicts()) {
            before = found;
            for (UndoTable table : tables.all()) {
                valuesTaken(table);
                referencesGone(table);
                referenced(table);
            }
            for (List<UndoTable> tree : tables.trees()) {
                for (UndoTable table : tree) {
                    if (table.count("s." + EFFECT + " = 'moved' AND " + acts("s", "conflict")) > 0) {
                        RowComparison.notMoved(tree);
                    }
                }
            }
        }
    }

    private long conflicts() throws SQLException {
        long conflicts = 0;
        for (UndoTable table : tables.all()) {
            conflicts += table.count(acts("s", "conflict"));
        }
        return conflicts;
    }

    private void valuesTaken(UndoTable table) throws SQLException {
        Map<String, List<String>> indexes = new LinkedHashMap<>();
        for (List<String> row : table.transaction().rows(UNIQUE, String.valueOf(table.oid()))) {
            String column = RelationName.quote(row.get(1));
            indexes.computeIfAbsent(row.get(0), index -> new ArrayList<>())
                    .add("other." + column + " OPERATOR(" + RelationName.quote(row.get(2)) + "." + row.get(3) + ") s."
                            + column);
        }
        for (Map.Entry<String, List<String>> index : indexes.entrySet()) {
            conflict(
                    table,
                    acts("s", "insert", "update") + " AND EXISTS (SELECT FROM ONLY " + table.live() + " AS other WHERE "
                            + String.join(" AND ", index.getValue()) + " AND NOT EXISTS (SELECT FROM " + table.staged()
                            + " AS own WHERE own." + PLACE + " = other.ctid AND " + acts("own", "update", "remove")
                            + "))",
                    Reason.VALUE_TAKEN,
                    index.getKey());
        }
    }

    private void referencesGone(UndoTable table) throws SQLException {
        for (Map.Entry<ForeignKeyLink, List<UndoTable>> key :
                tables.referredBy(table).entrySet()) {
            ForeignKeyLink link = key.getKey();
            String comingBack = key.getValue().stream()
                    .map(parent -> " AND NOT EXISTS (SELECT FROM " + parent.staged() + " AS p WHERE "
                            + acts("p", "insert", "update", "same") + " AND " + link.refers("s", "p") + ")")
                    .collect(Collectors.joining());
            conflict(
                    table,
                    acts("s", "insert", "update") + " AND " + link.isSet("s") + " AND NOT EXISTS (SELECT FROM "
                            + link.referredName().quoted() + " AS p WHERE " + link.refers("s", "p") + ")" + comingBack,
                    Reason.REFERENCE_GONE,
                    link.name());
        }
    }

    private void referenced(UndoTable table) throws SQLException {
        for (Map.Entry<ForeignKeyLink, List<UndoTable>> key :
                tables.referringTo(table).entrySet()) {
            ForeignKeyLink link = key.getKey();
            String changedToo = key.getValue().stream()
                    .map(child -> " AND NOT EXISTS (SELECT FROM " + child.staged() + " AS c WHERE c." + PLACE
                            + " = other.ctid AND other.tableoid = " + child.oid() + "::oid AND "
                            + acts("c", "remove", "update") + ")")
                    .collect(Collectors.joining());
            String stays = link.onDelete() != 'a'
                    ? ""
                    : " AND NOT EXISTS (SELECT FROM " + table.staged() + " AS p WHERE " + acts("p", "insert", "update")
                            + " AND " + link.refers("other", "p") + ")";
            conflict(
                    table,
                    acts("s", "remove") + " AND EXISTS (SELECT FROM "
                            + link.referringName().quoted() + " AS other WHERE " + link.refers("other", "s")
                            + changedToo + stays + ")",
                    Reason.REFERENCED,
                    link.name());
        }
    }

    private static void conflict(UndoTable table, String condition, Reason reason, String constraint)
            throws SQLException {
        table.execute("UPDATE " + table.staged() + " AS s SET " + ACT + " = 'conflict', " + WHY + " = '" + reason
                + "', " + CONSTRAINT + " = " + SqlSpelling.literal(constraint) + " WHERE " + condition);
    }
}
