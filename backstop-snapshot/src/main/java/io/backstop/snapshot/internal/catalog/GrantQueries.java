package io.backstop.snapshot.internal.catalog;

/**
 * Who may do what, as SQL that grants it again by whom it was granted. First everything is taken from everybody, the owner
 * too, where the catalog holds grants at all: that way it does not matter what creating the object granted. Written for
 * PostgreSQL 14 to 18.
 */
public final class GrantQueries {
    /**
     * Of objects o with key, word ({@code TABLE}), name, column ({@code  ("id")} or empty), owner and acl. In the catalog's
     * order, in which whoever grants was granted that before.
     */
    private static final String GRANTS = """
            SELECT g.key, 'grant' AS kind,
                   format('%s to %s%s', g.name, g.role, ' by ' || quote_ident(g.grantor)) AS identity,
                   array_remove(ARRAY['SET LOCAL ROLE ' || quote_ident(g.grantor),
                       'GRANT ' || g.plain || format(' ON %s TO %s', g.object, g.role),
                       'GRANT ' || g.grantable || format(' ON %s TO %s WITH GRANT OPTION', g.object, g.role),
                       CASE WHEN g.grantor IS NOT NULL THEN 'RESET ROLE' END], NULL) AS sql,
                   array_remove(ARRAY['role ' || nullif(g.grantee, 'public'), 'grantor ' || g.grantor], NULL) AS needs,
                   true AS own, NULL AS drop, 1 AS step, g.name, g.first
            FROM (SELECT o.key, o.name || o.suffix AS name, format('%s %s', o.word, o.name) AS object,
                         CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS grantee,
                         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS role,
                         CASE WHEN a.grantor <> o.owner THEN pg_get_userbyid(a.grantor) END AS grantor, min(a.n) AS first,
                         string_agg(a.privilege || o.columns, ', ' ORDER BY a.privilege) FILTER (WHERE NOT a.grantable)
                             AS plain,
                         string_agg(a.privilege || o.columns, ', ' ORDER BY a.privilege) FILTER (WHERE a.grantable)
                             AS grantable
                  FROM objects o
                  CROSS JOIN aclexplode(o.acl) WITH ORDINALITY a(grantor, grantee, privilege, grantable, n)
                  GROUP BY o.key, o.word, o.name, o.suffix, a.grantee, a.grantor, o.owner) g
            """;

    private static final String NOBODY = """
            SELECT o.key, 'grant' AS kind, format('%s to nobody at first', o.name) AS identity,
                   ARRAY[format('REVOKE ALL ON %s %s FROM PUBLIC, %I', o.word, o.name, pg_get_userbyid(o.owner))] AS sql,
                   ARRAY['role ' || pg_get_userbyid(o.owner)] AS needs, true AS own, NULL AS drop, 0 AS step, o.name,
                   0 AS first
            FROM objects o WHERE o.acl IS NOT NULL
            """;

    static final CatalogQuery RELATIONS = grants("""
            SELECT c.oid AS key, 'TABLE' AS word, c.oid::regclass::text AS name, '' AS suffix, '' AS columns,
                   c.relowner AS owner, c.relacl AS acl
            FROM pg_class c WHERE c.oid = ANY (:oids)
            """, NOBODY);

    static final CatalogQuery COLUMNS = grants("""
            SELECT t.attrelid AS key, 'TABLE' AS word, t.attrelid::regclass::text AS name, format('.%I', t.attname) AS suffix,
                   format(' (%I)', t.attname) AS columns, c.relowner AS owner, t.attacl AS acl
            FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
            WHERE t.attrelid = ANY (:oids) AND t.attnum > 0 AND NOT t.attisdropped
            """, "");

    static final CatalogQuery OWNED_SEQUENCES = grants("""
            SELECT d.refobjid AS key, 'SEQUENCE' AS word, s.oid::regclass::text AS name, '' AS suffix, '' AS columns,
                   s.relowner AS owner, s.relacl AS acl
            FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
              AND d.deptype IN ('a', 'i') AND d.refobjid = ANY (:oids)
            """, NOBODY);

    static final CatalogQuery ROUTINES = grants("""
            SELECT p.oid AS key, 'ROUTINE' AS word, p.oid::regprocedure::text AS name, '' AS suffix, '' AS columns,
                   p.proowner AS owner, p.proacl AS acl
            FROM pg_proc p WHERE p.oid = ANY (:oids)
            """, NOBODY);

    /** An array of what new objects of schema n are granted to others, whoever of some roles makes them. */
    public static final String DEFAULTS_IN_SCHEMA = """
            ARRAY(SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT %s ON %s TO %s%s',
                                pg_get_userbyid(a.role), n.nspname, a.privileges,
                                CASE a.kind WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                            WHEN 'T' THEN 'TYPES' END,
                                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                CASE WHEN a.grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                  FROM (SELECT d.defaclrole AS role, d.defaclobjtype AS kind, x.grantee, x.is_grantable AS grantable,
                               string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges
                        FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) x
                        WHERE d.defaclnamespace = n.oid AND d.defaclobjtype IN ('r', 'S', 'f', 'T')
                        GROUP BY 1, 2, 3, 4) a
                  ORDER BY 1)""";

    private GrantQueries() {}

    private static CatalogQuery grants(String objects, String nobody) {
        return new CatalogQuery("WITH objects AS (" + objects + ") "
                + (nobody.isEmpty() ? "" : nobody + " UNION ALL ")
                + GRANTS + " ORDER BY key, step, name, first");
    }

    /**
     * An array of the same statements for what is created as a whole with its grants.
     *
     * @param object an SQL expression for {@code SCHEMA app}
     */
    public static String statements(String object, String owner, String acl) {
        return """
                ARRAY(SELECT format('REVOKE ALL ON %s FROM PUBLIC, %I', :object, pg_get_userbyid(:owner))
                      WHERE :acl IS NOT NULL)
                || ARRAY(SELECT u.sql FROM aclexplode(:acl) WITH ORDINALITY a(grantor, grantee, privilege, grantable, n)
                         CROSS JOIN LATERAL unnest(array_remove(ARRAY[
                             CASE WHEN a.grantor <> :owner THEN format('SET LOCAL ROLE %I', pg_get_userbyid(a.grantor)) END,
                             format('GRANT %s ON %s TO %s%s', a.privilege, :object,
                                 CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                 CASE WHEN a.grantable THEN ' WITH GRANT OPTION' END),
                             CASE WHEN a.grantor <> :owner THEN 'RESET ROLE' END], NULL)) WITH ORDINALITY u(sql, i)
                         ORDER BY a.n, u.i)
                """.replace(":object", object).replace(":owner", owner).replace(":acl", acl);
    }
}
