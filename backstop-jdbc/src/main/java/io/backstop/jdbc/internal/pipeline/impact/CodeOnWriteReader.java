package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.jdbc.internal.analysis.rule.ReviewedFunctions;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.catalog.Dependencies;
import io.backstop.jdbc.internal.pipeline.catalog.ForeignTables;
import io.backstop.jdbc.internal.pipeline.catalog.OpenRoles;
import io.backstop.jdbc.internal.pipeline.catalog.StoredCalls;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.written.DeferredCode;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads from the catalog which writes run code of the user's. Functions of extensions do not count as the user's if they
 * are in C: they are judged by their names, as PostgreSQL's own are. Every name in the queries is qualified, because an
 * operator may mean anything on the session's search path.
 */
final class CodeOnWriteReader {
    /**
     * Relations that run such code, or a reviewed function of PostgreSQL's that may change something, when a row is inserted:
     * by a trigger, a rule, a default, a generated column, a CHECK, a domain, a policy, an index or a partition key; and
     * views, which may lead to any of these.
     */
    private static final String ON_INSERT = """
            WITH RECURSIVE danger (pattern) AS (
                SELECT pg_catalog.concat(':(funcid|opfuncid|aggfnoid|winfnoid) (',
                    pg_catalog.string_agg(p.oid::pg_catalog.text, '|'), ')[^0-9]')
                FROM pg_catalog.pg_proc AS p WHERE p.oid OPERATOR(pg_catalog.<) '16384'::pg_catalog.oid
                AND p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
                AND p.proname OPERATOR(pg_catalog.=) ANY ('{%s}'::pg_catalog.name[])),
            reached (class, id) AS (
                SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.oid FROM pg_catalog.pg_proc AS p
                WHERE p.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid AND (NOT p.prolang OPERATOR(pg_catalog.=) ANY ('{12,13}'::pg_catalog.oid[])
                    OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
                    WHERE e.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                    AND e.objid OPERATOR(pg_catalog.=) p.oid AND e.deptype OPERATOR(pg_catalog.=) 'e'))
                UNION
                SELECT stored.class, stored.id FROM danger JOIN (
                    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, e.adrelid, e.adbin::pg_catalog.text
                    FROM pg_catalog.pg_attrdef AS e
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, e.conrelid, e.conbin::pg_catalog.text
                    FROM pg_catalog.pg_constraint AS e WHERE e.conrelid OPERATOR(pg_catalog.<>) '0'::pg_catalog.oid
                    UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, e.contypid, e.conbin::pg_catalog.text
                    FROM pg_catalog.pg_constraint AS e WHERE e.contypid OPERATOR(pg_catalog.<>) '0'::pg_catalog.oid
                    UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, e.oid, e.typdefaultbin::pg_catalog.text
                    FROM pg_catalog.pg_type AS e
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, e.polrelid,
                        pg_catalog.concat(e.polqual::pg_catalog.text, e.polwithcheck::pg_catalog.text)
                    FROM pg_catalog.pg_policy AS e
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, e.indrelid,
                        pg_catalog.concat(e.indexprs::pg_catalog.text, e.indpred::pg_catalog.text)
                    FROM pg_catalog.pg_index AS e WHERE e.indexrelid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
                ) AS stored (class, id, expression) ON stored.expression OPERATOR(pg_catalog.~) danger.pattern
                UNION
                SELECT CASE WHEN k.contypid IS NOT NULL OR c.relkind OPERATOR(pg_catalog.=) 'c'
                        THEN 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
                    WHEN k.conrelid IS NOT NULL OR a.oid IS NOT NULL OR y.oid IS NOT NULL OR x.indrelid IS NOT NULL
                        THEN 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                    ELSE d.classid END,
                    coalesce(k.contypid, k.conrelid, a.adrelid, y.polrelid, x.indrelid,
                        CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'c' THEN c.reltype END, d.objid)
                FROM reached JOIN pg_catalog.pg_depend AS d
                    ON d.refclassid OPERATOR(pg_catalog.=) reached.class AND d.refobjid OPERATOR(pg_catalog.=) reached.id
                LEFT JOIN (SELECT o.oid, CASE WHEN o.contypid OPERATOR(pg_catalog.<>) '0'::pg_catalog.oid THEN o.contypid END AS contypid,
                        CASE WHEN o.conrelid OPERATOR(pg_catalog.<>) '0'::pg_catalog.oid THEN o.conrelid END AS conrelid FROM pg_catalog.pg_constraint AS o) AS k
                    ON k.oid OPERATOR(pg_catalog.=) d.objid AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_constraint'::pg_catalog.regclass
                LEFT JOIN pg_catalog.pg_attrdef AS a
                    ON a.oid OPERATOR(pg_catalog.=) d.objid AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                LEFT JOIN pg_catalog.pg_policy AS y
                    ON y.oid OPERATOR(pg_catalog.=) d.objid AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_policy'::pg_catalog.regclass
                LEFT JOIN pg_catalog.pg_index AS x
                    ON x.indexrelid OPERATOR(pg_catalog.=) d.objid AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                LEFT JOIN pg_catalog.pg_class AS c
                    ON c.oid OPERATOR(pg_catalog.=) d.objid AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                WHERE reached.class OPERATOR(pg_catalog.<>) 'pg_catalog.pg_class'::pg_catalog.regclass
                AND d.classid OPERATOR(pg_catalog.=) ANY (ARRAY['pg_catalog.pg_operator', 'pg_catalog.pg_cast', 'pg_catalog.pg_type',
                    'pg_catalog.pg_constraint', 'pg_catalog.pg_attrdef', 'pg_catalog.pg_policy', 'pg_catalog.pg_class',
                    'pg_catalog.pg_proc']::pg_catalog.regclass[]::pg_catalog.oid[])),
            direct (id) AS (
                SELECT id FROM reached WHERE class OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                UNION
                SELECT k.conrelid FROM pg_catalog.pg_constraint AS k
                JOIN reached ON k.confrelid OPERATOR(pg_catalog.=) reached.id
                    AND reached.class OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                WHERE k.contype OPERATOR(pg_catalog.=) 'f'
                UNION
                SELECT t.tgrelid FROM pg_catalog.pg_trigger AS t
                WHERE (t.tgfoid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid OR t.tgqual IS NOT NULL)
                    AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
                    AND t.tgtype OPERATOR(pg_catalog.&) '4'::pg_catalog.int2 OPERATOR(pg_catalog.<>) '0'::pg_catalog.int2
                UNION
                SELECT r.ev_class FROM pg_catalog.pg_rewrite AS r
                WHERE r.ev_enabled OPERATOR(pg_catalog.<>) 'D' AND (r.ev_type OPERATOR(pg_catalog.=) '3' OR r.rulename OPERATOR(pg_catalog.=) '_RETURN')
                UNION
                SELECT i.indrelid FROM pg_catalog.pg_index AS i
                WHERE EXISTS (SELECT FROM pg_catalog.unnest(i.indclass::pg_catalog.oid[]) AS u (class)
                    WHERE u.class OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
                        WHERE e.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_opclass'::pg_catalog.regclass
                        AND e.objid OPERATOR(pg_catalog.=) u.class AND e.deptype OPERATOR(pg_catalog.=) 'e'))),
            firing (id) AS (
                SELECT id FROM direct
                UNION
                SELECT h.inhparent FROM firing JOIN pg_catalog.pg_inherits AS h ON h.inhrelid OPERATOR(pg_catalog.=) firing.id)
            SELECT c.relname FROM firing JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) firing.id
            WHERE c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid""".formatted(String.join(",", ReviewedFunctions.dangerous()));

