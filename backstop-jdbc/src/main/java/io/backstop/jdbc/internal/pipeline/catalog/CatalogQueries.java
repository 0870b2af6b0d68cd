package io.backstop.jdbc.internal.pipeline.catalog;

/**
 * The questions to the catalog. Every function and type is qualified in the text and every operator by {@link
 * CatalogSql#qualified}, because on the session's search path they may mean anything. Stateless.
 */
final class CatalogQueries {
    private CatalogQueries() {}

    /** What no transaction changes without changing this; with what decides how a reading may be used. */
    static final String FINGERPRINT = CatalogSql.qualified("""
            SELECT pg_catalog.current_setting('server_encoding'), pg_catalog.current_setting('transaction_isolation'),
                pg_catalog.string_agg(pg_catalog.concat(f.kind, f.number, ' ', f.hash), ';' ORDER BY f.kind),
                EXISTS (SELECT FROM pg_catalog.pg_foreign_table),
                pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL
            FROM (
                SELECT o.kind, pg_catalog.count(*) AS number, pg_catalog.sum(pg_catalog.hashtextextended(o.version, 0)) AS hash
                FROM (
                    SELECT 'f' AS kind, pg_catalog.concat(oid, ' ', xmin) AS version FROM pg_catalog.pg_proc
                    WHERE oid >= USERS OR NOT prolang = ANY ('{12,13}'::pg_catalog.oid[])
                    UNION ALL SELECT 'r', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_class
                    WHERE oid >= USERS AND (relkind = ANY ('{v,m,f,c}') OR relrowsecurity)
                    UNION ALL SELECT 'w', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_rewrite WHERE oid >= USERS
                    UNION ALL SELECT 'p', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_policy
                    UNION ALL SELECT 't', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_type
                    WHERE oid >= USERS AND (typtype = ANY ('{d,r,m}') OR typtype = 'b' AND typelem = 0::pg_catalog.oid)
                    UNION ALL SELECT 'u', pg_catalog.concat(d.classid, ' ', d.objid, ' ', d.objsubid)
                    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_depend AS d
                    ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.oid
                    WHERE t.oid >= USERS AND t.typtype = ANY ('{d,r,c}')
                    UNION ALL SELECT 'o', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_operator WHERE oid >= USERS
                    UNION ALL SELECT 'c', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_cast WHERE oid >= USERS
                    UNION ALL SELECT 'k', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_constraint
                    WHERE contypid <> 0::pg_catalog.oid OR contype = 'c'
                    UNION ALL SELECT 'n', pg_catalog.concat(n.oid, ' ', n.relname) FROM pg_catalog.pg_class AS n
                    WHERE n.oid >= USERS AND (n.relchecks <> 0 OR n.relhassubclass OR n.relispartition OR n.reloftype >= USERS
                        OR n.oid = ANY (ARRAY(SELECT pg_catalog.unnest(ARRAY[e.indrelid, e.indexrelid])
                            FROM pg_catalog.pg_index AS e WHERE e.indexprs IS NOT NULL OR e.indpred IS NOT NULL
                            OR EXISTS (SELECT FROM pg_catalog.unnest(e.indclass::pg_catalog.oid[]) AS m (id)
                                WHERE m.id >= USERS)))
                        OR n.oid = ANY (ARRAY(SELECT e.stxrelid FROM pg_catalog.pg_statistic_ext AS e)))
                    UNION ALL SELECT 'l', pg_catalog.concat(inhrelid, ' ', inhparent) FROM pg_catalog.pg_inherits
                    UNION ALL SELECT 'q', pg_catalog.concat(partrelid, ' ', xmin) FROM pg_catalog.pg_partitioned_table
                    WHERE partexprs IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.unnest(partclass::pg_catalog.oid[])
                        AS m (id) WHERE m.id >= USERS)
                    UNION ALL SELECT 'v', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_event_trigger
                    UNION ALL SELECT 'a', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_amproc WHERE oid >= USERS
                    UNION ALL SELECT 'b', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_amop WHERE oid >= USERS
                    UNION ALL SELECT 'i', pg_catalog.concat(indexrelid, ' ', xmin) FROM pg_catalog.pg_index
                    WHERE indexrelid >= USERS AND (indexprs IS NOT NULL OR indpred IS NOT NULL
                        OR EXISTS (SELECT FROM pg_catalog.unnest(indclass::pg_catalog.oid[]) AS m (id) WHERE m.id >= USERS))
                    UNION ALL SELECT 'y', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_opclass WHERE oid >= USERS
                    UNION ALL SELECT 's', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_statistic_ext
                    UNION ALL SELECT 'g', pg_catalog.concat(fts.oid, ' ', fts.xmin) FROM pg_catalog.pg_foreign_server AS fts
                    UNION ALL SELECT 'j', pg_catalog.concat(fw.oid, ' ', fw.xmin)
                    FROM pg_catalog.pg_foreign_data_wrapper AS fw
                    UNION ALL SELECT 'h', pg_catalog.concat(ft.ftrelid, ' ', ft.xmin) FROM pg_catalog.pg_foreign_table AS ft
                    UNION ALL SELECT 'z', pg_catalog.concat(oid, ' ', xmin) FROM pg_catalog.pg_language WHERE oid >= USERS
                    UNION ALL SELECT 'x', pg_catalog.concat(e.classid, ' ', e.objid) FROM pg_catalog.pg_depend AS e
                    WHERE e.deptype = 'e'
                ) AS o GROUP BY o.kind
            ) AS f""");

