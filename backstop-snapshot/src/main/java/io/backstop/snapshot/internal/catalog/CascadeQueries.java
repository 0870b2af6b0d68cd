package io.backstop.snapshot.internal.catalog;

import java.util.List;

/**
 * What is made of tables and goes with DROP … CASCADE: views, functions and what uses those in turn. Each query gives the
 * table, the object, how far it is from the table, and what a dependent has. Written for PostgreSQL 14 to 18.
 */
public final class CascadeQueries {
    /**
     * Everything that is made of a table or of a sequence that it owns, directly or through each other. A function depends
     * on a table through its row type or, with a body in standard SQL, as a view does.
     */
    private static final String FURTHEST = """
            WITH RECURSIVE hanging(root, classid, oid, depth) AS (
                SELECT o, 'pg_class'::regclass::oid, o, 0 FROM unnest(:oids) o
                UNION
                SELECT d.refobjid, d.classid, d.objid, 0 FROM pg_depend d JOIN pg_class s ON s.oid = d.objid
                WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND s.relkind = 'S'
                  AND d.refobjid = ANY (:oids) AND d.deptype IN ('a', 'i')
                UNION
                SELECT h.root, CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END,
                       coalesce(r.ev_class, d.objid), h.depth + 1
                FROM hanging h
                JOIN pg_depend d ON d.refclassid = h.classid AND d.refobjid = h.oid
                LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
                WHERE h.depth < 100 AND (d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass)
                      OR (r.rulename = '_RETURN' AND r.ev_class <> h.oid))
            ), furthest AS (
                SELECT root, classid, oid, max(depth) AS depth FROM hanging WHERE depth > 0 GROUP BY root, classid, oid
            )
            """;

    private static final String USED = FURTHEST + """
            , used AS (
                SELECT DISTINCT f.root, f.depth, d.classid, d.objid AS oid FROM furthest f
                JOIN pg_depend d ON d.refclassid = f.classid AND d.refobjid = f.oid AND d.deptype = 'n'
                WHERE f.classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass)
            )
            """;

    /** As pg_dump has it: one that is made of another which is not filled cannot be filled either. */
    private static final String POPULATED = """
            (WITH RECURSIVE beneath(oid) AS (
                 SELECT f.oid
                 UNION
                 SELECT d.refobjid FROM beneath b
                 JOIN pg_rewrite r ON r.ev_class = b.oid AND r.rulename = '_RETURN'
                 JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                                 AND d.refclassid = 'pg_class'::regclass)
             SELECT bool_and(u.relispopulated) FROM beneath b JOIN pg_class u ON u.oid = b.oid AND u.relkind = 'm')
            """.strip();

    /**
     * What fills it may need what this session does not have, a search path or rows of another server: then it stays empty, and
     * what it hangs on comes back all the same.
     */
    private static final String FILL = """
            format('DO %L', format('BEGIN REFRESH MATERIALIZED VIEW %s; EXCEPTION WHEN OTHERS THEN RAISE WARNING %L, SQLERRM; END',
                   f.oid::regclass, format('materialized view %s was not filled, refresh it by hand: ',
                                           replace(f.oid::regclass::text, '%', '%%')) || '%'))
            """.strip();

