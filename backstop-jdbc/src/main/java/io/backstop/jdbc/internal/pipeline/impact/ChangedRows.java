package io.backstop.jdbc.internal.pipeline.impact;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * How many rows of which table a statement has updated or deleted, as the server's statistics of its transaction tell:
 * cascades, triggers, rules and nested statements included, inserted rows not.
 *
 * @param byTable the rows by the table's oid
 */
public record ChangedRows(Map<Long, Long> byTable) {
    private static final String TREE = """
            WITH RECURSIVE tree (oid) AS (
                SELECT pg_catalog.to_regclass(?)::oid
                UNION
                SELECT inhrelid FROM pg_catalog.pg_inherits JOIN tree ON inhparent OPERATOR(pg_catalog.=) tree.oid)
            SELECT oid FROM tree""";

    /** Whether a text may switch the counters off, and on again before somebody looks. */
    public static boolean mayBeHiddenBy(String sql) {
        return sql.toLowerCase(Locale.ROOT).contains("track_counts");
    }

    long total() {
        return byTable.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The rows of one relation and of what it is made of. */
    long of(Connection connection, String quotedRelation) throws SQLException {
        return tree(connection, quotedRelation).stream()
                .mapToLong(oid -> byTable.getOrDefault(oid, 0L))
                .sum();
    }

    /** The tables of which a relation is made: itself, its partitions and its children. */
    static Set<Long> tree(Connection connection, String quotedRelation) throws SQLException {
        Set<Long> tree = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(TREE)) {
            select.setString(1, quotedRelation);
            try (ResultSet oids = select.executeQuery()) {
                while (oids.next()) {
                    tree.add(oids.getLong(1));
                }
            }
        }
        return tree;
    }
}