    /**
     * Functions whose bodies or extension decide. Those of initdb in SQL may have been replaced by somebody, and those in other
     * languages were.
     */
    private static final String FUNCTIONS = CatalogSql.qualified("""
            SELECT p.oid, p.proname, p.prokind = 'a', p.provolatile = 'v', l.lanname, x.extname,
                p.prorettype = ANY ('{trigger,event_trigger,language_handler,fdw_handler,index_am_handler,table_am_handler,
                    tsm_handler,internal}'::pg_catalog.regtype[])
                    OR 'pg_catalog.internal'::pg_catalog.regtype = ANY (p.proargtypes),
                p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1,
                CASE WHEN asked.bodies OR p.provolatile <> 'v' OR p.oid < USERS OR v.evtfoid IS NOT NULL THEN p.prosrc END,
                CASE WHEN asked.bodies OR p.provolatile <> 'v' OR p.oid < USERS THEN pg_catalog.pg_get_function_sqlbody(p.oid) END,
                pg_catalog.array_to_string(p.proconfig, ',')
            FROM (SELECT ?::pg_catalog.bool AS bodies) AS asked CROSS JOIN pg_catalog.pg_proc AS p
            JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
            LEFT JOIN pg_catalog.pg_depend AS e ON e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid
                AND e.deptype = 'e'
            LEFT JOIN pg_catalog.pg_extension AS x ON x.oid = e.refobjid
            LEFT JOIN (SELECT evtfoid FROM pg_catalog.pg_event_trigger UNION SELECT fdwvalidator
                FROM pg_catalog.pg_foreign_data_wrapper UNION SELECT lanvalidator FROM pg_catalog.pg_language) AS v
                ON v.evtfoid = p.oid
            WHERE p.oid >= USERS OR NOT l.lanname = ANY ('{internal,c}')""");

    /** The validators of foreign-data wrappers and of languages, and the commands that call them. */
    private static final String VALIDATORS = """
            SELECT w.fdwvalidator, pg_catalog.concat('CREATE SERVER,ALTER SERVER,CREATE USER MAPPING,',
                'ALTER USER MAPPING,CREATE FOREIGN TABLE,ALTER FOREIGN TABLE,ALTER TABLE,IMPORT FOREIGN SCHEMA,',
                'CREATE FOREIGN DATA WRAPPER,ALTER FOREIGN DATA WRAPPER')
            FROM pg_catalog.pg_foreign_data_wrapper AS w WHERE w.fdwvalidator >= USERS
            UNION ALL SELECT l.lanvalidator, 'CREATE FUNCTION,CREATE PROCEDURE'
            FROM pg_catalog.pg_language AS l WHERE l.lanvalidator >= USERS""";

