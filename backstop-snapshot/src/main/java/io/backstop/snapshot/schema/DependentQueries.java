package io.backstop.snapshot.schema;

import java.util.List;

/**
 * What hangs on relations, as SQL that makes it again: one query for each kind. Each gives the relation, the kind, an
 * identity for people and the statements. The server itself quotes every name. Written for PostgreSQL 14 to 18.
 */
final class DependentQueries {
    /** Of materialized views; a table's are in its description. */
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
            JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'm'
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

    /**
     * A table that is made first and then given its parents keeps columns and constraints of its own, so that they would
     * stay where the parent drops them. Only the catalog itself can say otherwise, as pg_upgrade says it.
     */
    private static final CatalogQuery INHERITED_PARTS = new CatalogQuery("""
            SELECT c.oid, 'inherited parts' AS kind, c.oid::regclass::text AS identity,
                   array_remove(ARRAY[
                       (SELECT format('UPDATE pg_catalog.pg_attribute SET attislocal = false '
                               'WHERE attrelid = %L::pg_catalog.regclass AND attinhcount > 0 AND attname IN (%s)',
                               c.oid::regclass, string_agg(quote_literal(a.attname), ', ' ORDER BY a.attnum))
                        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                        AND NOT a.attislocal HAVING count(*) > 0),
                       (SELECT format('UPDATE pg_catalog.pg_constraint SET conislocal = false '
                               'WHERE conrelid = %L::pg_catalog.regclass AND coninhcount > 0 AND conname IN (%s)',
                               c.oid::regclass, string_agg(quote_literal(k.conname), ', ' ORDER BY k.conname))
                        FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'n') AND NOT k.conislocal
                        HAVING count(*) > 0)], NULL) AS sql, ARRAY['superuser '] AS needs
            FROM pg_class c
            WHERE c.oid = ANY (:oids) AND NOT c.relispartition
              AND (EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                           AND NOT a.attislocal)
                   OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'n')
                              AND NOT k.conislocal))
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

    /**
     * Those of tables are in the description; a materialized view is made again as a dependent, whole. So is what a
     * partitioned table has {@code ON ONLY} itself, for that must not reach its partitions.
     */
    private static final CatalogQuery OTHER_INDEXES = new CatalogQuery("""
            SELECT i.indrelid, 'index' AS kind, i.indexrelid::regclass::text AS identity,
                   array_remove(ARRAY[pg_get_indexdef(i.indexrelid),
                       'COMMENT ON INDEX ' || i.indexrelid::regclass || ' IS '
                           || quote_literal(obj_description(i.indexrelid, 'pg_class'))], NULL)
                   || ARRAY(SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', a.attrelid::regclass, a.attnum,
                                          a.attstattarget)
                            FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0
                            ORDER BY a.attnum) AS sql
            FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
            WHERE i.indrelid = ANY (:oids) AND ((t.relkind = 'm' AND i.indisvalid)
                OR (t.relkind = 'p' AND NOT i.indisvalid
                    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)))
            ORDER BY i.indrelid, i.indexrelid
            """);

    /** Of an index whose partitioned one is not valid; with others it comes by itself. */
    private static final CatalogQuery ATTACHED_INDEXES = new CatalogQuery("""
            SELECT i.indrelid, 'attached index' AS kind, i.indexrelid::regclass::text AS identity,
                   ARRAY[format('ALTER INDEX %s ATTACH PARTITION %s', h.inhparent::regclass, i.indexrelid::regclass)] AS sql
            FROM pg_index i
            JOIN pg_inherits h ON h.inhrelid = i.indexrelid
            JOIN pg_index p ON p.indexrelid = h.inhparent AND NOT p.indisvalid
            WHERE i.indrelid = ANY (:oids) ORDER BY i.indrelid, i.indexrelid
            """);

    /** Of a materialized view and its indexes. */
    private static final CatalogQuery TABLESPACES = new CatalogQuery("""
            SELECT coalesce(i.indrelid, c.oid), 'tablespace' AS kind, c.oid::regclass::text AS identity,
                   ARRAY[format('ALTER %s %s SET TABLESPACE %I',
                         CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'INDEX' END, c.oid::regclass, s.spcname)]
                       AS sql, ARRAY['tablespace ' || s.spcname] AS needs
            FROM pg_class c
            JOIN pg_tablespace s ON s.oid = c.reltablespace
            LEFT JOIN pg_index i ON i.indexrelid = c.oid
            LEFT JOIN pg_class t ON t.oid = i.indrelid
            WHERE coalesce(i.indrelid, c.oid) = ANY (:oids) AND (c.relkind = 'm' OR t.relkind = 'm')
            ORDER BY 1, c.relkind DESC, c.oid
            """);

    private static final CatalogQuery STATISTICS = new CatalogQuery("""
            SELECT s.stxrelid, 'statistics' AS kind, format('%I.%I', n.nspname, s.stxname) AS identity,
                   array_remove(ARRAY[pg_get_statisticsobjdef(s.oid),
                       CASE WHEN s.stxstattarget >= 0 THEN format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname,
                            s.stxname, s.stxstattarget) END,
                       format('COMMENT ON STATISTICS %I.%I IS ', n.nspname, s.stxname)
                           || quote_literal(obj_description(s.oid, 'pg_statistic_ext'))], NULL) AS sql
            FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
            WHERE s.stxrelid = ANY (:oids) ORDER BY s.stxrelid, s.oid
            """);

    /** Of views and statistics; a table's own is in its description. */
    private static final CatalogQuery OWNERS = new CatalogQuery("""
            SELECT c.oid, 'owner' AS kind, c.oid::regclass::text AS identity,
                   ARRAY[format('ALTER %s %s OWNER TO %I',
                         CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, c.oid::regclass,
                         pg_get_userbyid(c.relowner))] AS sql, ARRAY['role ' || pg_get_userbyid(c.relowner)] AS needs
            FROM pg_class c WHERE c.oid = ANY (:oids) AND c.relkind IN ('v', 'm')
            UNION ALL
            SELECT s.stxrelid, 'owner' AS kind, format('%I.%I', n.nspname, s.stxname),
                   ARRAY[format('ALTER STATISTICS %I.%I OWNER TO %I', n.nspname, s.stxname, pg_get_userbyid(s.stxowner))],
                   ARRAY['role ' || pg_get_userbyid(s.stxowner)]
            FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
            WHERE s.stxrelid = ANY (:oids) ORDER BY 1, 3
            """);

    /** Columns of a dependent, of t in pg_trigger; {@code :root} is the table that it is a dependent of. */
    static final String TRIGGER = """
            'trigger' AS kind, format('%I on %s', t.tgname, t.tgrelid::regclass) AS identity,
                   array_remove(ARRAY[pg_get_triggerdef(t.oid),
                       CASE WHEN t.tgenabled <> 'O' THEN format('ALTER TABLE %s %s TRIGGER %I', t.tgrelid::regclass,
                            CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                                 ELSE 'ENABLE REPLICA' END, t.tgname) END,
                       format('COMMENT ON TRIGGER %I ON %s IS ', t.tgname, t.tgrelid::regclass)
                           || quote_literal(obj_description(t.oid, 'pg_trigger'))], NULL) AS sql,
                   t.tgrelid = :root AS own, format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) AS drop
            """;

    /**
     * Also the constraint triggers of other tables that refer to the relation: they go with it. The copies of a trigger in
     * partitions come with the partitioned table's own.
     */
    private static final CatalogQuery TRIGGERS =
            new CatalogQuery("""
            SELECT o.oid, :columns
            FROM unnest(:oids) o(oid) JOIN pg_trigger t ON o.oid IN (t.tgrelid, t.tgconstrrelid)
            WHERE NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY 1, 3
            """.replace(":columns", TRIGGER.replace(":root", "o.oid")));

    /** A copy of a trigger in a partition may be on where the partitioned table's is off. */
    private static final CatalogQuery TRIGGER_STATES = new CatalogQuery("""
            SELECT t.tgrelid, 'trigger state' AS kind, format('%I on %s', t.tgname, t.tgrelid::regclass) AS identity,
                   ARRAY[format('ALTER TABLE %s %s TRIGGER %I', t.tgrelid::regclass,
                         CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                              WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END, t.tgname)] AS sql
            FROM pg_trigger t JOIN pg_trigger p ON p.oid = t.tgparentid
            JOIN pg_class c ON c.oid = t.tgrelid
            WHERE t.tgrelid = ANY (:oids) AND t.tgenabled <> p.tgenabled
              AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype = 'f')
            ORDER BY t.tgrelid, t.tgname
            """);

    private static final CatalogQuery ON_EXTENSIONS = new CatalogQuery("""
            SELECT x.root, 'extension dependency' AS kind, x.identity,
                   ARRAY[format('ALTER %s DEPENDS ON EXTENSION %I', x.identity, e.extname)] AS sql,
                   ARRAY['extension ' || e.extname] AS needs
            FROM (SELECT coalesce(i.indrelid, c.oid) AS root, 'pg_class'::regclass AS classid, c.oid,
                         format('%s %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'INDEX' END,
                                c.oid::regclass) AS identity
                  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relkind IN ('i', 'I', 'm')
                  UNION ALL
                  SELECT tgrelid, 'pg_trigger'::regclass, oid, format('TRIGGER %I ON %s', tgname, tgrelid::regclass)
                  FROM pg_trigger WHERE NOT tgisinternal) x
            JOIN pg_depend d ON d.classid = x.classid AND d.objid = x.oid AND d.deptype = 'x'
                            AND d.refclassid = 'pg_extension'::regclass
            JOIN pg_extension e ON e.oid = d.refobjid
            WHERE x.root = ANY (:oids) ORDER BY 1, 3
            """);

    /** Columns of a dependent, of r in pg_rewrite. */
    static final String RULE = """
            'rule' AS kind, format('%I on %s', r.rulename, r.ev_class::regclass) AS identity,
                   array_remove(ARRAY[rtrim(pg_get_ruledef(r.oid), ';'),
                       CASE WHEN r.ev_enabled <> 'O' THEN format('ALTER TABLE %s %s RULE %I', r.ev_class::regclass,
                            CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                                 ELSE 'ENABLE REPLICA' END, r.rulename) END,
                       format('COMMENT ON RULE %I ON %s IS ', r.rulename, r.ev_class::regclass)
                           || quote_literal(obj_description(r.oid, 'pg_rewrite'))], NULL) AS sql,
                   r.ev_class = :root AS own, format('DROP RULE %I ON %s', r.rulename, r.ev_class::regclass) AS drop
            """;

    /** Also the rules of other tables that read or write the relation: they go with it. */
    private static final CatalogQuery RULES = new CatalogQuery("""
            SELECT DISTINCT o.oid, :columns
            FROM unnest(:oids) o(oid)
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid
                            AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename <> '_RETURN'
            ORDER BY 1, 3
            """.replace(":columns", RULE.replace(":root", "o.oid")));

    /** Columns of a dependent, of p in pg_policy. */
    static final String POLICY = """
            'policy' AS kind, format('%I on %s', p.polname, p.polrelid::regclass) AS identity,
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
                           || quote_literal(obj_description(p.oid, 'pg_policy'))], NULL) AS sql,
                   ARRAY(SELECT 'role ' || pg_get_userbyid(role) FROM unnest(p.polroles) role WHERE role <> 0) AS needs,
                   p.polrelid = :root AS own, format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass) AS drop
            """;

    /** Also the policies of other tables that read the relation: they go with it. */
    private static final CatalogQuery POLICIES =
            new CatalogQuery("""
            SELECT DISTINCT o.oid, :columns
            FROM unnest(:oids) o(oid)
            JOIN pg_policy p ON p.polrelid = o.oid
                OR p.oid IN (SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_policy'::regclass
                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid)
            ORDER BY 1, 3
            """.replace(":columns", POLICY.replace(":root", "o.oid")));

    private static final CatalogQuery ROW_SECURITY = new CatalogQuery("""
            SELECT c.oid, 'row security' AS kind, c.oid::regclass::text AS identity,
                   array_remove(ARRAY[
                       CASE WHEN c.relrowsecurity
                            THEN format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.oid::regclass) END,
                       CASE WHEN c.relforcerowsecurity
                            THEN format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', c.oid::regclass) END], NULL) AS sql
            FROM pg_class c WHERE c.oid = ANY (:oids) AND (c.relrowsecurity OR c.relforcerowsecurity)
            """);

    /** A foreign key of a partition comes with its partitioned table's. */
    private static final CatalogQuery INCOMING_KEYS = new CatalogQuery("""
            SELECT c.confrelid, 'foreign key' AS kind, format('%I on %s', c.conname, c.conrelid::regclass) AS identity,
                   array_remove(ARRAY[
                       format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname,
                              pg_get_constraintdef(c.oid)),
                       format('COMMENT ON CONSTRAINT %I ON %s IS ', c.conname, c.conrelid::regclass)
                           || quote_literal(obj_description(c.oid, 'pg_constraint'))], NULL) AS sql,
                   false AS own, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS drop
            FROM pg_constraint c
            WHERE c.confrelid = ANY (:oids) AND c.contype = 'f' AND c.conparentid = 0 AND c.conrelid <> c.confrelid
            ORDER BY c.confrelid, c.conrelid, c.conname
            """);

    /** Defaults of other tables' columns that draw from a sequence which the table owns. */
    private static final CatalogQuery FOREIGN_DEFAULTS = new CatalogQuery("""
            SELECT DISTINCT s.refobjid, 'default' AS kind, format('%s.%I', a.attrelid::regclass, a.attname) AS identity,
                   ARRAY[format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT ', a.attrelid::regclass, a.attname)
                         || pg_get_expr(f.adbin, f.adrelid)] AS sql, false AS own
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
     * What sequences that columns own have apart from their parameters, owner and grants. An identity column's is as persistent as
     * its table by itself; another one is made logged (before PostgreSQL 15 all are).
     */
    private static final CatalogQuery OWNED_SEQUENCES = new CatalogQuery("""
            SELECT d.refobjid, 'owned sequence' AS kind, s.oid::regclass::text AS identity, array_remove(ARRAY[
                       CASE WHEN s.relpersistence = 'u' AND d.deptype = 'a'
                            THEN format('ALTER SEQUENCE %s SET UNLOGGED', s.oid::regclass) END,
                       format('COMMENT ON SEQUENCE %s IS ', s.oid::regclass)
                           || quote_literal(obj_description(s.oid, 'pg_class'))], NULL) AS sql
            FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
              AND d.deptype IN ('a', 'i') AND d.refobjid = ANY (:oids)
              AND (obj_description(s.oid, 'pg_class') IS NOT NULL
                   OR (s.relpersistence = 'u' AND d.deptype = 'a'))
            ORDER BY d.refobjid, s.oid
            """);

    /** Of c in pg_class, as CREATE, COMMENT and the like call it. */
    private static final String RELATION_KIND = "CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' "
            + "WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END";

    private static final CatalogQuery EXTENSION = new CatalogQuery("""
            SELECT d.objid, 'extension member' AS kind, e.extname AS identity,
                   ARRAY[format('ALTER EXTENSION %I ADD %s %s', e.extname, :word, d.objid::regclass)] AS sql,
                   ARRAY['extension ' || e.extname] AS needs
            FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_class c ON c.oid = d.objid
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
              AND d.objid = ANY (:oids)
            """.replace(":word", RELATION_KIND));

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
            COLUMN_OPTIONS,
            OF_TYPE,
            PARENTS,
            INHERITED_PARTS,
            REPLICA_IDENTITY,
            OTHER_INDEXES,
            ATTACHED_INDEXES,
            TABLESPACES,
            CLUSTERED,
            STATISTICS,
            OWNERS,
            EXTENSION,
            SECURITY_LABELS);

    private static final CatalogQuery ROUTINE_OWNERS = new CatalogQuery("""
            SELECT p.oid, 'owner' AS kind, p.oid::regprocedure::text AS identity,
                   ARRAY[format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, pg_get_userbyid(p.proowner))] AS sql,
                   ARRAY['role ' || pg_get_userbyid(p.proowner)] AS needs
            FROM pg_proc p WHERE p.oid = ANY (:oids)
            """);

    private static final CatalogQuery ROUTINES_ON_EXTENSIONS = new CatalogQuery("""
            SELECT d.objid, 'extension dependency' AS kind, d.objid::regprocedure::text AS identity,
                   ARRAY[format('ALTER ROUTINE %s DEPENDS ON EXTENSION %I', d.objid::regprocedure, e.extname)] AS sql,
                   ARRAY['extension ' || e.extname] AS needs
            FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
            WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
              AND d.objid = ANY (:oids) ORDER BY 1, e.extname
            """);

    static final List<CatalogQuery> OF_ROUTINES =
            List.of(ROUTINE_OWNERS, GrantQueries.ROUTINES, ROUTINES_ON_EXTENSIONS);

    static final List<CatalogQuery> AFTER_THE_VIEWS = List.of(
            OWNED_SEQUENCES,
            GrantQueries.OWNED_SEQUENCES,
            FOREIGN_DEFAULTS,
            INCOMING_KEYS,
            RULES,
            TRIGGERS,
            TRIGGER_STATES,
            POLICIES,
            ROW_SECURITY,
            GrantQueries.RELATIONS,
            GrantQueries.COLUMNS,
            ON_EXTENSIONS);

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
                       ARRAY[format('ALTER PUBLICATION %I ADD TABLE ONLY %s', p.pubname, r.prrelid::regclass) :parts] AS sql,
                       ARRAY['publication ' || p.pubname] AS needs
                FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
                WHERE r.prrelid = ANY (:oids) ORDER BY r.prrelid, p.pubname
                """.replace(":parts", parts));
    }
}
