package io.backstop.jdbc.internal.pipeline.lookup;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The rows that a transaction has changed in each table so far, by the server's own counters. Immutable, thread-safe.
 *
 * @param relations the oids of all relations with rows or a query that there are, without temporary ones of other sessions, where
 *     they were asked for; of a difference, those that are gone
 */
public record CatalogChanges(Map<Table, Rows> tables, Set<Long> relations) {
    private static final String CHANGES = "SELECT schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del"
            + " FROM pg_catalog.pg_stat_xact_all_tables WHERE n_tup_ins OPERATOR(pg_catalog.+) n_tup_upd"
            + " OPERATOR(pg_catalog.+) n_tup_del OPERATOR(pg_catalog.<>) 0";

    private static final String RELATIONS = "SELECT oid FROM pg_catalog.pg_class"
            + " WHERE relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog.\"char\"[])"
            + " AND (relpersistence OPERATOR(pg_catalog.<>) 't'"
            + " OR relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())";

    private static final String CATALOG = "pg_catalog";

    public CatalogChanges {
        tables = Map.copyOf(tables);
        relations = Set.copyOf(relations);
    }

    /** Without the relations. */
    static CatalogChanges read(Connection connection) throws SQLException {
        Map<Table, Rows> tables = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CHANGES)) {
            while (rows.next()) {
                tables.put(
                        new Table(rows.getString(1), rows.getString(2)),
                        new Rows(rows.getLong(3), rows.getLong(4), rows.getLong(5)));
            }
        }
        return new CatalogChanges(tables, Set.of());
    }

    static CatalogChanges withRelations(Connection connection) throws SQLException {
        return new CatalogChanges(read(connection).tables, relations(connection));
    }

    private static Set<Long> relations(Connection connection) throws SQLException {
        Set<Long> relations = new HashSet<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(RELATIONS)) {
            while (rows.next()) {
                relations.add(rows.getLong(1));
            }
        }
        return relations;
    }

    /** What came to it after an earlier look in the same transaction. */
    CatalogChanges since(CatalogChanges before) {
        Map<Table, Rows> changed = new HashMap<>();
        tables.forEach((table, rows) -> {
            Rows more = rows.minus(before.of(table));
            if (!more.equals(Rows.NONE)) {
                changed.put(table, more);
            }
        });
        Set<Long> gone = new HashSet<>(before.relations);
        gone.removeAll(relations);
        return new CatalogChanges(changed, gone);
    }

    boolean onlyIn(Set<String> catalogs) {
        return tables.keySet().stream().allMatch(table -> table.ofCatalog() && catalogs.contains(table.name()));
    }

    /** Long values of a catalog are in tables of their own; those of another table change with a row of it. */
    boolean onlyInCatalogs() {
        return tables.keySet().stream()
                .allMatch(table -> table.ofCatalog() || table.schema().equals("pg_toast"));
    }

    Rows ofCatalog(String name) {
        return of(new Table(CATALOG, name));
    }

    private Rows of(Table table) {
        return tables.getOrDefault(table, Rows.NONE);
    }

    public record Table(String schema, String name) {
        boolean ofCatalog() {
            return schema.equals(CATALOG);
        }
    }

    public record Rows(long inserted, long updated, long deleted) {
        static final Rows NONE = new Rows(0, 0, 0);

        Rows minus(Rows other) {
            return new Rows(inserted - other.inserted, updated - other.updated, deleted - other.deleted);
        }
    }
}