    /** What runs with commands that define something: the function, and the tags of the commands; none stand for all. */
    static final String EVENT_TRIGGERS = CatalogSql.qualified("""
            SELECT v.evtfoid, pg_catalog.array_to_string(v.evttags, ',')
            FROM pg_catalog.pg_event_trigger AS v WHERE v.evtenabled <> 'D'
            UNION ALL
            """ + VALIDATORS);

    /** Relations a write to which may set a parameter: views over pg_settings, and what a rule makes one. */
    static final String SETTABLE = CatalogSql.qualified("""
            WITH RECURSIVE settable (id) AS (
                SELECT r.ev_class FROM pg_catalog.pg_rewrite AS r WHERE r.oid >= USERS
                AND r.ev_action::pg_catalog.text ~ pg_catalog.concat(':relid ', 'pg_catalog.pg_settings'::pg_catalog.regclass::pg_catalog.oid, ' ')
                UNION SELECT r.ev_class FROM settable JOIN pg_catalog.pg_depend AS d ON d.refobjid = settable.id
                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid)
            SELECT c.relname FROM settable JOIN pg_catalog.pg_class AS c ON c.oid = settable.id""");

    /** PostgreSQL's own functions that may change something: those that are VOLATILE, and those of a given name. */
    static final String BUILT_IN = CatalogSql.qualified("""
            SELECT p.oid, p.proname, p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
            FROM pg_catalog.pg_proc AS p
            WHERE p.oid < USERS AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
            AND (p.provolatile = 'v' OR p.proname = ANY (?::pg_catalog.name[]))""");

    /** Under which names PostgreSQL has the code that functions of language internal point to. */
    static final String INTERNAL = CatalogSql.qualified("""
            SELECT p.prosrc, p.proname, p.provolatile = 'v' FROM pg_catalog.pg_proc AS p
            WHERE p.oid < USERS AND p.prosrc = ANY (?::pg_catalog.text[])""");

    /** What makes a safe statement rest on the user's definitions, and whether an extension vouches for it. */
    static final String OBJECTS = CatalogSql.qualified("""
            SELECT o.kind, o.name, pg_catalog.bool_and(e.objid IS NOT NULL) FROM (
                SELECT CASE WHEN c.relkind = 'm' THEN 'm' ELSE 'r' END AS kind,
                    c.relname AS name, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS class, c.oid AS id
                FROM pg_catalog.pg_class AS c
                WHERE c.oid >= USERS AND (c.relkind = ANY ('{v,m,f,c}') OR c.relrowsecurity)
                UNION ALL SELECT 'r', t.typname, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_type AS t
                WHERE t.oid >= USERS AND (t.typtype = ANY ('{d,r,m}') OR t.typtype = 'b' AND t.typelem = 0::pg_catalog.oid)
                UNION ALL SELECT 'o', s.oprname, 'pg_catalog.pg_operator'::pg_catalog.regclass, s.oid
                FROM pg_catalog.pg_operator AS s WHERE s.oid >= USERS
                UNION ALL SELECT CASE WHEN k.castcontext = 'i' THEN 'I' WHEN k.castcontext = 'a' THEN 'A' ELSE 'E' END, '',
                    'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid
                FROM pg_catalog.pg_cast AS k WHERE k.oid >= USERS AND k.castfunc <> 0::pg_catalog.oid
            ) AS o
            LEFT JOIN pg_catalog.pg_depend AS e ON e.classid = o.class AND e.objid = o.id AND e.deptype = 'e'
            GROUP BY o.kind, o.name""");

