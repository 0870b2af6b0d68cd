package io.backstop.snapshot.schema;

import java.util.List;

/**
 * What hangs on relations, as SQL that makes it again: one query for each kind. Each gives the relation, the kind, an
 * identity for people and the statements. The server itself quotes every name. Written for PostgreSQL 14 to 18.
 */
final class DependentQueries {
    private static final CatalogQuery ACCESS_METHOD = new CatalogQuery("""
            SELECT c.oid, 'access method' AS kind, a.amname AS identity,
                   ARRAY[format('ALTER TABLE %s SET ACCESS METHOD %I', c.oid::regclass, a.amname)] AS sql
            FROM pg_class c JOIN pg_am a ON a.oid = c.relam
            WHERE c.oid = ANY (:oids) AND c.relkind = 'r' AND a.amname <> 'heap'
            """);

    private static final CatalogQuery TABLESPACE = new CatalogQuery("""
            SELECT c.oid, 'tablespace' AS kind, t.spcname AS identity,
                   ARRAY[format('ALTER TABLE %s SET TABLESPACE %I', c.oid::regclass, t.spcname)] AS sql
            FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
            WHERE c.oid = ANY (:oids) AND c.relkind IN ('r', 'p')
            """);

    private static final CatalogQuery COLUMN_OPTIONS = new CatalogQuery("""
            SELECT a.attrelid, 'column options' AS kind, format('%s.%I', a.attrelid::regclass, a.attname) AS identity,
                   array_remove(ARRAY[
                       CASE WHEN a.attstorage <> t.typstorage
                            THEN format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', a.attrelid::regclass, a.attname,
                                 CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                                                   ELSE 'EXTENDED' END) END,
                       CASE WHEN a.attcompression IN ('p', 'l')
                            THEN format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', a.attrelid::regclass,
                                 a.attname, CASE a.attcompression WHEN 'p' THEN 'pglz' ELSE 'lz4' END) END,
                       CASE WHEN a.attstattarget >= 0
                            THEN format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', a.attrelid::regclass,
                                 a.attname, a.attstattarget) END,
                       CASE WHEN a.attoptions IS NOT NULL
                            THEN format('ALTER TABLE %s ALTER COLUMN %I SET (%s)', a.attrelid::regclass, a.attname,
                                 array_to_string(a.attoptions, ', ')) END], NULL) AS sql
            FROM pg_attribute a
            JOIN pg_type t ON t.oid = a.atttypid
            JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm')
            WHERE a.attrelid = ANY (:oids) AND a.attnum > 0 AND NOT a.attisdropped
              AND (a.attstorage <> t.typstorage OR a.attcompression IN ('p', 'l') OR a.attstattarget >= 0
                   OR a.attoptions IS NOT NULL)
            ORDER BY a.attrelid, a.attnum
            """);

    private static final CatalogQuery OF_TYPE = new CatalogQuery("""
            SELECT c.oid, 'of type' AS kind, c.reloftype::regtype::text AS identity,
                   ARRAY[format('ALTER TABLE %s OF %s', c.oid::regclass, c.reloftype::regtype)] AS sql
            FROM pg_class c WHERE c.oid = ANY (:oids) AND c.reloftype <> 0
            """);

    private static final CatalogQuery PARENTS = new CatalogQuery("""
            SELECT i.inhrelid, CASE WHEN c.relispartition THEN 'partition of' ELSE 'inherits' END AS kind,
                   i.inhparent::regclass::text AS identity,
                   ARRAY[CASE WHEN c.relispartition
                         THEN format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', i.inhparent::regclass, c.oid::regclass,
                                     pg_get_expr(c.relpartbound, c.oid))
                         ELSE format('ALTER TABLE %s INHERIT %s', c.oid::regclass, i.inhparent::regclass) END] AS sql
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhrelid = ANY (:oids) ORDER BY i.inhrelid, i.inhseqno
            """);

    private static final CatalogQuery REPLICA_IDENTITY = new CatalogQuery("""
            SELECT c.oid, 'replica identity' AS kind, c.oid::regclass::text AS identity,
                   ARRAY[format('ALTER TABLE ONLY %s REPLICA IDENTITY %s', c.oid::regclass,
                         CASE c.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL'
                              ELSE format('USING INDEX %I', x.relname) END)] AS sql
            FROM pg_class c
            LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisreplident
            LEFT JOIN pg_class x ON x.oid = i.indexrelid
            WHERE c.oid = ANY (:oids) AND c.relkind IN ('r', 'p')
              AND (c.relreplident IN ('n', 'f') OR (c.relreplident = 'i' AND x.oid IS NOT NULL))
            """);