    /** Triggers and rules, whatever sets them off. Without a name whether code may wait for the commit. */
    private static final String TRIGGERS = """
            SELECT c.relname, p.proname, false FROM pg_catalog.pg_trigger AS t
            JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
            JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
            WHERE (t.tgfoid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid OR t.tgqual IS NOT NULL)
                    AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
            UNION ALL
            SELECT c.relname, '', false FROM pg_catalog.pg_rewrite AS r
            JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
            WHERE r.ev_type OPERATOR(pg_catalog.<>) '1' AND r.ev_enabled OPERATOR(pg_catalog.<>) 'D' AND c.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
            UNION ALL SELECT NULL, NULL, %s""".formatted(DeferredCode.MAY_WAIT);

    /**
     * The functions: name, body (since 14 the parsed one, too; of one in C the name of its code), language, whether that is
     * trusted, and whether it runs with the rights of an owner to whom what leaves the transaction is open. Without a name
     * whether there are foreign tables.
     */
    private static final String BODIES = """
            SELECT p.proname, p.prosrc SQLBODY, l.lanname, l.lanpltrusted OR l.lanname OPERATOR(pg_catalog.=) 'sql' AS trusted,
                p.prosecdef AND (SELECT OPEN) AS open
            FROM pg_catalog.pg_proc AS p
            JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
            JOIN pg_catalog.pg_roles AS owner ON owner.oid OPERATOR(pg_catalog.=) p.proowner
            WHERE NOT l.lanname OPERATOR(pg_catalog.=) ANY ('{c,internal}')
                OR l.lanname OPERATOR(pg_catalog.=) 'c' AND p.oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
            UNION ALL SELECT NULL, NULL, NULL, true, EXISTS (SELECT FROM pg_catalog.pg_foreign_table)""";

