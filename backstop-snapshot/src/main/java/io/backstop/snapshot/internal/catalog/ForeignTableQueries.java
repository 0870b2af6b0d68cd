package io.backstop.snapshot.internal.catalog;

import io.backstop.snapshot.schema.ForeignTable;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What the catalog says of foreign tables alone. Asks no foreign server. Written for PostgreSQL 14 to 18. */
public final class ForeignTableQueries {
    private static final CatalogQuery TABLES = new CatalogQuery("""
            SELECT f.ftrelid, s.srvname AS server, f.ftoptions AS options
            FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
            WHERE f.ftrelid = ANY (:oids)
            """);

    private static final CatalogQuery COLUMNS = new CatalogQuery("""
            SELECT a.attrelid, a.attname AS name, a.attfdwoptions AS options FROM pg_attribute a
            WHERE a.attrelid = ANY (:oids) AND a.attnum > 0 AND NOT a.attisdropped AND a.attfdwoptions IS NOT NULL
            """);

    private ForeignTableQueries() {}

    /** Those of the relations that are foreign tables. */
    public static Map<Long, ForeignTable> read(Connection connection, Collection<Long> oids) throws SQLException {
        Map<Long, List<ColumnOptions>> columns = COLUMNS.rows(
                connection, oids, row -> new ColumnOptions(row.getString("name"), CatalogQuery.texts(row, "options")));
        Map<Long, ForeignTable> tables = new HashMap<>();
        TABLES.rows(connection, oids, row -> {
                    long oid = row.getLong(1);
                    return Map.entry(
                            oid,
                            new ForeignTable(
                                    row.getString("server"),
                                    CatalogQuery.texts(row, "options"),
                                    columns.getOrDefault(oid, List.of()).stream()
                                            .collect(Collectors.toMap(ColumnOptions::column, ColumnOptions::options))));
                })
                .values()
                .forEach(rows -> rows.forEach(table -> tables.put(table.getKey(), table.getValue())));
        return tables;
    }

    private record ColumnOptions(String column, List<String> options) {}
}