    /**
     * What uses one of PostgreSQL's own functions, whose use pg_depend does not record: by their oids, and by a pattern that
     * finds them in stored expressions.
     */
    static final String USES_OF_BUILT_IN = CatalogSql.qualified("""
            WITH danger AS (SELECT ?::pg_catalog.oid[] AS ids, ?::pg_catalog.text AS pattern)
            SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, a.aggfnoid::pg_catalog.oid
            FROM pg_catalog.pg_aggregate AS a, danger WHERE a.aggfnoid::pg_catalog.oid >= USERS AND ARRAY[a.aggtransfn,
                a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
                a.aggmfinalfn]::pg_catalog.oid[] && danger.ids
            UNION SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_operator AS o, danger
            WHERE o.oid >= USERS AND o.oprcode::pg_catalog.oid = ANY (danger.ids)
            UNION SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_cast AS k, danger
            WHERE k.oid >= USERS AND k.castfunc = ANY (danger.ids)
            UNION SELECT 'pg_catalog.pg_amproc'::pg_catalog.regclass, m.oid FROM pg_catalog.pg_amproc AS m, danger
            WHERE m.oid >= USERS AND m.amproc::pg_catalog.oid = ANY (danger.ids)
            UNION SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class FROM pg_catalog.pg_rewrite AS r, danger
            WHERE r.oid >= USERS AND r.ev_type = '1' AND r.ev_action::pg_catalog.text ~ danger.pattern
            UNION SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, y.polrelid FROM pg_catalog.pg_policy AS y, danger
            WHERE y.polcmd = ANY ('{r,*}') AND y.polqual::pg_catalog.text ~ danger.pattern
            UNION SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, c.contypid FROM pg_catalog.pg_constraint AS c, danger
            WHERE c.contypid <> 0::pg_catalog.oid AND c.conbin::pg_catalog.text ~ danger.pattern
            UNION SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid FROM pg_catalog.pg_proc AS p, danger
            WHERE p.oid >= USERS AND p.proargdefaults::pg_catalog.text ~ danger.pattern
            UNION SELECT 'pg_catalog.pg_index'::pg_catalog.regclass, i.indrelid FROM pg_catalog.pg_index AS i, danger
            WHERE i.indexrelid >= USERS AND pg_catalog.concat(i.indexprs::pg_catalog.text, i.indpred::pg_catalog.text)
                ~ danger.pattern""");

    private static final String FAMILY_REACHED = """
            (u.opcfamily = ANY (SELECT m.amopfamily FROM pg_catalog.pg_amop AS m JOIN reached ON reached.id = m.oid
                    WHERE reached.class = 'pg_catalog.pg_amop'::pg_catalog.regclass)
                OR u.opcfamily = ANY (SELECT p.amprocfamily FROM pg_catalog.pg_amproc AS p JOIN reached ON reached.id = p.oid
                    WHERE reached.class = 'pg_catalog.pg_amproc'::pg_catalog.regclass))""";