    public static final CatalogQuery OBJECTS = new CatalogQuery(FURTHEST
            + """
            SELECT f.root, f.classid::regclass::text AS class, f.oid,
                   CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind,
                   f.oid::regclass::text AS identity, f.depth,
                   array_remove(ARRAY[
                       format('CREATE %sVIEW %s%s%s AS ', CASE WHEN c.relkind = 'm' THEN 'MATERIALIZED ' END,
                              f.oid::regclass, ' USING ' || quote_ident(nullif(m.amname, 'heap')),
                              ' WITH (' || array_to_string(c.reloptions, ', ') || ')')
                           || rtrim(pg_get_viewdef(f.oid), ';')
                           || CASE WHEN c.relkind = 'm' THEN ' WITH NO DATA' ELSE '' END,
                       CASE WHEN c.relkind = 'm' AND :populated THEN :fill END,
                       format('COMMENT ON %sVIEW %s IS ', CASE WHEN c.relkind = 'm' THEN 'MATERIALIZED ' END,
                              f.oid::regclass) || quote_literal(obj_description(f.oid, 'pg_class'))], NULL)
                   || ARRAY(SELECT format('COMMENT ON COLUMN %s.%I IS %L', a.attrelid::regclass, a.attname,
                                          col_description(a.attrelid, a.attnum))
                            FROM pg_attribute a WHERE a.attrelid = f.oid AND a.attnum > 0
                            AND col_description(a.attrelid, a.attnum) IS NOT NULL ORDER BY a.attnum)
                   || ARRAY(SELECT format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT ', a.attrelid::regclass, a.attname)
                                   || pg_get_expr(x.adbin, x.adrelid)
                            FROM pg_attrdef x JOIN pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum
                            WHERE x.adrelid = f.oid ORDER BY a.attnum) AS sql,
                   array_remove(ARRAY['access method ' || nullif(m.amname, 'heap')], NULL) AS needs,
                   format('DROP %sVIEW %s', CASE WHEN c.relkind = 'm' THEN 'MATERIALIZED ' END, f.oid::regclass) AS drop
            FROM furthest f JOIN pg_class c ON c.oid = f.oid AND c.relkind IN ('v', 'm') LEFT JOIN pg_am m ON m.oid = c.relam
            WHERE f.classid = 'pg_class'::regclass
            UNION ALL
            SELECT f.root, 'pg_proc', f.oid, :kind, f.oid::regprocedure::text, f.depth, :create, '{}'::text[],
                   format('DROP ROUTINE %s', f.oid::regprocedure)
            FROM furthest f JOIN pg_proc p ON p.oid = f.oid
            WHERE f.classid = 'pg_proc'::regclass
            UNION ALL
            SELECT f.root, 'pg_operator', f.oid, 'operator', f.oid::regoperator::text, f.depth, :operator, '{}'::text[],
                   format('DROP OPERATOR %s', f.oid::regoperator)
            FROM furthest f JOIN pg_operator o ON o.oid = f.oid
            WHERE f.classid = 'pg_operator'::regclass
            UNION ALL
            SELECT f.root, 'pg_type', f.oid, 'domain', f.oid::regtype::text, f.depth, :type, '{}'::text[],
                   format('DROP DOMAIN %s', f.oid::regtype)
            FROM furthest f JOIN pg_type t ON t.oid = f.oid AND t.typtype = 'd'
            WHERE f.classid = 'pg_type'::regclass
            ORDER BY 1, 6, 5
            """.replace(":type", CreateObjectSql.TYPE)
                    .replace(":kind", CreateObjectSql.ROUTINE_KIND)
                    .replace(":populated", POPULATED)
                    .replace(":fill", FILL)
                    .replace(":create", CreateObjectSql.ROUTINE)
                    .replace(":operator", CreateObjectSql.OPERATOR));

