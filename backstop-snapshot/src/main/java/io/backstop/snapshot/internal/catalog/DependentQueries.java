package io.backstop.snapshot.internal.catalog;

import java.util.List;

/**
 * What hangs on relations, as SQL that makes it again: one query for each kind. Each gives the relation, the kind, an
 * identity for people and the statements. The server itself quotes every name. Written for PostgreSQL 14 to 18.
 */
public final class DependentQueries {
    /** Of materialized views; a table's are in its description. */
    private static final CatalogQuery COLUMN_OPTIONS = new CatalogQuery("""
            SELECT a.attrelid, 'column options' AS kind, format('%s.%I', a.attrelid::regclass, a.attname) AS identity,
                   array_remove(ARRAY[
                       CASE WHEN a.attstorage <> t.typstorage
                            THEN format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', a.attrelid::regclass, a.attname,
                                 CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                                                   ELSE 'EXTENDED' END) END,
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
              AND (a.attstorage <> t.typstorage OR a.attstattarget >= 0 OR a.attoptions IS NOT NULL)
            ORDER BY a.attrelid, a.attnum
            """);

    /** Of materialized views. A server may be built without a method. */
    private static final CatalogQuery COMPRESSION = new CatalogQuery("""
            SELECT a.attrelid, 'compression' AS kind, format('%s.%I', a.attrelid::regclass, a.attname) AS identity,
                   ARRAY[format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', a.attrelid::regclass, a.attname,
                                m.method)] AS sql, ARRAY['compression ' || m.method] AS needs
            FROM pg_attribute a
            JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'm'
            CROSS JOIN LATERAL (SELECT CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END) m(method)
            WHERE a.attrelid = ANY (:oids) AND a.attnum > 0 AND NOT a.attisdropped AND m.method IS NOT NULL
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
                         ELSE format('ALTER TABLE %s INHERIT %s', c.oid::regclass, i.inhparent::regclass) END] AS sql,
                   (SELECT ARRAY[n.nspname::text, p.relname::text, c.relname::text] FROM pg_class p
                    JOIN pg_namespace n ON n.oid = p.relnamespace WHERE p.oid = i.inhparent) AS place
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

    /** A foreign key of a partition comes with its partitioned table's. */
    private static final CatalogQuery INCOMING_KEYS = keys("""
            SELECT confrelid, oid FROM pg_constraint
            WHERE confrelid = ANY (:oids) AND contype = 'f' AND conparentid = 0 AND conrelid <> confrelid
            """);

    /**
     * Keys to a table that this one is a partition of: CASCADE takes them as a whole when one partition is dropped, while a
     * partition that was detached before goes without them.
     */
    private static final CatalogQuery KEYS_TO_PARENTS = keys("""
            SELECT k.confrelid, r.oid FROM pg_constraint k
            JOIN LATERAL (
                WITH RECURSIVE up(oid, parent) AS (
                    SELECT k.oid, k.conparentid
                    UNION ALL
                    SELECT p.oid, p.conparentid FROM up JOIN pg_constraint p ON p.oid = up.parent
                )
                SELECT oid FROM up WHERE parent = 0
            ) u ON true
            JOIN pg_constraint r ON r.oid = u.oid
            WHERE k.confrelid = ANY (:oids) AND k.contype = 'f' AND r.confrelid <> k.confrelid AND r.conrelid <> r.confrelid
            """);

    /** Defaults of other tables' columns that draw from a sequence which the table owns. */
    private static final CatalogQuery FOREIGN_DEFAULTS = new CatalogQuery("""
            SELECT DISTINCT s.refobjid, 'default' AS kind, format('%s.%I', a.attrelid::regclass, a.attname) AS identity,
                   ARRAY[format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT ', a.attrelid::regclass, a.attname)
                         || pg_get_expr(f.adbin, f.adrelid)] AS sql, false AS own,
                   (SELECT ARRAY[n.nspname::text, c.relname::text, a.attname::text] FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = a.attrelid) AS place
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

    public static final List<CatalogQuery> ON_THE_TABLE = List.of(
            COLUMN_OPTIONS,
            COMPRESSION,
            OF_TYPE,
            PARENTS,
            INHERITED_PARTS,
            IndexQueries.REPLICA_IDENTITY,
            IndexQueries.OTHER_INDEXES,
            IndexQueries.ONLY_KEYS,
            IndexQueries.ATTACHED_INDEXES,
            IndexQueries.TABLESPACES,
            IndexQueries.CLUSTERED,
            STATISTICS,
            OWNERS,
            MembershipQueries.EXTENSION,
            MembershipQueries.SECURITY_LABELS);

    public static final List<CatalogQuery> AFTER_THE_VIEWS = List.of(
            OWNED_SEQUENCES,
            GrantQueries.OWNED_SEQUENCES,
            FOREIGN_DEFAULTS,
            INCOMING_KEYS,
            KEYS_TO_PARENTS,
            TriggerQueries.RULES,
            TriggerQueries.TRIGGERS,
            TriggerQueries.TRIGGER_STATES,
            TriggerQueries.POLICIES,
            TriggerQueries.ROW_SECURITY,
            GrantQueries.RELATIONS,
            GrantQueries.COLUMNS,
            MembershipQueries.ON_EXTENSIONS);

    private DependentQueries() {}

    /**
     * A key to a partitioned table hangs on each partition too, and is made where it is missing.
     *
     * @param found gives a table and a constraint that refers to it
     */
    private static CatalogQuery keys(String found) {
        return new CatalogQuery("""
                SELECT DISTINCT f.root, 'foreign key' AS kind, format('%I on %s', c.conname, c.conrelid::regclass) AS identity,
                       array_remove(ARRAY[
                           CASE p.relkind WHEN 'p'
                               THEN format('DO %L', format('BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint '
                                           'WHERE conrelid = %L::pg_catalog.regclass AND conname = %L) THEN %s; END IF; END',
                                           c.conrelid::regclass, c.conname, a.statement))
                               ELSE a.statement END,
                           format('COMMENT ON CONSTRAINT %I ON %s IS ', c.conname, c.conrelid::regclass)
                               || quote_literal(obj_description(c.oid, 'pg_constraint'))], NULL) AS sql,
                       false AS own, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS drop,
                       (SELECT ARRAY[n.nspname::text, t.relname::text, c.conname::text] FROM pg_class t
                        JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.oid = c.conrelid) AS place
                FROM (:found) f(root, oid)
                JOIN pg_constraint c ON c.oid = f.oid
                JOIN pg_class p ON p.oid = c.confrelid
                CROSS JOIN LATERAL (SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname,
                                                  pg_get_constraintdef(c.oid)) AS statement) a
                ORDER BY 1, 3
                """.replace(":found", found));
    }
}
