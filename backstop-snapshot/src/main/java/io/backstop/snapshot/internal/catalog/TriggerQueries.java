package io.backstop.snapshot.internal.catalog;

/**
 * What happens where somebody reads or writes relations: triggers, rules and policies, as SQL that makes them again. Written
 * for PostgreSQL 14 to 18.
 */
final class TriggerQueries {
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
    static final CatalogQuery TRIGGERS = new CatalogQuery("""
            SELECT o.oid, :columns
            FROM unnest(:oids) o(oid) JOIN pg_trigger t ON o.oid IN (t.tgrelid, t.tgconstrrelid)
            WHERE NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY 1, 3
            """.replace(":columns", TRIGGER.replace(":root", "o.oid")));

    /** A copy of a trigger in a partition may be on where the partitioned table's is off. */
    static final CatalogQuery TRIGGER_STATES = new CatalogQuery("""
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
    static final CatalogQuery RULES = new CatalogQuery("""
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
    static final CatalogQuery POLICIES = new CatalogQuery("""
            SELECT DISTINCT o.oid, :columns
            FROM unnest(:oids) o(oid)
            JOIN pg_policy p ON p.polrelid = o.oid
                OR p.oid IN (SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_policy'::regclass
                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid)
            ORDER BY 1, 3
            """.replace(":columns", POLICY.replace(":root", "o.oid")));

    static final CatalogQuery ROW_SECURITY = new CatalogQuery("""
            SELECT c.oid, 'row security' AS kind, c.oid::regclass::text AS identity,
                   array_remove(ARRAY[
                       CASE WHEN c.relrowsecurity
                            THEN format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.oid::regclass) END,
                       CASE WHEN c.relforcerowsecurity
                            THEN format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', c.oid::regclass) END], NULL) AS sql
            FROM pg_class c WHERE c.oid = ANY (:oids) AND (c.relrowsecurity OR c.relforcerowsecurity)
            """);

    private TriggerQueries() {}
}