    private static final CatalogQuery CLUSTERED = new CatalogQuery("""
            SELECT i.indrelid, 'cluster' AS kind, i.indexrelid::regclass::text AS identity,
                   ARRAY[format('ALTER %s %s CLUSTER ON %I',
                         CASE t.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, t.oid::regclass,
                         x.relname)] AS sql
            FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
            WHERE i.indrelid = ANY (:oids) AND i.indisclustered AND t.relkind IN ('r', 'm')
            """);

    /** Those of tables are in the description; a materialized view is made again as a dependent, whole. */
    private static final CatalogQuery VIEW_INDEXES = new CatalogQuery("""
            SELECT i.indrelid, 'index' AS kind, i.indexrelid::regclass::text AS identity,
                   array_remove(ARRAY[pg_get_indexdef(i.indexrelid),
                       'COMMENT ON INDEX ' || i.indexrelid::regclass || ' IS '
                           || quote_literal(obj_description(i.indexrelid, 'pg_class'))], NULL) AS sql
            FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid AND t.relkind = 'm'
            WHERE i.indrelid = ANY (:oids) AND i.indisvalid ORDER BY i.indrelid, i.indexrelid
            """);

    private static final CatalogQuery STATISTICS = new CatalogQuery("""
            SELECT s.stxrelid, 'statistics' AS kind, format('%I.%I', n.nspname, s.stxname) AS identity,
                   array_remove(ARRAY[pg_get_statisticsobjdef(s.oid),
                       CASE WHEN s.stxstattarget >= 0 THEN format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname,
                            s.stxname, s.stxstattarget) END,
                       format('ALTER STATISTICS %I.%I OWNER TO %I', n.nspname, s.stxname, pg_get_userbyid(s.stxowner)),
                       format('COMMENT ON STATISTICS %I.%I IS ', n.nspname, s.stxname)
                           || quote_literal(obj_description(s.oid, 'pg_statistic_ext'))], NULL) AS sql
            FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
            WHERE s.stxrelid = ANY (:oids) ORDER BY s.stxrelid, s.oid
            """);

    /** The copies of a trigger in partitions come with the partitioned table's own. */
    private static final CatalogQuery TRIGGERS = new CatalogQuery("""
            SELECT t.tgrelid, 'trigger' AS kind, format('%I on %s', t.tgname, t.tgrelid::regclass) AS identity,
                   array_remove(ARRAY[pg_get_triggerdef(t.oid),
                       CASE WHEN t.tgenabled <> 'O' THEN format('ALTER TABLE %s %s TRIGGER %I', t.tgrelid::regclass,
                            CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                                 ELSE 'ENABLE REPLICA' END, t.tgname) END,
                       format('COMMENT ON TRIGGER %I ON %s IS ', t.tgname, t.tgrelid::regclass)
                           || quote_literal(obj_description(t.oid, 'pg_trigger'))], NULL) AS sql
            FROM pg_trigger t
            WHERE t.tgrelid = ANY (:oids) AND NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY t.tgrelid, t.tgname
            """);

    /** Also the rules of other tables that read or write the relation: they go with it. */
    private static final CatalogQuery RULES = new CatalogQuery("""
            SELECT DISTINCT o.oid, 'rule' AS kind, format('%I on %s', r.rulename, r.ev_class::regclass) AS identity,
                   array_remove(ARRAY[rtrim(pg_get_ruledef(r.oid), ';'),
                       CASE WHEN r.ev_enabled <> 'O' THEN format('ALTER TABLE %s %s RULE %I', r.ev_class::regclass,
                            CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                                 ELSE 'ENABLE REPLICA' END, r.rulename) END,
                       format('COMMENT ON RULE %I ON %s IS ', r.rulename, r.ev_class::regclass)
                           || quote_literal(obj_description(r.oid, 'pg_rewrite'))], NULL) AS sql
            FROM unnest(:oids) o(oid)
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid
                            AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename <> '_RETURN'
            ORDER BY 1, 3
            """);