    /**
     * What is reached from given objects by dependency: a view through its rule, a domain through its CHECK, a table through a
     * policy or a column of a reached type (then as a type itself), and as one whose statistics are taken (class pg_index)
     * through an index or statistics on expressions, or with an inheritance child of that kind. A materialized view runs
     * nothing when it is read. Kind d is what a command runs code by that builds, checks or moves rows anew: such tables with
     * all relatives by inheritance, those of a reached partition key, their indexes and row types.
     * A reached member of an operator family reaches the family's operators, its types of the user's, and the tables of its
     * indexes and partition keys; kind x is a family that is the default for a type of the server's, which no text names. An
     * operator is reached by its negator and its commutator, which the planner puts in its place. Kind c is a table with a
     * column of a reached type.
     * The third parameter takes the relations whose row types reach nothing.
     */
    static final String REACHED = CatalogSql.qualified("""
            WITH RECURSIVE reached (class, id) AS (
                SELECT seed.class, seed.id FROM ROWS FROM (pg_catalog.unnest(?::pg_catalog.oid[]),
                    pg_catalog.unnest(?::pg_catalog.oid[])) AS seed (class, id)
                UNION
                SELECT next.class, next.id FROM reached
                LEFT JOIN pg_catalog.pg_class AS rel ON rel.oid = reached.id
                    AND reached.class = 'pg_catalog.pg_class'::pg_catalog.regclass
                LEFT JOIN (SELECT 'pg_catalog.pg_amop'::pg_catalog.regclass::pg_catalog.oid AS class, oid AS member, amopfamily AS id
                    FROM pg_catalog.pg_amop WHERE oid >= USERS
                    UNION ALL SELECT 'pg_catalog.pg_amproc'::pg_catalog.regclass, oid, amprocfamily
                    FROM pg_catalog.pg_amproc WHERE oid >= USERS) AS family
                    ON family.class = reached.class AND family.member = reached.id
                CROSS JOIN LATERAL (
                    SELECT CASE
                        WHEN r.oid IS NOT NULL OR y.oid IS NOT NULL
                            THEN 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                        WHEN k.contypid <> 0::pg_catalog.oid
                            THEN 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
                        WHEN part.partrelid IS NOT NULL
                            THEN 'pg_catalog.pg_partitioned_table'::pg_catalog.regclass::pg_catalog.oid
                        WHEN i.indexrelid IS NOT NULL OR s.oid IS NOT NULL OR k.oid IS NOT NULL
                            THEN 'pg_catalog.pg_index'::pg_catalog.regclass::pg_catalog.oid
                        ELSE d.classid END AS class,
                        coalesce(r.ev_class, y.polrelid, nullif(k.contypid, 0::pg_catalog.oid), nullif(k.conrelid, 0::pg_catalog.oid),
                            i.indrelid, s.stxrelid, part.partrelid, d.objid) AS id
                    FROM pg_catalog.pg_depend AS d
                    LEFT JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid AND r.ev_type = '1'
                        AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    LEFT JOIN pg_catalog.pg_policy AS y ON y.oid = d.objid AND y.polcmd = ANY ('{r,*}')
                        AND d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
                    LEFT JOIN pg_catalog.pg_constraint AS k ON k.oid = d.objid AND k.contype = 'c'
                        AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = d.objid
                        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
                        AND reached.class <> 'pg_catalog.pg_class'::pg_catalog.regclass
                    LEFT JOIN pg_catalog.pg_statistic_ext AS s ON s.oid = d.objid
                        AND d.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
                        AND reached.class <> 'pg_catalog.pg_class'::pg_catalog.regclass
                    LEFT JOIN pg_catalog.pg_partitioned_table AS part ON part.partrelid = d.objid
                        AND part.partexprs IS NOT NULL AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND reached.class <> 'pg_catalog.pg_class'::pg_catalog.regclass
                    WHERE d.refclassid = reached.class AND d.refobjid = reached.id AND (
                        r.oid IS NOT NULL OR y.oid IS NOT NULL OR k.oid IS NOT NULL OR i.indexrelid IS NOT NULL
                        OR s.oid IS NOT NULL OR part.partrelid IS NOT NULL
                        OR d.classid = ANY ('{pg_catalog.pg_proc,pg_catalog.pg_operator,pg_catalog.pg_cast,pg_catalog.pg_amop,
                            pg_catalog.pg_amproc}'::pg_catalog.regclass[])
                        OR d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                            AND (rel.relkind IS NULL OR rel.relkind = ANY ('{r,p,f}')
                                AND NOT rel.oid = ANY (?::pg_catalog.oid[]))
                        OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND reached.class = 'pg_catalog.pg_type'::pg_catalog.regclass)
                    UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, rel.reltype WHERE rel.relkind = 'c'
                    UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, s.oid FROM pg_catalog.pg_operator AS s
                    WHERE reached.class = 'pg_catalog.pg_operator'::pg_catalog.regclass
                        AND (s.oprnegate = reached.id OR s.oprcom = reached.id)
                    UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, m.amopopr FROM pg_catalog.pg_amop AS m
                    WHERE m.amopfamily = family.id
                    UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, u.opcintype FROM pg_catalog.pg_opclass AS u
                    WHERE u.opcfamily = family.id AND u.opcintype >= USERS
                    UNION ALL SELECT 'pg_catalog.pg_index'::pg_catalog.regclass, x.indrelid FROM pg_catalog.pg_index AS x
                    JOIN pg_catalog.pg_opclass AS u ON u.oid = ANY (x.indclass::pg_catalog.oid[])
                    WHERE u.opcfamily = family.id AND x.indexrelid >= USERS
                    UNION ALL SELECT 'pg_catalog.pg_index'::pg_catalog.regclass, t.partrelid
                    FROM pg_catalog.pg_partitioned_table AS t
                    JOIN pg_catalog.pg_opclass AS u ON u.oid = ANY (t.partclass::pg_catalog.oid[])
                    WHERE u.opcfamily = family.id
                ) AS next
                WHERE rel.relkind IS NULL OR rel.relkind <> 'm'
            ), planned (id) AS (
                SELECT id FROM reached WHERE class = 'pg_catalog.pg_index'::pg_catalog.regclass
                UNION SELECT h.inhparent FROM planned JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = planned.id
            ), related (id) AS (
                SELECT relative.id FROM (SELECT planned.id FROM planned UNION SELECT key.id FROM reached AS key
                    WHERE key.class = 'pg_catalog.pg_partitioned_table'::pg_catalog.regclass) AS relative
                UNION SELECT CASE WHEN h.inhrelid = related.id THEN h.inhparent ELSE h.inhrelid END
                FROM related JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = related.id OR h.inhparent = related.id
            )
            SELECT 'f', '', id FROM reached WHERE class = 'pg_catalog.pg_proc'::pg_catalog.regclass
            UNION ALL
            SELECT CASE WHEN c.relkind = 'm' THEN 'm' ELSE 'r' END, c.relname, id
            FROM reached JOIN pg_catalog.pg_class AS c ON c.oid = id
            WHERE class = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.relkind = ANY ('{r,p,f,v,c,m}')
            UNION ALL
            SELECT 's', c.relname, id FROM planned JOIN pg_catalog.pg_class AS c ON c.oid = id
            UNION ALL
            SELECT 'd', c.relname, id FROM related JOIN pg_catalog.pg_class AS c ON c.oid = id
            UNION ALL
            SELECT 'd', t.typname, related.id FROM related JOIN pg_catalog.pg_class AS c ON c.oid = related.id
            JOIN pg_catalog.pg_type AS t ON t.oid = c.reloftype
            UNION ALL
            SELECT 'd', c.relname, related.id FROM related JOIN pg_catalog.pg_index AS i ON i.indrelid = related.id
            JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
                OR EXISTS (SELECT FROM pg_catalog.unnest(i.indclass::pg_catalog.oid[]) AS m (id) WHERE m.id >= USERS)
            UNION ALL
            SELECT 'd', u.opcname, u.oid FROM pg_catalog.pg_opclass AS u WHERE u.oid >= USERS AND FAMILY_REACHED
            UNION ALL
            SELECT 'c', c.relname, c.oid FROM reached JOIN pg_catalog.pg_type AS t ON t.oid = reached.id AND t.typtype <> 'd'
            JOIN pg_catalog.pg_attribute AS e ON e.atttypid = t.oid AND NOT e.attisdropped
            JOIN pg_catalog.pg_class AS c ON c.oid = e.attrelid AND c.relkind = ANY ('{r,p,m}')
            WHERE reached.class = 'pg_catalog.pg_type'::pg_catalog.regclass
            UNION ALL
            SELECT 't', t.typname, id FROM reached JOIN pg_catalog.pg_type AS t ON t.oid = id
            WHERE class = 'pg_catalog.pg_type'::pg_catalog.regclass
            UNION ALL
            SELECT 'o', o.oprname, id FROM reached JOIN pg_catalog.pg_operator AS o ON o.oid = id
            WHERE class = 'pg_catalog.pg_operator'::pg_catalog.regclass
            UNION ALL
            SELECT CASE WHEN a.castcontext = 'i' THEN 'I' WHEN a.castcontext = 'a' THEN 'A' ELSE 'E' END, '', id
            FROM reached JOIN pg_catalog.pg_cast AS a ON a.oid = id WHERE class = 'pg_catalog.pg_cast'::pg_catalog.regclass
            UNION ALL
            SELECT 'x', '', u.oid FROM pg_catalog.pg_opclass AS u WHERE u.opcdefault AND u.opcintype < USERS
            AND FAMILY_REACHED""".replace("FAMILY_REACHED", FAMILY_REACHED));