    private static final Set<String> BUILT_IN = UncountableCode.builtIn();

    private CodeOnWriteReader() {}

    private static String bodies(Connection connection, String encoding) throws SQLException {
        int version = connection.getMetaData().getDatabaseMajorVersion();
        String question = BODIES.replace(
                        "SQLBODY",
                        version >= 14
                                ? "OPERATOR(pg_catalog.||) coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), '')"
                                : "")
                .replace("OPEN", OpenRoles.condition("owner.rolsuper", "owner.oid", version));
        return CatalogSql.legible(CatalogSql.legibleCode(question, encoding, 5, 2), encoding, 5, 1, 3);
    }

    static CodeOnWrite.Facts read(GuardedSession session) throws SQLException {
        Connection connection = session.connection();
        String encoding = session.serverEncoding();
        Set<String> onInsert = new HashSet<>();
        Map<String, Set<String>> triggers = new HashMap<>();
        boolean deferrable = false;
        boolean foreign = false;
        UncountableCode.Bodies bodies = new UncountableCode.Bodies();
        try (Statement statement = connection.createStatement()) {
            try (ResultSet row = statement.executeQuery(CatalogSql.legible(ON_INSERT, encoding, 1, 1))) {
                while (row.next()) {
                    onInsert.add(row.getString(1));
                }
            }
            try (ResultSet row = statement.executeQuery(CatalogSql.legible(TRIGGERS, encoding, 3, 1, 2))) {
                while (row.next()) {
                    if (row.getString(1) == null) {
                        deferrable = row.getBoolean(3);
                    } else {
                        triggers.computeIfAbsent(row.getString(1), table -> new HashSet<>())
                                .add(row.getString(2));
                    }
                }
            }
            try (ResultSet row = statement.executeQuery(bodies(connection, encoding))) {
                while (row.next()) {
                    if (row.getString(1) == null) {
                        foreign = row.getBoolean(5);
                    } else {
                        bodies.add(
                                row.getString(1),
                                row.getString(2),
                                row.getString(3),
                                row.getBoolean(4),
                                row.getBoolean(5));
                    }
                }
            }
        }
        StoredCalls.of(connection, encoding, BUILT_IN).forEach(bodies::add);
        List<ForeignTables.Reaching> elsewhere = foreign ? ForeignTables.reaching(connection, encoding) : List.of();
        List<Dependencies.Dependency> dependencies = bodies.harmless() && elsewhere.isEmpty()
                ? List.of()
                : bodies.with(Dependencies.of(connection, encoding));
        UncountableReach building = bodies.building(dependencies);
        return new CodeOnWrite.Facts(
                onInsert,
                triggers,
                deferrable,
                bodies.leaving(building, dependencies),
                building,
                bodies.elsewhere(elsewhere, dependencies));
    }
}