    /** Also the policies of other tables that read the relation: they go with it. */
    private static final CatalogQuery POLICIES = new CatalogQuery("""
            SELECT DISTINCT o.oid, 'policy' AS kind, format('%I on %s', p.polname, p.polrelid::regclass) AS identity,
                   array_remove(ARRAY[
                       format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, p.polrelid::regclass,
                              CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                              CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                   WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                              (SELECT string_agg(CASE WHEN role = 0 THEN 'PUBLIC'
                                                      ELSE quote_ident(pg_get_userbyid(role)) END, ', ' ORDER BY at)
                               FROM unnest(p.polroles) WITH ORDINALITY r(role, at)))
                           || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
                           || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
                       format('COMMENT ON POLICY %I ON %s IS ', p.polname, p.polrelid::regclass)
                           || quote_literal(obj_description(p.oid, 'pg_policy'))], NULL) AS sql
            FROM unnest(:oids) o(oid)
            JOIN pg_policy p ON p.polrelid = o.oid
                OR p.oid IN (SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_policy'::regclass
                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid)
            ORDER BY 1, 3
            """);

    private static final CatalogQuery ROW_SECURITY = new CatalogQuery("""
            SELECT c.oid, 'row security' AS kind, c.oid::regclass::text AS identity,
                   array_remove(ARRAY[
                       CASE WHEN c.relrowsecurity
                            THEN format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.oid::regclass) END,
                       CASE WHEN c.relforcerowsecurity
                            THEN format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', c.oid::regclass) END], NULL) AS sql
            FROM pg_class c WHERE c.oid = ANY (:oids) AND (c.relrowsecurity OR c.relforcerowsecurity)
            """);

    /** The owner's own grants are among them, where somebody granted or revoked anything at all. */
    private static final CatalogQuery GRANTS = new CatalogQuery("""
            SELECT g.oid, 'grant' AS kind, format('%s to %s', g.oid::regclass, g.role) AS identity,
                   array_remove(ARRAY[
                       CASE WHEN g.number = 1 THEN format('REVOKE ALL ON TABLE %s FROM PUBLIC', g.oid::regclass) END,
                       CASE WHEN g.number = 1 THEN format('REVOKE ALL ON TABLE %s FROM %I', g.oid::regclass,
                            pg_get_userbyid(g.relowner)) END,
                       CASE WHEN g.plain IS NOT NULL
                            THEN format('GRANT %s ON TABLE %s TO %s', g.plain, g.oid::regclass, g.role) END,
                       CASE WHEN g.grantable IS NOT NULL
                            THEN format('GRANT %s ON TABLE %s TO %s WITH GRANT OPTION', g.grantable, g.oid::regclass,
                                        g.role) END], NULL) AS sql
            FROM (SELECT c.oid, c.relowner,
                         CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS role,
                         string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) FILTER (WHERE NOT a.is_grantable)
                             AS plain,
                         string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) FILTER (WHERE a.is_grantable)
                             AS grantable,
                         row_number() OVER (PARTITION BY c.oid ORDER BY a.grantee <> c.relowner, a.grantee) AS number
                  FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
                  WHERE c.oid = ANY (:oids) GROUP BY c.oid, c.relowner, a.grantee) g
            ORDER BY g.oid, g.number
            """);

    private static final CatalogQuery COLUMN_GRANTS = new CatalogQuery("""
            SELECT t.attrelid, 'grant' AS kind, format('%s.%I to %s', t.attrelid::regclass, t.attname, r.role) AS identity,
                   ARRAY[format('GRANT %s (%I) ON TABLE %s TO %s%s', a.privilege_type, t.attname, t.attrelid::regclass,
                         r.role, CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END)] AS sql
            FROM pg_attribute t
            CROSS JOIN aclexplode(t.attacl) a
            CROSS JOIN LATERAL (SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                                            ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS role) r
            WHERE t.attrelid = ANY (:oids) AND t.attnum > 0 AND NOT t.attisdropped
            ORDER BY t.attrelid, t.attnum, r.role, a.privilege_type
            """);

    /** A foreign key of a partition comes with its partitioned table's. */
    private static final CatalogQuery INCOMING_KEYS = new CatalogQuery("""
            SELECT c.confrelid, 'foreign key' AS kind, format('%I on %s', c.conname, c.conrelid::regclass) AS identity,
                   array_remove(ARRAY[
                       format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname,
                              pg_get_constraintdef(c.oid)),
                       format('COMMENT ON CONSTRAINT %I ON %s IS ', c.conname, c.conrelid::regclass)
                           || quote_literal(obj_description(c.oid, 'pg_constraint'))], NULL) AS sql
            FROM pg_constraint c
            WHERE c.confrelid = ANY (:oids) AND c.contype = 'f' AND c.conparentid = 0 AND c.conrelid <> c.confrelid
            ORDER BY c.confrelid, c.conrelid, c.conname
            """);

