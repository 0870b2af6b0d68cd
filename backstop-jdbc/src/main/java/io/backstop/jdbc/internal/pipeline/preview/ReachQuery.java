package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;

/**
 * The question which objects of the catalog names lead to: relations with what they run, functions with what their bodies
 * name, and so on. Every name in it is qualified, because on the session's search path it may mean anything; nothing in it
 * takes a lock on what is looked at. Stateless.
 */
final class ReachQuery {
    /** What parts the words of a body: every character of ASCII that no name holds without quotes. */
    static final String SEPARATORS =
            "[\\u0001-\\u0023\\u0025-\\u002f\\u003a-\\u0040\\u005b-\\u005e\\u0060\\u007b-\\u007f]+";

    /**
     * The parameters: names, names, whether everything of the user's counts, separators, whether what depends on a relation
     * counts as well, whether event triggers do. Operators and casts of the user's are reached without a name, by IN, BETWEEN
     * or a value of another type. Of a foreign key only the side is followed to which it passes changes on.
     */
    private static final String REACHED = """
            WITH RECURSIVE wanted (name) AS (
                SELECT DISTINCT n.name FROM pg_catalog.unnest(?::pg_catalog.name[]) AS n (name)
            ), folded (name) AS (
                SELECT DISTINCT pg_catalog.lower(n.name) FROM pg_catalog.unnest(?::pg_catalog.text[]) AS n (name)
            ), scope (everything, separators, dependents, events) AS (
                SELECT ?::pg_catalog.bool, ?::pg_catalog.text, ?::pg_catalog.bool, ?::pg_catalog.bool
            ), known (class, id, name) AS (
                SELECT c.tableoid, c.oid, c.relname FROM pg_catalog.pg_class AS c
                WHERE c.oid >= USERS AND c.relkind = ANY ('{r,p,v,m,f,S}'::pg_catalog."char"[])
                UNION ALL SELECT p.tableoid, p.oid, p.proname FROM pg_catalog.pg_proc AS p WHERE p.oid >= USERS
                UNION ALL SELECT t.tableoid, t.oid, t.typname FROM pg_catalog.pg_type AS t WHERE t.oid >= USERS
            ), reached (class, id) AS (
                SELECT k.class, k.id FROM known AS k JOIN wanted AS w ON w.name = k.name
                UNION
                SELECT k.class, k.id FROM known AS k JOIN folded AS f ON f.name = pg_catalog.lower(k.name::pg_catalog.text)
                UNION
                SELECT k.class, k.id FROM known AS k JOIN scope AS s ON s.everything
                UNION
                SELECT f.class, f.id FROM (
                    SELECT o.tableoid, o.oid FROM pg_catalog.pg_operator AS o WHERE o.oid >= USERS
                    UNION ALL SELECT c.tableoid, c.oid FROM pg_catalog.pg_cast AS c WHERE c.oid >= USERS
                    UNION ALL SELECT e.tableoid, e.oid FROM pg_catalog.pg_event_trigger AS e, scope AS s
                    WHERE s.events AND e.evtenabled <> 'D'::pg_catalog."char") AS f (class, id)
                WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = f.class AND d.objid = f.id
                    AND d.deptype = 'e'::pg_catalog."char")
                UNION
                SELECT edge.class, edge.id FROM reached AS r, scope AS s, LATERAL (
                    SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = r.class AND d.objid = r.id AND d.refobjid >= USERS
                    AND d.deptype <> 'e'::pg_catalog."char"
                    AND d.refclassid = ANY (ARRAY['pg_catalog.pg_class', 'pg_catalog.pg_proc', 'pg_catalog.pg_type',
                        'pg_catalog.pg_operator', 'pg_catalog.pg_opclass', 'pg_catalog.pg_ts_config',
                        'pg_catalog.pg_ts_dict']::pg_catalog.regclass[]::pg_catalog.oid[])
                    AND NOT (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                        AND (r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                            OR r.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid))
                    UNION ALL SELECT w.tableoid, w.oid FROM pg_catalog.pg_rewrite AS w
                    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND w.ev_class = r.id
                    UNION ALL SELECT t.tableoid, t.oid FROM pg_catalog.pg_trigger AS t
                    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND t.tgrelid = r.id
                    AND NOT t.tgisinternal
                    UNION ALL SELECT a.tableoid, a.oid FROM pg_catalog.pg_attrdef AS a
                    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND a.adrelid = r.id
                    UNION ALL SELECT y.tableoid, y.oid FROM pg_catalog.pg_policy AS y
                    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND y.polrelid = r.id
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, i.indexrelid
                    FROM pg_catalog.pg_index AS i
                    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND i.indrelid = r.id
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, h.inhrelid
                    FROM pg_catalog.pg_inherits AS h
                    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND h.inhparent = r.id
                    UNION ALL SELECT k.tableoid, k.oid FROM pg_catalog.pg_constraint AS k
                    WHERE (r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                        AND (k.conrelid = r.id OR k.confrelid = r.id))
                    OR (r.class = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid AND k.contypid = r.id)
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, k.conrelid
                    FROM pg_catalog.pg_constraint AS k
                    WHERE r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND k.confrelid = r.id
                    AND k.contype = 'f'::pg_catalog."char"
                    AND (s.dependents OR k.confdeltype = ANY ('{c,n,d}'::pg_catalog."char"[])
                        OR k.confupdtype = ANY ('{c,n,d}'::pg_catalog."char"[]))
                    UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, m.amproc::pg_catalog.oid
                    FROM pg_catalog.pg_opclass AS o JOIN pg_catalog.pg_amproc AS m ON m.amprocfamily = o.opcfamily
                    WHERE r.class = 'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid AND o.oid = r.id
                    UNION ALL SELECT k.class, k.id FROM (
                        SELECT DISTINCT w.word FROM pg_catalog.pg_proc AS p, pg_catalog.regexp_split_to_table(
                            pg_catalog.lower(p.prosrc), s.separators) AS w (word)
                        WHERE r.class = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AND p.oid = r.id
                        AND NOT s.everything) AS body
                    JOIN known AS k ON pg_catalog.lower(k.name::pg_catalog.text) = body.word
                    UNION ALL SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d
                    WHERE s.dependents AND d.refclassid = r.class AND d.refobjid = r.id
                    AND r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                    AND d.deptype = 'n'::pg_catalog."char"
                    UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, w.ev_class
                    FROM pg_catalog.pg_rewrite AS w
                    WHERE r.class = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid AND w.oid = r.id
                ) AS edge (class, id)
            )
            """;

