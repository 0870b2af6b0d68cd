package io.backstop.jdbc.internal.pipeline.impact.columns;

import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.policy.PolicyNames;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The protected columns of the tables at one moment, by their numbers: a column that goes by another name is not protected
 * any more. Immutable.
 *
 * @param names the name of each column
 */
public record ProtectedColumns(Map<ProtectedColumns.Column, String> names) {
    private static final String COLUMNS = """
            SELECT a.attrelid, a.attnum, a.attname FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid OPERATOR(pg_catalog.=) ANY (?::pg_catalog.oid[])
            AND a.attnum OPERATOR(pg_catalog.>) '0'::pg_catalog.int2 AND NOT a.attisdropped""";

    public ProtectedColumns {
        names = Map.copyOf(names);
    }

    /** A column of a table. */
    public record Column(long table, int number) {}

    /**
     * Reads which there are.
     *
     * @param byTable the protected columns by the policy's name of the table
     * @param tables the policy's name by the table's oid
     */
    public static ProtectedColumns of(Connection connection, Map<String, Set<String>> byTable, Map<Long, String> tables)
            throws SQLException {
        Map<Column, String> columns = new HashMap<>();
        read(connection, tables.keySet()).forEach((column, name) -> {
            Set<String> named = byTable.getOrDefault(tables.getOrDefault(column.table(), ""), Set.of());
            if (named.stream().anyMatch(each -> PolicyNames.meansColumn(each, name))) {
                columns.put(column, name);
            }
        });
        return new ProtectedColumns(columns);
    }

    /** Which of them got another name since, in words of which the statement is the subject. */
    public Optional<String> renamed(Connection connection) throws SQLException {
        Set<Long> tables = new HashSet<>();
        names.keySet().forEach(column -> tables.add(column.table()));
        Map<Column, String> now = read(connection, tables);
        return names.entrySet().stream()
                .filter(column -> !column.getValue().equals(now.getOrDefault(column.getKey(), column.getValue())))
                .map(column -> "it renamed column " + column.getValue() + ", which the policy protects")
                .findFirst();
    }

    private static Map<Column, String> read(Connection connection, Set<Long> tables) throws SQLException {
        Map<Column, String> columns = new HashMap<>();
        if (tables.isEmpty()) {
            return columns;
        }
        try (PreparedStatement select = connection.prepareStatement(COLUMNS)) {
            select.setString(1, CatalogSql.array(tables));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    columns.put(new Column(row.getLong(1), row.getInt(2)), row.getString(3));
                }
            }
        }
        return columns;
    }
}
