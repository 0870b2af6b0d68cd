package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.approval.ExpectedImpact;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * What a statement would reach, as the catalog tells: the tables that it names, their partitions and children, and those to
 * which foreign keys pass a deletion or an update on; with the server's estimates of their rows. Runs nothing, locks nothing.
 * Stateless, thread-safe.
 */
final class CatalogImpact {
    private static final int MOST_TABLES = 50;

    /** The parameters: name, schema twice; whether rows are deleted, updated, truncated with CASCADE. */
    private static final String REACH = """
            WITH RECURSIVE acts AS (
                SELECT ?::pg_catalog.bool AS deletes, ?::pg_catalog.bool AS updates, ?::pg_catalog.bool AS truncates
            ), reach (oid, through) AS (
                SELECT c.oid, ''::pg_catalog.text COLLATE pg_catalog."C" FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,f,m}'::pg_catalog."char"[])
                AND c.relname OPERATOR(pg_catalog.=) ?::pg_catalog.name
                AND CASE WHEN ?::pg_catalog.text OPERATOR(pg_catalog.=) '' THEN pg_catalog.pg_table_is_visible(c.oid)
                    ELSE n.nspname OPERATOR(pg_catalog.=) ?::pg_catalog.name END
                UNION
                SELECT link.oid, link.through FROM reach AS r, LATERAL (
                    SELECT i.inhrelid AS oid,
                        ('child of ' OPERATOR(pg_catalog.||) i.inhparent::pg_catalog.regclass::pg_catalog.text)
                            COLLATE pg_catalog."C" AS through
                    FROM pg_catalog.pg_inherits AS i WHERE i.inhparent OPERATOR(pg_catalog.=) r.oid
                    UNION ALL
                    SELECT f.conrelid,
                        ('foreign key ' OPERATOR(pg_catalog.||) f.conname::pg_catalog.text) COLLATE pg_catalog."C"
                    FROM pg_catalog.pg_constraint AS f, acts
                    WHERE f.confrelid OPERATOR(pg_catalog.=) r.oid
                    AND f.contype OPERATOR(pg_catalog.=) 'f'::pg_catalog."char"
                    AND (acts.truncates
                        OR (acts.deletes AND f.confdeltype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[]))
                        OR (acts.updates AND f.confupdtype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[])))
                ) AS link
            )
            SELECT n.nspname, c.relname,
                CASE WHEN c.reltuples OPERATOR(pg_catalog.=) 0::pg_catalog.float4
                    AND c.relpages OPERATOR(pg_catalog.=) 0
                    AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.<) 140000
                    THEN -1 ELSE c.reltuples::pg_catalog.int8 END,
                pg_catalog.min(r.through)
            FROM reach AS r
            JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) r.oid
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            GROUP BY c.oid, n.nspname, c.relname, c.reltuples, c.relpages
            ORDER BY pg_catalog.min(r.through) OPERATOR(pg_catalog.<>) '', n.nspname, c.relname
            LIMIT %d""".formatted(MOST_TABLES + 1);

    private CatalogImpact() {}

    static ExpectedImpact of(GuardedSession session, Assessment assessment) throws SQLException {
        if (session.inFailedTransaction()) {
            return ExpectedImpact.UNKNOWN;
        }
        List<ExpectedImpact.Table> tables = new ArrayList<>();
        for (RelationName relation : assessment.tables().stream().distinct().toList()) {
            try (PreparedStatement select = session.connection().prepareStatement(REACH)) {
                select.setBoolean(1, destroys(assessment, Destruction.Kind.DELETE));
                select.setBoolean(2, destroys(assessment, Destruction.Kind.UPDATE));
                select.setBoolean(3, truncatesAll(assessment));
                select.setString(4, relation.name());
                select.setString(5, relation.schema().orElse(""));
                select.setString(6, relation.schema().orElse(""));
                read(select, tables);
            }
        }
        session.endOwnTransaction();
        List<ExpectedImpact.Table> distinct = tables.stream().distinct().toList();
        return ExpectedImpact.of(
                distinct.subList(0, Math.min(MOST_TABLES, distinct.size())),
                distinct.size() > MOST_TABLES ? "and more tables than these " + MOST_TABLES : "");
    }

    private static void read(PreparedStatement select, List<ExpectedImpact.Table> tables) throws SQLException {
        try (ResultSet row = select.executeQuery()) {
            while (row.next()) {
                tables.add(new ExpectedImpact.Table(
                        RelationName.of(row.getString(1), row.getString(2)).toString(),
                        row.getLong(3),
                        row.getString(4)));
            }
        }
    }

    private static boolean destroys(Assessment assessment, Destruction.Kind kind) {
        return assessment.destructions().stream().anyMatch(destruction -> destruction.kind() == kind);
    }

    private static boolean truncatesAll(Assessment assessment) {
        return assessment.destructions().stream()
                .anyMatch(destruction -> destruction.kind() == Destruction.Kind.TRUNCATE && destruction.cascade());
    }
}