    /** Defaults of other tables' columns that draw from a sequence which the table owns. */
    private static final CatalogQuery FOREIGN_DEFAULTS = new CatalogQuery("""
            SELECT DISTINCT s.refobjid, 'default' AS kind, format('%s.%I', a.attrelid::regclass, a.attname) AS identity,
                   ARRAY[format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT ', a.attrelid::regclass, a.attname)
                         || pg_get_expr(f.adbin, f.adrelid)] AS sql
            FROM pg_depend s
            JOIN pg_class q ON q.oid = s.objid AND q.relkind = 'S'
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = q.oid
                            AND d.classid = 'pg_attrdef'::regclass
            JOIN pg_attrdef f ON f.oid = d.objid AND f.adrelid <> s.refobjid
            JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
            WHERE s.classid = 'pg_class'::regclass AND s.refclassid = 'pg_class'::regclass
              AND s.refobjid = ANY (:oids) AND s.refobjsubid > 0 AND s.deptype IN ('a', 'i')
            ORDER BY 1, 3
            """);

    /**
     * What sequences that columns own have apart from their parameters and owner. An identity column's is as persistent as
     * its table by itself; another one is made logged (before PostgreSQL 15 all are).
     */
    private static final CatalogQuery OWNED_SEQUENCES = new CatalogQuery("""
            SELECT d.refobjid, 'owned sequence' AS kind, s.oid::regclass::text AS identity, array_remove(ARRAY[
                       CASE WHEN s.relpersistence = 'u' AND d.deptype = 'a'
                            THEN format('ALTER SEQUENCE %s SET UNLOGGED', s.oid::regclass) END,
                       format('COMMENT ON SEQUENCE %s IS ', s.oid::regclass)
                           || quote_literal(obj_description(s.oid, 'pg_class')),
                       CASE WHEN s.relacl IS NOT NULL
                            THEN format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, %I', s.oid::regclass,
                                        pg_get_userbyid(s.relowner)) END], NULL)
                   || ARRAY(SELECT format('GRANT %s ON SEQUENCE %s TO %s%s', a.privilege_type, s.oid::regclass,
                                   CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END)
                            FROM aclexplode(s.relacl) a
                            ORDER BY a.grantee <> s.relowner, a.grantee, a.privilege_type) AS sql
            FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
              AND d.deptype IN ('a', 'i') AND d.refobjid = ANY (:oids)
              AND (s.relacl IS NOT NULL OR obj_description(s.oid, 'pg_class') IS NOT NULL
                   OR (s.relpersistence = 'u' AND d.deptype = 'a'))
            ORDER BY d.refobjid, s.oid
            """);

    private static final CatalogQuery EXTENSION = new CatalogQuery("""
            SELECT d.objid, 'extension member' AS kind, e.extname AS identity,
                   ARRAY[format('ALTER EXTENSION %I ADD TABLE %s', e.extname, d.objid::regclass)] AS sql
            FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
              AND d.objid = ANY (:oids)
            """);

    private static final CatalogQuery SECURITY_LABELS = new CatalogQuery("""
            SELECT l.objoid, 'security label' AS kind, l.provider AS identity,
                   ARRAY[CASE WHEN l.objsubid = 0
                         THEN format('SECURITY LABEL FOR %I ON TABLE %s IS %L', l.provider, l.objoid::regclass, l.label)
                         ELSE format('SECURITY LABEL FOR %I ON COLUMN %s.%I IS %L', l.provider, l.objoid::regclass,
                              (SELECT attname FROM pg_attribute WHERE attrelid = l.objoid AND attnum = l.objsubid),
                              l.label) END] AS sql
            FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = ANY (:oids)
            """);

    static final List<CatalogQuery> ON_THE_TABLE = List.of(
            ACCESS_METHOD,
            TABLESPACE,
            COLUMN_OPTIONS,
            OF_TYPE,
            PARENTS,
            REPLICA_IDENTITY,
            VIEW_INDEXES,
            CLUSTERED,
            STATISTICS,
            EXTENSION,
            SECURITY_LABELS);

    static final List<CatalogQuery> AFTER_THE_VIEWS = List.of(
            OWNED_SEQUENCES,
            FOREIGN_DEFAULTS,
            INCOMING_KEYS,
            RULES,
            TRIGGERS,
            POLICIES,
            ROW_SECURITY,
            GRANTS,
            COLUMN_GRANTS);

