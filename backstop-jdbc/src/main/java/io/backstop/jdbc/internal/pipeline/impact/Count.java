package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.pipeline.impact.plain.PlainTable;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Compares two moments of a transaction, and says whether too much was changed in between. Not thread-safe. */
final class Count {
    private final Connection connection;
    private final Assessment assessment;
    private final ImpactRules rules;
    private final CodeOnWrite.Facts code;
    private final TableStates before;
    private final LostTables lost;
    private final ProtectedRows protectedRows;
    private final boolean afterInserts;

    private Count(
            Connection connection,
            Assessment assessment,
            ImpactRules rules,
            CodeOnWrite.Facts code,
            boolean afterInserts)
            throws SQLException {
        this.afterInserts = afterInserts;
        this.connection = connection;
        this.assessment = assessment;
        this.rules = rules;
        this.code = code;
        this.before = TableStates.of(connection);
        before.requireUntouchedCounters();
        this.lost = LostTables.since(connection, assessment, before);
        this.protectedRows = ProtectedRows.before(connection, assessment, rules, before);
    }

    /**
     * The first look.
     *
     * @param afterInserts whether the transaction may have inserted rows before, which do not count as the table's
     */
    static Count begin(
            Connection connection,
            Assessment assessment,
            ImpactRules rules,
            CodeOnWrite.Facts code,
            boolean afterInserts)
            throws SQLException {
        return new Count(connection, assessment, rules, code, afterInserts);
    }

    /**
     * The second look.
     *
     * @param batchCounts how many rows each statement of a batch changed
     * @param reported how many rows it changed by its own account; empty where the driver does not know
     */
    Result end(long[] batchCounts, Optional<Long> reported) throws SQLException {
        TableStates now = TableStates.of(connection);
        ChangedRows changed = now.changedSince(before);
        if (now.countersSetSince(before)) {
            return new Result(
                    changed,
                    now.tables(),
                    now.transaction(),
                    now.written(),
                    Optional.of(Excess.uncounted("it set track_counts, so what it changed meanwhile cannot be known")));
        }
        if (now.holdsCursorSince(before)) {
            return new Result(
                    changed,
                    now.tables(),
                    now.transaction(),
                    now.written(),
                    Optional.of(
                            Excess.uncounted("it declared a cursor WITH HOLD, whose query runs at the commit, so what"
                                    + " that changes cannot be counted")));
        }
        Optional<Excess> excess = new ForeignTableUse(connection, assessment, code)
                .uncounted(before, now)
                .map(Excess::elsewhere);
        if (excess.isEmpty()) {
            excess = SystemCatalogWrites.find(connection, assessment, code, before, now)
                    .map(Excess::uncounted);
        }
        if (excess.isEmpty()) {
            excess = lost.find(connection, now).map(Excess::counted);
        }
        if (excess.isEmpty()) {
            excess = protectedRows.touched(changed, now, reported).map(Excess::counted);
        }
        if (excess.isEmpty()) {
            Map<Long, RowCounts> earlier = afterInserts ? new ChangedRows(before.rows()).grown(now.tables()) : Map.of();
            excess = new RowLimits(new TableSizes(connection), assessment, rules, earlier)
                    .passedBy(changed, now.tables(), batchCounts)
                    .map(Excess::counted);
        }
        return new Result(changed, now.tables(), now.transaction(), now.written(), excess);
    }

    /** What a plain write has changed, as the server answered it. */
    static Result of(Connection connection, Assessment assessment, ImpactRules rules, PlainTable table, RowCounts rows)
            throws SQLException {
        ChangedRows changed = new ChangedRows(Map.of(table.oid(), rows));
        TableStates.Kind kind = table.temporary() ? TableStates.Kind.TEMPORARY : TableStates.Kind.STORED;
        Map<Long, TableStates.Table> tables =
                Map.of(table.oid(), new TableStates.Table(table.name(), kind, table.file(), table.oid()));
        return new Result(
                changed,
                tables,
                table.transaction(),
                table.written(),
                new RowLimits(new TableSizes(connection), assessment, rules, Map.of())
                        .passedBy(changed, tables, new long[0])
                        .map(Excess::counted));
    }

    /**
     * What was changed.
     *
     * @param tables what is known of the tables
     * @param transaction the number of the transaction, once it has written something
     * @param written all that the transaction has changed so far
     * @param excess why it is too much; empty where it is not
     */
    record Result(
            ChangedRows changed,
            Map<Long, TableStates.Table> tables,
            Optional<String> transaction,
            WrittenRows written,
            Optional<Excess> excess) {
        /** The tables of which rows were updated or deleted, temporary ones left out. */
        List<RelationName> changedTables() {
            return changed.byTable().entrySet().stream()
                    .filter(table -> table.getValue().changed() > 0 && tables.containsKey(table.getKey()))
                    .map(table -> tables.get(table.getKey()))
                    .filter(table -> table.kind() == TableStates.Kind.STORED)
                    .map(TableStates.Table::qualified)
                    .toList();
        }
    }
}