    /**
     * Which of these names something of the user's has: functions, operators, objects as in {@link #OBJECTS}, and what reaches
     * a foreign table. With the isolation level in which that was asked.
     */
    static final String EXISTING = CatalogSql.qualified(ForeignTables.REACHING + """
             SELECT 'f', p.proname FROM pg_catalog.pg_proc AS p
            WHERE p.proname = ANY (?::pg_catalog.name[]) AND p.oid >= USERS
            UNION SELECT 'o', o.oprname FROM pg_catalog.pg_operator AS o
            WHERE o.oprname = ANY (?::pg_catalog.name[]) AND o.oid >= USERS
            UNION SELECT 'r', c.relname FROM pg_catalog.pg_class AS c WHERE c.relname = ANY (?::pg_catalog.name[])
            AND c.oid >= USERS AND (c.relkind = ANY ('{v,m,f,c}') OR c.relrowsecurity)
            UNION SELECT 'r', t.typname FROM pg_catalog.pg_type AS t WHERE t.typname = ANY (?::pg_catalog.name[])
            AND t.oid >= USERS AND (t.typtype = ANY ('{d,r,m}') OR t.typtype = 'b' AND t.typelem = 0::pg_catalog.oid)
            UNION SELECT 'h', c.relname FROM remote JOIN pg_catalog.pg_class AS c ON c.oid = remote.id
            WHERE remote.reads AND c.relname = ANY (?::pg_catalog.name[])
            UNION SELECT 'i', pg_catalog.current_setting('transaction_isolation')::pg_catalog.name""");