    /**
     * Views, materialized views and functions made of a table, directly or through each other, the nearest first. A
     * function depends on a table through its row type or, with a body in standard SQL, as a view does.
     */
    static final CatalogQuery HANGING = new CatalogQuery("""
            WITH RECURSIVE hanging(root, classid, oid, depth) AS (
                SELECT o, 'pg_class'::regclass::oid, o, 0 FROM unnest(:oids) o
                UNION
                SELECT h.root, CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END,
                       coalesce(r.ev_class, d.objid), h.depth + 1
                FROM hanging h
                JOIN pg_depend d ON d.refclassid = h.classid AND d.refobjid = h.oid
                LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
                WHERE h.depth < 100 AND (d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass)
                      OR (r.rulename = '_RETURN' AND r.ev_class <> h.oid))
            ), furthest AS (
                SELECT root, classid, oid, max(depth) AS depth FROM hanging WHERE depth > 0 GROUP BY root, classid, oid
            )
            SELECT f.root, f.oid, CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind,
                   f.oid::regclass::text AS identity, f.depth,
                   array_remove(ARRAY[
                       format('CREATE %sVIEW %s%s AS ', CASE WHEN c.relkind = 'm' THEN 'MATERIALIZED ' END,
                              f.oid::regclass, ' WITH (' || array_to_string(c.reloptions, ', ') || ')')
                           || rtrim(pg_get_viewdef(f.oid), ';')
                           || CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN ' WITH NO DATA' ELSE '' END,
                       format('ALTER %sVIEW %s OWNER TO %I', CASE WHEN c.relkind = 'm' THEN 'MATERIALIZED ' END,
                              f.oid::regclass, pg_get_userbyid(c.relowner)),
                       format('COMMENT ON %sVIEW %s IS ', CASE WHEN c.relkind = 'm' THEN 'MATERIALIZED ' END,
                              f.oid::regclass) || quote_literal(obj_description(f.oid, 'pg_class'))], NULL)
                   || ARRAY(SELECT format('COMMENT ON COLUMN %s.%I IS %L', a.attrelid::regclass, a.attname,
                                          col_description(a.attrelid, a.attnum))
                            FROM pg_attribute a WHERE a.attrelid = f.oid AND a.attnum > 0
                            AND col_description(a.attrelid, a.attnum) IS NOT NULL ORDER BY a.attnum)
                   || ARRAY(SELECT format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT ', a.attrelid::regclass, a.attname)
                                   || pg_get_expr(x.adbin, x.adrelid)
                            FROM pg_attrdef x JOIN pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum
                            WHERE x.adrelid = f.oid ORDER BY a.attnum) AS sql
            FROM furthest f JOIN pg_class c ON c.oid = f.oid AND c.relkind IN ('v', 'm')
            WHERE f.classid = 'pg_class'::regclass
            UNION ALL
            SELECT f.root, f.oid, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
                   f.oid::regprocedure::text, f.depth,
                   array_remove(ARRAY[rtrim(pg_get_functiondef(f.oid), E'\\n'),
                       format('ALTER ROUTINE %s OWNER TO %I', f.oid::regprocedure, pg_get_userbyid(p.proowner)),
                       format('COMMENT ON ROUTINE %s IS ', f.oid::regprocedure)
                           || quote_literal(obj_description(f.oid, 'pg_proc'))], NULL)
                   || ARRAY(SELECT 'REVOKE ALL ON ROUTINE ' || f.oid::regprocedure || ' FROM PUBLIC'
                            WHERE p.proacl IS NOT NULL)
                   || ARRAY(SELECT format('GRANT EXECUTE ON ROUTINE %s TO %s%s', f.oid::regprocedure,
                                   CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END)
                            FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner)
            FROM furthest f JOIN pg_proc p ON p.oid = f.oid AND p.prokind IN ('f', 'p', 'w')
            WHERE f.classid = 'pg_proc'::regclass
            ORDER BY 1, 5, 4
            """);

    private DependentQueries() {}

    /** Column lists and row filters came with PostgreSQL 15. */
    static CatalogQuery publications(int majorVersion) {
        String parts = majorVersion >= 15 ? """
                  || coalesce((SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
                               FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)), '')
                  || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '')
                  """ : "";
        return new CatalogQuery("""
                SELECT r.prrelid, 'publication' AS kind, p.pubname AS identity,
                       ARRAY[format('ALTER PUBLICATION %I ADD TABLE ONLY %s', p.pubname, r.prrelid::regclass) :parts] AS sql
                FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                WHERE r.prrelid = ANY (:oids) ORDER BY r.prrelid, p.pubname
                """.replace(":parts", parts));
    }
}
