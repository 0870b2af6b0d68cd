package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.UndoConflict;
import io.backstop.recovery.model.UndoReport;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.UndoSnapshots;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import static io.backstop.recovery.internal.undo.UndoTable.CONSTRAINT;
import static io.backstop.recovery.internal.undo.UndoTable.PLACE;
import static io.backstop.recovery.internal.undo.UndoTable.ROW;
import static io.backstop.recovery.internal.undo.UndoTable.WHY;
import static io.backstop.recovery.internal.undo.UndoTable.acts;

/** One undo within a transaction: lock, load, decide, store what will change, change, verify. Thread-confined. */
public final class UndoSteps {
    private final RecoveryTransaction transaction;
    private final SnapshotArchive archive;
    private final UndoTables tables;

    private UndoSteps(RecoveryTransaction transaction, SnapshotArchive archive, UndoTables tables) {
        this.transaction = transaction;
        this.archive = archive;
        this.tables = tables;
    }

    /** Locks the tables, and decides what becomes of each row; changes nothing. */
    public static UndoSteps prepare(RecoveryTransaction transaction, SnapshotArchive archive, UndoneGroup group)
            throws SQLException, RecoveryException {
        UndoTables tables = UndoTables.of(transaction, archive, group);
        CascadedRows.find(tables);
        for (UndoTable table : tables.all()) {
            new RowComparison(table).decide();
        }
        for (List<UndoTable> tree : tables.trees()) {
            RowComparison.moved(tree);
        }
        new ObstacleSearch(tables).search();
        return new UndoSteps(transaction, archive, tables);
    }

    /** The oids of the tables that it may write to, and of what it keeps beside them meanwhile. */
    public List<Long> oids() throws SQLException {
        List<Long> oids = new ArrayList<>();
        for (UndoTable table : tables.all()) {
            oids.add(table.oid());
            oids.add(Long.parseLong(transaction
                    .strings("SELECT ?::regclass::oid::text", table.staged())
                    .get(0)));
        }
        return oids;
    }

    /** What is to become of the rows. */
    public List<UndoReport.Table> counts() throws SQLException {
        List<UndoReport.Table> counts = new ArrayList<>();
        for (UndoTable table : tables.all()) {
            UndoReport.Table count = new UndoReport.Table(
                    table.name(),
                    table.count(acts("s", "insert")),
                    table.count(acts("s", "update")),
                    table.count(acts("s", "remove")),
                    table.count(acts("s", "same")),
                    table.count(acts("s", "untouched")),
                    table.count(acts("s", "conflict")));
            if (!table.parts().isEmpty() || count.changes() || count.conflicts() > 0) {
                counts.add(count);
            }
        }
        return counts;
    }

    /** The rows that stay as they are, by their keys. */
    public List<UndoConflict> conflicts() throws SQLException {
        List<UndoConflict> conflicts = new ArrayList<>();
        for (UndoTable table : tables.all()) {
            conflicts.addAll(table.hasKey() ? named(table) : counted(table));
        }
        return conflicts;
    }

    private List<UndoConflict> named(UndoTable table) throws SQLException {
        StringBuilder keys = new StringBuilder();
        table.key()
                .forEach(column ->
                        keys.append(", s.").append(RelationName.quote(column)).append("::text"));
        List<UndoConflict> conflicts = new ArrayList<>();
        for (List<String> row : transaction.rows("SELECT s." + WHY + ", coalesce(s." + CONSTRAINT + ", '')" + keys
                + " FROM " + table.staged() + " AS s WHERE " + acts("s", "conflict") + " ORDER BY s." + ROW + " LIMIT "
                + UndoReport.MOST_CONFLICTS)) {
            Map<String, String> key = new LinkedHashMap<>();
            for (int i = 0; i < table.key().size(); i++) {
                key.put(table.key().get(i), row.get(2 + i));
            }
            conflicts.add(conflict(table, key, row, 1));
        }
        return conflicts;
    }

    private List<UndoConflict> counted(UndoTable table) throws SQLException {
        List<UndoConflict> conflicts = new ArrayList<>();
        for (List<String> row : transaction.rows("SELECT s." + WHY + ", coalesce(s." + CONSTRAINT
                + ", ''), count(*)::text FROM " + table.staged() + " AS s WHERE " + acts("s", "conflict")
                + " GROUP BY 1, 2 ORDER BY 1, 2")) {
            conflicts.add(conflict(table, Map.of(), row, Long.parseLong(row.get(2))));
        }
        return conflicts;
    }

    private static UndoConflict conflict(UndoTable table, Map<String, String> key, List<String> row, long rows) {
        return new UndoConflict(
                table.name(),
                key,
                UndoConflict.Reason.valueOf(row.get(0)),
                Optional.of(row.get(1)).filter(constraint -> !constraint.isEmpty()),
                rows);
    }

    /** Changes the rows, and stores nothing: to see whether it works. */
    public void tryOut() throws SQLException, RecoveryException {
        UndoWriter.of(transaction, tables).write();
    }

    /** Stores the rows that will change, changes them, and stores those that it made. */
    public void change(UndoSnapshots snapshots)
            throws SQLException, IOException, RecoveryException, RecoveryNotReadyException {
        snapshots.store(Optional.of(Destruction.Kind.UPDATE), placed("update"));
        snapshots.store(Optional.of(Destruction.Kind.DELETE), placed("remove"));
        UndoWriter writer = UndoWriter.of(transaction, tables);
        writer.write();
        Map<Long, String> made = new LinkedHashMap<>();
        for (UndoTable table : tables.all()) {
            if (table.count(acts("s", "insert")) > 0) {
                made.put(table.oid(), writer.isMade(table));
            }
        }
        snapshots.store(Optional.empty(), made);
        snapshots.confirmNothingElseWasDestroyed();
        for (UndoTable table : tables.all()) {
            SequenceAdvance.advance(table, archive);
        }
        for (UndonePart part : tables.withoutRows()) {
            SequenceAdvance.advance(transaction, part, archive);
        }
    }

    private Map<Long, String> placed(String act) throws SQLException {
        Map<Long, String> conditions = new LinkedHashMap<>();
        for (UndoTable table : tables.all()) {
            if (table.count(acts("s", act)) > 0) {
                conditions.put(
                        table.oid(),
                        "ctid IN (SELECT s." + PLACE + " FROM " + table.staged() + " AS s WHERE " + acts("s", act)
                                + ")");
            }
        }
        return conditions;
    }
}
