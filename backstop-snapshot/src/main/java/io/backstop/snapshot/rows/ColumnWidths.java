package io.backstop.snapshot.rows;

import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the catalog says about how large a table's rows can be: the types of its columns, and how much is stored outside of
 * its pages. Immutable, thread-safe.
 */
public final class ColumnWidths {
    /** Names of objects, which reg types are written as, may be long; digits of numeric(p, s) are at most 2,000. */
    private static final String SELECT = """
            WITH RECURSIVE used(relation, number, name, type, modifier, is_domain) AS (
                SELECT attrelid, attnum, attname, atttypid, atttypmod, false FROM pg_catalog.pg_attribute
                WHERE attrelid = ANY (%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                UNION ALL
                SELECT u.relation, u.number, u.name, t.typbasetype,
                       CASE WHEN u.modifier < 0 THEN t.typtypmod ELSE u.modifier END, true
                FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.type WHERE t.typtype = 'd'
            )
            SELECT u.relation, u.name, t.typname,
                   t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace OR t.typtype = 'e' AS built_in,
                   t.typlen > 0 AND (t.typtype = 'e' OR t.typname NOT LIKE 'reg%%') AS fixed,
                   CASE WHEN t.typname IN ('varchar', 'bpchar') THEN greatest(u.modifier - 4, 0)
                        WHEN t.typname = 'numeric' AND u.modifier >= 0 THEN 512 ELSE 0 END AS characters,
                   CASE WHEN u.is_domain THEN pg_catalog.format_type(u.type, -1) ELSE '' END AS base,
                   pg_catalog.has_table_privilege(u.relation, 'SELECT') AS readable,
                   coalesce(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname), '') AS send,
                   CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_catalog.pg_relation_size(c.reltoastrelid) END
                       + pg_catalog.current_setting('block_size')::pg_catalog.int8 - 32 AS stored
            FROM used u
            JOIN pg_catalog.pg_type t ON t.oid = u.type AND t.typtype <> 'd'
            JOIN pg_catalog.pg_class c ON c.oid = u.relation
            LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.typsend
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            ORDER BY u.relation, u.number
            """;

    private final Map<String, ColumnWidth> columns;
    private final long stored;

    private ColumnWidths(Map<String, ColumnWidth> columns, long stored) {
        this.columns = columns;
        this.stored = stored;
    }

    /** Those of the tables that exist and have columns, by their oids, as they are now: rows may grow afterwards. */
    public static Map<Long, ColumnWidths> read(Connection connection, Collection<Long> tables) throws SQLException {
        Map<Long, ColumnWidths> widths = new HashMap<>();
        for (Found found : new CallerSession(connection)
                .rows(SELECT.formatted(CallerSession.array(tables)), ColumnWidths::found)) {
            widths.computeIfAbsent(found.table(), table -> new ColumnWidths(new LinkedHashMap<>(), found.stored()))
                    .columns
                    .put(found.width().name(), found.width());
        }
        return widths;
    }

    /** Who may read columns alone is not told where a row is: then COPY sends it, however large it is. */
    private static Found found(ResultSet row) throws SQLException {
        String name = row.getString("name");
        return new Found(
                row.getLong("relation"),
                row.getBoolean("readable")
                        ? new ColumnWidth(
                                name,
                                row.getString("typname"),
                                row.getBoolean("built_in"),
                                row.getBoolean("fixed"),
                                row.getInt("characters"),
                                row.getString("send"),
                                row.getString("base"))
                        : unknown(name),
                row.getLong("stored"));
    }

    private static ColumnWidth unknown(String column) {
        return new ColumnWidth(column, "", true, true, 0, "", "");
    }

    /** Of a table without columns. */
    public static ColumnWidths none() {
        return new ColumnWidths(Map.of(), 0);
    }

    /** The server itself says where there is no such column. */
    ColumnWidth of(String column) {
        return columns.getOrDefault(column, unknown(column));
    }

    /** How many bytes all values of a row take at most, as they are stored: a page but for its header, and all that is outside. */
    long stored() {
        return stored;
    }

    private record Found(long table, ColumnWidth width, long stored) {}
}
