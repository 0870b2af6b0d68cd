package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.approval.ExpectedImpact.TableChange;
import io.backstop.api.internal.postgres.TrackCounts;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the transaction has done to each of the user's tables so far, by the server's statistics. Immutable.
 *
 * @param byTable by oid
 */
record ChangeCounters(Map<Long, TableChange> byTable) {
    private static final String COUNTERS = """
            SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid),
                pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            WHERE c.relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog."char"
            AND c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid""";

    private static final String COUNTING = "SELECT " + TrackCounts.SETTING;

    ChangeCounters {
        byTable = Map.copyOf(byTable);
    }

    /** Whether the server counts at all. */
    static boolean areKept(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(COUNTING)) {
            row.next();
            return "on".equals(row.getString(1));
        }
    }

    static ChangeCounters of(Connection connection) throws SQLException {
        Map<Long, TableChange> byTable = new LinkedHashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(COUNTERS)) {
            while (row.next()) {
                TableChange change = new TableChange(
                        RelationName.of(row.getString(2), row.getString(3)).toString(),
                        row.getLong(4),
                        row.getLong(5),
                        row.getLong(6));
                if (change.rows() > 0) {
                    byTable.put(row.getLong(1), change);
                }
            }
        }
        return new ChangeCounters(byTable);
    }

    /** The tables with more changes than before, the most changed first. */
    List<TableChange> since(ChangeCounters before) {
        List<TableChange> changes = new ArrayList<>();
        byTable.forEach((oid, now) -> {
            TableChange was = before.byTable.getOrDefault(oid, new TableChange(now.name(), 0, 0, 0));
            TableChange more = new TableChange(
                    now.name(),
                    now.inserted() - was.inserted(),
                    now.updated() - was.updated(),
                    now.deleted() - was.deleted());
            if (more.rows() > 0) {
                changes.add(more);
            }
        });
        changes.sort(Comparator.comparingLong(TableChange::rows).reversed().thenComparing(TableChange::name));
        return changes;
    }
}
