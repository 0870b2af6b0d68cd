package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.internal.postgres.InheritanceTree;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * How many rows of which table a statement has updated or deleted, as the server's statistics of its transaction tell:
 * cascades, triggers, rules and nested statements included, inserted rows not.
 *
 * @param byTable the rows by the table's oid
 */
public record ChangedRows(Map<Long, Long> byTable) {
    private static final String TREE = InheritanceTree.query("pg_catalog.to_regclass(?)::oid");

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
