package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.analysis.SecretMask;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A table of which rows can be shown: a plain or partitioned one that the role may read, and no policy of which applies.
 * Immutable.
 *
 * @param name with its schema
 * @param columns what is shown, in the table's order
 */
record SampleTarget(RelationName name, List<Column> columns) {
    private static final int MOST_COLUMNS = 30;

    /** Of every value the server sends so many characters and one more, which tells that it is cut. */
    static final int WIDEST_VALUE = 100;

    private static final String TABLE = """
            SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            WHERE c.relname OPERATOR(pg_catalog.=) ?::pg_catalog.name
            AND CASE WHEN ?::pg_catalog.text OPERATOR(pg_catalog.=) '' THEN pg_catalog.pg_table_is_visible(c.oid)
                ELSE n.nspname OPERATOR(pg_catalog.=) ?::pg_catalog.name END
            AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
            AND c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
            AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)""";

    /** Whether a value can be written as text without running a cast of the user's; the type of a key, to compare it. */
    private static final String COLUMNS = """
            SELECT a.attname, t.oid OPERATOR(pg_catalog.=) '17'::pg_catalog.oid,
                (t.oid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid
                    OR t.typtype OPERATOR(pg_catalog.=) ANY ('{e,d}'::pg_catalog."char"[]))
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castsource OPERATOR(pg_catalog.=) t.oid
                    AND c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid),
                t.oid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid AND EXISTS (
                    SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid OPERATOR(pg_catalog.=) a.attrelid AND i.indisprimary
                    AND a.attnum OPERATOR(pg_catalog.=) ANY (i.indkey::pg_catalog.int2[])),
                pg_catalog.format_type(a.atttypid, -1)
            FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
            WHERE a.attrelid OPERATOR(pg_catalog.=) ?::pg_catalog.oid
            AND a.attnum OPERATOR(pg_catalog.>) '0'::pg_catalog.int2 AND NOT a.attisdropped
            ORDER BY a.attnum""";

    SampleTarget {
        columns = List.copyOf(columns);
    }

    /**
     * A column.
     *
     * @param binary whether it is of type bytea
     * @param shown whether its values may be read and written down
     * @param key whether it belongs to the primary key, and can be compared
     * @param type as SQL writes it
     */
    record Column(String name, boolean binary, boolean shown, boolean key, String type) {
        /** The beginning of its value, from a row of this name. */
        String beginning(String row) {
            if (!shown) {
                return "NULL";
            }
            String value = row + "." + RelationName.quote(name);
            return binary
                    ? "pg_catalog.encode(pg_catalog.substring(" + value + ", 1, " + (WIDEST_VALUE / 2 + 1) + "), 'hex')"
                    : "pg_catalog.left(" + value + "::pg_catalog.text, " + (WIDEST_VALUE + 1) + ")";
        }

        /** Its whole value, to find the row again. */
        String value(String row) {
            return row + "." + RelationName.quote(name) + "::pg_catalog.text";
        }
    }

    /** @param protectedColumns columns whose values are not written down, by table, {@code name} or {@code schema.name} */
    static Optional<SampleTarget> of(
            Connection connection, RelationName relation, Map<String, Set<String>> protectedColumns)
            throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(TABLE)) {
            select.setString(1, relation.name());
            select.setString(2, relation.schema().orElse(""));
            select.setString(3, relation.schema().orElse(""));
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return Optional.empty();
                }
                RelationName name = RelationName.of(row.getString(2), row.getString(3));
                return Optional.of(new SampleTarget(name, columns(connection, row.getLong(1), protectedColumns)));
            }
        }
    }

    private static List<Column> columns(Connection connection, long table, Map<String, Set<String>> protectedColumns)
            throws SQLException {
        List<Column> columns = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(COLUMNS)) {
            select.setLong(1, table);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    String name = row.getString(1);
                    boolean secret = SecretMask.secretName(name)
                            || protectedColumns.values().stream()
                                    .flatMap(Set::stream)
                                    .anyMatch(name::equalsIgnoreCase);
                    columns.add(new Column(
                            name,
                            row.getBoolean(2),
                            row.getBoolean(3) && !secret,
                            row.getBoolean(4),
                            row.getString(5)));
                }
            }
        }
        return bounded(columns);
    }

    /** The columns of the key, and the first of the others. */
    private static List<Column> bounded(List<Column> columns) {
        List<Column> some = new ArrayList<>();
        int left = MOST_COLUMNS - (int) columns.stream().filter(Column::key).count();
        for (Column column : columns) {
            if (column.key() || left-- > 0) {
                some.add(column);
            }
        }
        return some;
    }

    List<Column> key() {
        return columns.stream().filter(Column::key).toList();
    }
}
