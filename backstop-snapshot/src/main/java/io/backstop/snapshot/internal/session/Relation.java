package io.backstop.snapshot.internal.session;

import io.backstop.api.analysis.RelationName;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A relation as the catalog knows it.
 *
 * @param kind {@code pg_class.relkind}
 * @param system whether it belongs to PostgreSQL itself
 * @param replaced whether rules or INSTEAD OF triggers do something else in place of a write to it
 * @param estimatedRows as the statistics say, 0 where they say nothing
 */
public record Relation(long oid, RelationName name, char kind, boolean system, boolean replaced, long estimatedRows) {
    private static final String SELECT = """
            SELECT c.oid, n.nspname, c.relname, c.relkind::text,
                   n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') AS system,
                   c.relkind = 'v' AND (
                       EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
                       OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal))
                       AS replaced,
                   greatest(c.reltuples, 0)::pg_catalog.int8 AS rows
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = ANY (%s)
            """;

    /** Those that exist. */
    public static Map<Long, Relation> read(CallerSession session, Collection<Long> oids) throws SQLException {
        Map<Long, Relation> relations = new LinkedHashMap<>();
        for (Relation relation : session.rows(SELECT.formatted(CallerSession.array(oids)), Relation::of)) {
            relations.put(relation.oid(), relation);
        }
        return relations;
    }

    private static Relation of(ResultSet row) throws SQLException {
        return new Relation(
                row.getLong("oid"),
                RelationName.of(row.getString("nspname"), row.getString("relname")),
                row.getString("relkind").charAt(0),
                row.getBoolean("system"),
                row.getBoolean("replaced"),
                row.getLong("rows"));
    }

    /** Whether it can hold rows of its own, or is the head of partitions that do. */
    public boolean isTable() {
        return kind == 'r' || kind == 'p';
    }

    /** Whether it lives in a session's own schema; no other schema may be called like these. */
    public boolean isTemporary() {
        return name.schema().orElse("").startsWith("pg_temp_");
    }

    boolean isView() {
        return kind == 'v';
    }

    /** Whether its rows are another server's. It cannot be locked, and is kept by its definition alone. */
    public boolean isForeign() {
        return kind == 'f';
    }
}
