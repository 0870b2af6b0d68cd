package io.backstop.snapshot.internal.catalog;

import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A query of the catalog about many relations at once. In its text {@code :oids} stands for them; its first column is the
 * relation that a row is about.
 */
public record CatalogQuery(String sql) {
    private static final String OIDS = ":oids";

    /** The rows by relation, each relation's in the query's order. */
    public <T> Map<Long, List<T>> rows(Connection connection, Collection<Long> oids, Row<T> reader)
            throws SQLException {
        Map<Long, List<T>> rows = new LinkedHashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql.replace(OIDS, array(oids)))) {
            while (result.next()) {
                rows.computeIfAbsent(result.getLong(1), oid -> new ArrayList<>())
                        .add(reader.read(result));
            }
        }
        return rows;
    }

    /** Numbers need no quoting. */
    private static String array(Collection<Long> oids) {
        return oids.stream().map(String::valueOf).collect(Collectors.joining(",", "'{", "}'::oid[]"));
    }

    /** An array of text, empty where the column is NULL. */
    public static List<String> texts(ResultSet result, String column) throws SQLException {
        Array array = result.getArray(column);
        return array == null ? List.of() : List.of((String[]) array.getArray());
    }

    /** Whether the query gives a column of the name. */
    public static boolean has(ResultSet result, String column) throws SQLException {
        ResultSetMetaData columns = result.getMetaData();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            if (columns.getColumnLabel(i).equals(column)) {
                return true;
            }
        }
        return false;
    }

    /** Reads one row. */
    @FunctionalInterface
    public interface Row<T> {
        T read(ResultSet result) throws SQLException;
    }
}
