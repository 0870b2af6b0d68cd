package io.backstop.snapshot.internal.catalog;

/**
 * Indexes of relations that are not in a table's description, and what refers to indexes, as SQL that makes it again.
 * Written for PostgreSQL 14 to 18.
 */
final class IndexQueries {
    static final CatalogQuery REPLICA_IDENTITY = new CatalogQuery("""
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

    static final CatalogQuery CLUSTERED = new CatalogQuery("""
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
    static final CatalogQuery OTHER_INDEXES = new CatalogQuery("""
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

    /**
     * A key that a partitioned table has {@code ON ONLY} itself, as long as it is not valid: made with the table, before
     * there are partitions, it would be, and each partition would get one.
     */
    static final CatalogQuery ONLY_KEYS = new CatalogQuery("""
            SELECT k.conrelid, 'key' AS kind, format('%I on %s', k.conname, k.conrelid::regclass) AS identity,
                   array_remove(ARRAY[
                       format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname,
                              CASE WHEN x.reloptions IS NULL THEN pg_get_constraintdef(k.oid)
                                   ELSE regexp_replace(pg_get_constraintdef(k.oid), '(( DEFERRABLE)?( INITIALLY DEFERRED)?)$',
                                        ' WITH (' || array_to_string(x.reloptions, ', ') || ')\\1') END),
                       format('COMMENT ON CONSTRAINT %I ON %s IS ', k.conname, k.conrelid::regclass)
                           || quote_literal(obj_description(k.oid, 'pg_constraint')),
                       'COMMENT ON INDEX ' || i.indexrelid::regclass || ' IS '
                           || quote_literal(obj_description(i.indexrelid, 'pg_class'))], NULL) AS sql
            FROM pg_constraint k
            JOIN pg_index i ON i.indexrelid = k.conindid AND NOT i.indisvalid
            JOIN pg_class x ON x.oid = i.indexrelid
            JOIN pg_class t ON t.oid = k.conrelid AND t.relkind = 'p'
            WHERE k.conrelid = ANY (:oids) AND k.contype IN ('p', 'u', 'x') ORDER BY k.conrelid, k.conname
            """);

    /** Of an index whose partitioned one is not valid; with others it comes by itself. */
    static final CatalogQuery ATTACHED_INDEXES = new CatalogQuery("""
            SELECT i.indrelid, 'attached index' AS kind, i.indexrelid::regclass::text AS identity,
                   ARRAY[format('ALTER INDEX %s ATTACH PARTITION %s', h.inhparent::regclass, i.indexrelid::regclass)] AS sql
            FROM pg_index i
            JOIN pg_inherits h ON h.inhrelid = i.indexrelid
            JOIN pg_index p ON p.indexrelid = h.inhparent AND NOT p.indisvalid
            WHERE i.indrelid = ANY (:oids) ORDER BY i.indrelid, i.indexrelid
            """);

    /** Of a materialized view and its indexes, and of indexes that are made as dependents. */
    static final CatalogQuery TABLESPACES = new CatalogQuery("""
            SELECT coalesce(i.indrelid, c.oid), 'tablespace' AS kind, c.oid::regclass::text AS identity,
                   ARRAY[format('ALTER %s %s SET TABLESPACE %I',
                         CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'INDEX' END, c.oid::regclass, s.spcname)]
                       AS sql, ARRAY['tablespace ' || s.spcname] AS needs
            FROM pg_class c
            JOIN pg_tablespace s ON s.oid = c.reltablespace
            LEFT JOIN pg_index i ON i.indexrelid = c.oid
            LEFT JOIN pg_class t ON t.oid = i.indrelid
            WHERE coalesce(i.indrelid, c.oid) = ANY (:oids) AND (c.relkind = 'm' OR t.relkind = 'm' OR (t.relkind = 'p' AND NOT i.indisvalid))
            ORDER BY 1, c.relkind DESC, c.oid
            """);

    private IndexQueries() {}
}
