package io.backstop.jdbc.pipeline;

import io.backstop.api.error.ImpactLimitException;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * How many rows of which table a session has updated or deleted, as the server's statistics of its transaction tell:
 * cascades, triggers, rules and nested statements included, inserted rows not. Every name in the queries is qualified, and
 * the arithmetic is done here, because an operator may mean anything on the session's search path.
 *
 * @param byTable the rows by the table's oid
 */
record ChangedRows(Map<Long, Long> byTable) {
    private static final String COUNTS =
            "SELECT relid, n_tup_upd, n_tup_del, pg_catalog.current_setting('track_counts')"
                    + " FROM pg_catalog.pg_stat_xact_user_tables";

    /** The tables of which a relation is made: itself, its partitions and its children. */
    private static final String TREE = """
            WITH RECURSIVE tree (oid) AS (
                SELECT pg_catalog.to_regclass(?)::oid
                UNION
                SELECT inhrelid FROM pg_catalog.pg_inherits JOIN tree ON inhparent OPERATOR(pg_catalog.=) tree.oid)
            SELECT oid FROM tree""";

    static ChangedRows of(Connection connection) throws SQLException {
        Map<Long, Long> changed = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(COUNTS)) {
            while (rows.next()) {
                if (!"on".equals(rows.getString(4))) {
                    throw new ImpactLimitException(
                            "how many rows the statement changes cannot be known while track_counts is off",
                            "switch track_counts on, or impact_analysis_enabled off in the policy");
                }
                long count = rows.getLong(2) + rows.getLong(3);
                if (count > 0) {
                    changed.put(rows.getLong(1), count);
                }
            }
        }
        return new ChangedRows(changed);
    }

    /** Whether a text may switch the counters off, and on again before somebody looks. */
    static boolean mayBeHiddenBy(String sql) {
        return sql.toLowerCase(Locale.ROOT).contains("track_counts");
    }

    ChangedRows since(ChangedRows before) {
        Map<Long, Long> more = new HashMap<>();
        byTable.forEach((table, count) -> {
            long difference = count - before.byTable.getOrDefault(table, 0L);
            if (difference > 0) {
                more.put(table, difference);
            }
        });
        return new ChangedRows(more);
    }

    long total() {
        return byTable.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The rows of one relation and of what it is made of. */
    long of(Connection connection, String quotedRelation) throws SQLException {
        long sum = 0;
        try (PreparedStatement select = connection.prepareStatement(TREE)) {
            select.setString(1, quotedRelation);
            try (ResultSet oids = select.executeQuery()) {
                while (oids.next()) {
                    sum += byTable.getOrDefault(oids.getLong(1), 0L);
                }
            }
        }
        return sum;
    }
}