    /**
     * Kind, what makes the object the one it is, its node trees; of routines the source, the language, whether it is VOLATILE,
     * and the extension; of others what else is asked about them: the kind of a relation, the name of a rule, what a foreign
     * key does. Last, the transaction that wrote it. A plain index decides nothing.
     */
    private static final String DEFINITIONS = """
            SELECT 'RELATION', CASE WHEN i.indexrelid IS NULL THEN pg_catalog.concat_ws(' ', c.oid, c.relname, c.relnamespace,
                    c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
                    CASE WHEN c.relkind = 'v'::pg_catalog."char" THEN c.reloptions END,
                    t.ftserver, t.ftoptions, v.srvoptions) ELSE '' END,
                pg_catalog.concat_ws(' ', c.relpartbound, i.indexprs, i.indpred), '', c.relkind::pg_catalog.text, false, '', '',
                c.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_class AS c ON c.tableoid = r.class AND c.oid = r.id
            LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
            LEFT JOIN pg_catalog.pg_foreign_table AS t ON t.ftrelid = c.oid
            LEFT JOIN pg_catalog.pg_foreign_server AS v ON v.oid = t.ftserver
            UNION ALL
            SELECT 'ROUTINE', pg_catalog.concat_ws(' ', p.oid, p.proname, p.pronamespace, p.proowner, p.prosecdef, p.proconfig,
                    p.provolatile, p.prokind, p.proargtypes, p.probin),
                pg_catalog.concat_ws(' ', p.proargdefaults, SQLBODY), p.prosrc, l.lanname::pg_catalog.text,
                p.provolatile = 'v'::pg_catalog."char", coalesce(x.extname::pg_catalog.text, ''), p.proname::pg_catalog.text,
                p.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_proc AS p ON p.tableoid = r.class AND p.oid = r.id
            JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
            LEFT JOIN (pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid)
                ON d.classid = r.class AND d.objid = r.id AND d.deptype = 'e'::pg_catalog."char"
            WHERE p.oid >= USERS
            UNION ALL
            SELECT 'RULE', pg_catalog.concat_ws(' ', w.oid, w.rulename, w.ev_type, w.ev_enabled, w.is_instead),
                pg_catalog.concat_ws(' ', w.ev_qual, w.ev_action), '', w.rulename::pg_catalog.text, false, '', '',
                w.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_rewrite AS w ON w.tableoid = r.class AND w.oid = r.id
            UNION ALL
            SELECT 'TRIGGER', pg_catalog.concat_ws(' ', t.oid, t.tgname, t.tgfoid::pg_catalog.oid, t.tgtype, t.tgenabled,
                    t.tgattr, pg_catalog.encode(t.tgargs, 'hex'), t.tgdeferrable, t.tginitdeferred),
                pg_catalog.concat_ws(' ', t.tgqual), '', '', false, '', '', t.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_trigger AS t ON t.tableoid = r.class AND t.oid = r.id
            UNION ALL
            SELECT 'EVENT_TRIGGER', pg_catalog.concat_ws(' ', e.oid, e.evtname, e.evtevent, e.evtfoid::pg_catalog.oid,
                    e.evtenabled, e.evttags), '', '', '', false, '', '', e.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_event_trigger AS e ON e.tableoid = r.class AND e.oid = r.id
            UNION ALL
            SELECT 'DEFAULT', pg_catalog.concat_ws(' ', a.oid, a.adnum), pg_catalog.concat_ws(' ', a.adbin), '', '', false, '', '',
                a.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_attrdef AS a ON a.tableoid = r.class AND a.oid = r.id
            UNION ALL
            SELECT 'POLICY', pg_catalog.concat_ws(' ', y.oid, y.polname, y.polcmd, y.polpermissive, y.polroles),
                pg_catalog.concat_ws(' ', y.polqual, y.polwithcheck), '', '', false, '', '', y.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_policy AS y ON y.tableoid = r.class AND y.oid = r.id
            UNION ALL
            SELECT 'CONSTRAINT', pg_catalog.concat_ws(' ', k.oid, k.conname, k.contype, k.condeferrable, k.condeferred,
                    k.conrelid, k.confrelid, k.confdeltype, k.confupdtype, k.conkey, k.confkey),
                pg_catalog.concat_ws(' ', k.conbin), '', pg_catalog.concat(k.confdeltype, k.confupdtype), false, '', '',
                k.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_constraint AS k ON k.tableoid = r.class AND k.oid = r.id
            UNION ALL
            SELECT 'TYPE', pg_catalog.concat_ws(' ', y.oid, y.typname, y.typtype, y.typbasetype, y.typinput::pg_catalog.oid),
                pg_catalog.concat_ws(' ', y.typdefaultbin), '', '', false, '', '', y.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_type AS y ON y.tableoid = r.class AND y.oid = r.id
            UNION ALL
            SELECT 'OPERATOR', pg_catalog.concat_ws(' ', o.oid, o.oprname, o.oprcode::pg_catalog.oid), '', '', '', false, '', '',
                o.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_operator AS o ON o.tableoid = r.class AND o.oid = r.id
            UNION ALL
            SELECT 'CAST', pg_catalog.concat_ws(' ', c.oid, c.castsource, c.casttarget, c.castfunc, c.castcontext, c.castmethod),
                '', '', '', false, '', '', c.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_cast AS c ON c.tableoid = r.class AND c.oid = r.id
            UNION ALL
            SELECT 'AGGREGATE', pg_catalog.concat_ws(' ', g.aggfnoid::pg_catalog.oid, g.aggtransfn::pg_catalog.oid,
                    g.aggfinalfn::pg_catalog.oid, g.agginitval), '', '', '', false, '', '', g.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_aggregate AS g
            ON r.class = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AND g.aggfnoid::pg_catalog.oid = r.id
            UNION ALL
            SELECT 'COLUMN', pg_catalog.concat_ws(' ', a.attrelid, a.attnum, a.attname, a.atttypid), '', '', '', false, '', '',
                a.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_attribute AS a
            ON r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND a.attrelid = r.id
            AND a.attnum >= 1::pg_catalog.int2 AND NOT a.attisdropped
            JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relkind = ANY ('{r,p,f}'::pg_catalog."char"[])
            WHERE EXISTS (SELECT FROM wanted AS w WHERE w.name = a.attname)
            UNION ALL
            SELECT 'IDENTITY', '', '', '', '', false, '', '', a.xmin::pg_catalog.text
            FROM reached AS r JOIN pg_catalog.pg_attribute AS a
            ON r.class = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND a.attrelid = r.id
            AND a.attidentity = ANY ('{a,d}'::pg_catalog."char"[])""";

    private ReachQuery() {}

    static String of(int majorVersion) {
        return CatalogSql.qualified(
                (REACHED + DEFINITIONS).replace("SQLBODY", majorVersion >= 14 ? "p.prosqlbody" : "''"));
    }

    /** The names of functions by their oids. */
    static final String FUNCTION_NAMES = "SELECT p.proname FROM pg_catalog.pg_proc AS p"
            + " WHERE p.oid OPERATOR(pg_catalog.=) ANY (?::pg_catalog.oid[])";
}
