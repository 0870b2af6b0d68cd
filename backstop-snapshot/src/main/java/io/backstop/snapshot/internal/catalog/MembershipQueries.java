package io.backstop.snapshot.internal.catalog;

import java.util.List;

/**
 * Where relations and routines are entered elsewhere: with extensions, publications, owners and the providers of security
 * labels, as SQL that enters them again. Written for PostgreSQL 14 to 18.
 */
public final class MembershipQueries {
    /** Of c in pg_class, as CREATE, COMMENT and the like call it. */
    private static final String RELATION_KIND = "CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' "
            + "WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END";

    static final CatalogQuery EXTENSION = new CatalogQuery("""
            SELECT d.objid, 'extension member' AS kind, e.extname AS identity,
                   ARRAY[format('ALTER EXTENSION %I ADD %s %s', e.extname, :word, d.objid::regclass)] AS sql,
                   ARRAY['extension ' || e.extname] AS needs
            FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_class c ON c.oid = d.objid
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
              AND d.objid = ANY (:oids)
            """.replace(":word", RELATION_KIND));

    static final CatalogQuery ON_EXTENSIONS = new CatalogQuery("""
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

    /** Also of owned sequences. A label can only be set where its provider is loaded. */
    static final CatalogQuery SECURITY_LABELS = new CatalogQuery("""
            SELECT o.root, 'security label' AS kind,
                   format('by %I on %s', l.provider, c.oid::regclass) || coalesce('.' || quote_ident(a.attname), '')
                       AS identity,
                   ARRAY[CASE WHEN l.objsubid = 0
                         THEN format('SECURITY LABEL FOR %I ON %s %s IS %L', l.provider, :word, c.oid::regclass, l.label)
                         ELSE format('SECURITY LABEL FOR %I ON COLUMN %s.%I IS %L', l.provider, c.oid::regclass,
                                     a.attname, l.label) END] AS sql,
                   ARRAY['security label provider ' || l.provider] AS needs
            FROM (SELECT u AS root, u AS oid FROM unnest(:oids) u
                  UNION ALL
                  SELECT d.refobjid, d.objid FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
                    AND d.deptype IN ('a', 'i') AND d.refobjid = ANY (:oids)) o
            JOIN pg_seclabel l ON l.classoid = 'pg_class'::regclass AND l.objoid = o.oid
            JOIN pg_class c ON c.oid = o.oid
            LEFT JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid AND l.objsubid > 0
            ORDER BY o.root, o.oid, l.provider, l.objsubid
            """.replace(":word", RELATION_KIND));

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

    private static final CatalogQuery ROUTINE_LABELS = new CatalogQuery("""
            SELECT l.objoid, 'security label' AS kind, format('by %I on %s', l.provider, l.objoid::regprocedure) AS identity,
                   ARRAY[format('SECURITY LABEL FOR %I ON ROUTINE %s IS %L', l.provider, l.objoid::regprocedure, l.label)]
                       AS sql,
                   ARRAY['security label provider ' || l.provider] AS needs
            FROM pg_seclabel l WHERE l.classoid = 'pg_proc'::regclass AND l.objoid = ANY (:oids)
            ORDER BY l.objoid, l.provider
            """);

    public static final List<CatalogQuery> OF_ROUTINES =
            List.of(ROUTINE_OWNERS, GrantQueries.ROUTINES, ROUTINES_ON_EXTENSIONS, ROUTINE_LABELS);

    private MembershipQueries() {}

    /** Column lists and row filters came with PostgreSQL 15. */
    public static CatalogQuery publications(int majorVersion) {
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