    /** A function's body that is parsed when it is made, and the first version that has such. */
    private static final String PARSED_BODY = "pg_catalog.pg_get_function_sqlbody(p.oid)";

    private static final int WITH_PARSED_BODIES = 14;

    /** The functions, as a server of this version and encoding can be asked for them. */
    static String functions(int majorVersion, String encoding) {
        String known = majorVersion >= WITH_PARSED_BODIES
                ? FUNCTIONS
                : FUNCTIONS.replace(PARSED_BODY, "NULL::pg_catalog.text");
        return CatalogSql.legible(CatalogSql.legibleCode(known, encoding, 11, 9, 10), encoding, 11, 2, 5, 6, 11);
    }

    /** Which of these names no function has. */
    static final String UNKNOWN_FUNCTIONS = CatalogSql.qualified("""
            SELECT f.name FROM pg_catalog.unnest(?::pg_catalog.name[]) AS f (name)
            WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.proname = f.name)""");

    /** Whether the user's code takes the very arguments of a function or operator of PostgreSQL's own. */
    static final String SHADOWING = CatalogSql.qualified("""
            SELECT EXISTS (SELECT FROM pg_catalog.pg_proc AS u
            JOIN pg_catalog.pg_proc AS b ON b.proname = u.proname AND b.proargtypes = u.proargtypes
            WHERE u.oid >= USERS AND b.oid < USERS)
            OR EXISTS (SELECT FROM pg_catalog.pg_operator AS u
            JOIN pg_catalog.pg_operator AS b ON b.oprname = u.oprname AND b.oprleft = u.oprleft AND b.oprright = u.oprright
            WHERE u.oid >= USERS AND b.oid < USERS)""");
}
