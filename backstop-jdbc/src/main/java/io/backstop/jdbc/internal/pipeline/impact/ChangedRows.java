package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.internal.postgres.InheritanceTree;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * How many rows of which table a statement has changed, as the server's statistics of its transaction tell: cascades,
 * triggers, rules and nested statements included.
 *
 * @param byTable the rows by the table's oid
 */
record ChangedRows(Map<Long, RowCounts> byTable) {
    private static final String TREE_OF_NAME = InheritanceTree.query("pg_catalog.to_regclass(?)::pg_catalog.oid");
    private static final String TREE_OF_OID = InheritanceTree.query("?::pg_catalog.oid");

    ChangedRows {
        byTable = Map.copyOf(byTable);
    }

    /** How many were updated or deleted. */
    long total() {
        return byTable.values().stream().mapToLong(RowCounts::changed).sum();
    }

    /** How many were inserted, by whatever inserted them. */
    long inserted() {
        return byTable.values().stream().mapToLong(RowCounts::inserted).sum();
    }

    /**
     * The tables that lost rows: those of a partition are its partitioned table's. Large objects are none.
     *
     * @param tables what is known of the tables
     */
    List<Loss> losses(Map<Long, TableStates.Table> tables) {
        Map<Long, RowCounts> roots = byRoot(tables, counts -> counts.changed() > 0);
        List<Loss> losses = new ArrayList<>();
        roots.forEach((oid, counts) -> {
            TableStates.Table table = tables.get(oid);
            if (table != null) {
                losses.add(new Loss(oid, table, counts));
            }
        });
        return losses;
    }

    /** The rows of the tables that got more of them, by the oid of the partitioned table on top, or their own. */
    Map<Long, RowCounts> grown(Map<Long, TableStates.Table> tables) {
        Map<Long, RowCounts> grown = byRoot(tables, counts -> true);
        grown.values().removeIf(counts -> counts.inserted() == 0);
        return grown;
    }

    private Map<Long, RowCounts> byRoot(Map<Long, TableStates.Table> tables, Predicate<RowCounts> wanted) {
        Map<Long, RowCounts> roots = new HashMap<>();
        byTable.forEach((oid, counts) -> {
            TableStates.Table table = tables.get(oid);
            if (table != null && wanted.test(counts)) {
                roots.merge(table.root(), counts, RowCounts::plus);
            }
        });
        return roots;
    }

    /** A table, its partitions included, and what was changed of it. */
    record Loss(long oid, TableStates.Table table, RowCounts rows) {
        String name() {
            return table.name();
        }

        boolean isTemporary() {
            return table.kind() == TableStates.Kind.TEMPORARY;
        }
    }

    /** The tables of which a relation is made: itself, its partitions and its children. */
    static Set<Long> tree(Connection connection, String quotedRelation) throws SQLException {
        return tree(connection, TREE_OF_NAME, quotedRelation);
    }

    /** The same of a relation by its oid; to_regclass takes none before version 16. */
    static Set<Long> tree(Connection connection, long relation) throws SQLException {
        return tree(connection, TREE_OF_OID, String.valueOf(relation));
    }

    private static Set<Long> tree(Connection connection, String query, String root) throws SQLException {
        Set<Long> tree = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(query)) {
            select.setString(1, root);
            try (ResultSet oids = select.executeQuery()) {
                while (oids.next()) {
                    tree.add(oids.getLong(1));
                }
            }
        }
        return tree;
    }
}