    /**
     * What other relations, and domains, use of such functions, types and operators, and what casts them: it goes with
     * them. What the tables themselves use is among their own parts.
     */
    public static final CatalogQuery USES = new CatalogQuery(USED + """
            SELECT u.root, 'cast' AS kind, format('%s AS %s', k.castsource::regtype, k.casttarget::regtype) AS identity, 0 AS step,
                   ARRAY[format('CREATE CAST (%s AS %s) %s%s', k.castsource::regtype, k.casttarget::regtype,
                         CASE k.castmethod WHEN 'f' THEN format('WITH FUNCTION %s', k.castfunc::regprocedure)
                              WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
                         CASE k.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)] AS sql,
                   false AS own, format('DROP CAST (%s AS %s)', k.castsource::regtype, k.casttarget::regtype) AS drop,
                   NULL::text[] AS place
            FROM used u JOIN pg_cast k ON k.oid = u.oid AND u.classid = 'pg_cast'::regclass
            UNION ALL
            SELECT u.root, 'constraint', format('%I on %s', k.conname, coalesce(k.conrelid::regclass::text, k.contypid::regtype::text)), 1,
                   array_remove(ARRAY[format('ALTER %s %s ADD CONSTRAINT %I %s',
                         CASE k.conrelid WHEN 0 THEN 'DOMAIN' ELSE 'TABLE' END,
                         CASE k.conrelid WHEN 0 THEN k.contypid::regtype::text ELSE k.conrelid::regclass::text END,
                         k.conname, pg_get_constraintdef(k.oid)),
                       format('COMMENT ON CONSTRAINT %I ON %s IS ', k.conname,
                              CASE k.conrelid WHEN 0 THEN 'DOMAIN ' || k.contypid::regtype ELSE k.conrelid::regclass::text END)
                           || quote_literal(obj_description(k.oid, 'pg_constraint'))], NULL), false,
                   format('ALTER %s %s DROP CONSTRAINT %I', CASE k.conrelid WHEN 0 THEN 'DOMAIN' ELSE 'TABLE' END,
                         CASE k.conrelid WHEN 0 THEN k.contypid::regtype::text ELSE k.conrelid::regclass::text END, k.conname),
                   (SELECT ARRAY[n.nspname::text, c.relname::text, k.conname::text] FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = k.conrelid)
            FROM used u JOIN pg_constraint k ON k.oid = u.oid AND u.classid = 'pg_constraint'::regclass
            WHERE k.conrelid <> u.root AND k.coninhcount = 0
              AND NOT EXISTS (SELECT FROM furthest f WHERE f.root = u.root AND f.oid = k.contypid)
            UNION ALL
            SELECT u.root, 'default', format('%s.%I', a.attrelid::regclass, a.attname), 1,
                   ARRAY[format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT ', a.attrelid::regclass, a.attname)
                         || pg_get_expr(f.adbin, f.adrelid)], false,
                   format('ALTER TABLE ONLY %s ALTER COLUMN %I DROP DEFAULT', a.attrelid::regclass, a.attname),
                   (SELECT ARRAY[n.nspname::text, c.relname::text, a.attname::text] FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = a.attrelid)
            FROM used u JOIN pg_attrdef f ON f.oid = u.oid AND u.classid = 'pg_attrdef'::regclass
            JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated = ''
            JOIN pg_class c ON c.oid = f.adrelid AND c.relkind IN ('r', 'p', 'f')
            WHERE f.adrelid <> u.root
            UNION ALL
            SELECT u.root, 'index', i.indexrelid::regclass::text, 2,
                   array_remove(ARRAY[pg_get_indexdef(i.indexrelid), 'COMMENT ON INDEX ' || i.indexrelid::regclass || ' IS '
                       || quote_literal(obj_description(i.indexrelid, 'pg_class'))], NULL), false,
                   format('DROP INDEX %s', i.indexrelid::regclass),
                   (SELECT ARRAY[n.nspname::text, c.relname::text, x.relname::text] FROM pg_class x, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE x.oid = i.indexrelid AND c.oid = i.indrelid)
            FROM used u JOIN pg_index i ON i.indexrelid = u.oid AND u.classid = 'pg_class'::regclass
            JOIN pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p')
            WHERE i.indrelid <> u.root AND i.indisvalid
              AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
              AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
            ORDER BY 1, 4, 3
            """);

    /** Rules, triggers and policies of other relations that use such functions. */
    public static final List<CatalogQuery> USING = List.of(
            using(
                    TriggerQueries.RULE,
                    "JOIN pg_rewrite r ON r.oid = u.oid AND u.classid = 'pg_rewrite'::regclass "
                            + "WHERE r.rulename <> '_RETURN' AND r.ev_class <> u.root"),
            using(
                    TriggerQueries.TRIGGER,
                    "JOIN pg_trigger t ON t.oid = u.oid AND u.classid = 'pg_trigger'::regclass "
                            + "WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgrelid <> u.root"),
            using(
                    TriggerQueries.POLICY,
                    "JOIN pg_policy p ON p.oid = u.oid AND u.classid = 'pg_policy'::regclass "
                            + "WHERE p.polrelid <> u.root"));

    private CascadeQueries() {}

    private static CatalogQuery using(String columns, String from) {
        return new CatalogQuery(USED + "SELECT DISTINCT u.root, " + columns.replace(":root", "u.root") + " FROM used u "
                + from + " ORDER BY 1, 3");
    }
}
