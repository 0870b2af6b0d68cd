package io.backstop.snapshot.internal.catalog;

/** What the catalog says of a table itself. Written for PostgreSQL 14 to 18. */
public final class TableQueries {
    public static final CatalogQuery HEADERS = new CatalogQuery("""
            SELECT c.oid, n.nspname AS schema, c.relname AS name, c.oid::regclass::text AS qualified,
                   pg_get_userbyid(c.relowner) AS owner, c.relpersistence = 'u' AS unlogged, c.relkind::text AS kind,
                   c.reloptions || (SELECT array_agg('toast.' || o) FROM unnest(t.reloptions) o) AS options,
                   obj_description(c.oid, 'pg_class') AS comment, pg_get_partkeydef(c.oid) AS partition_key,
                   s.spcname AS tablespace, nullif(m.amname, 'heap') AS access_method,
                   ARRAY(SELECT format('index %s is not valid: it was left out', x.oid::regclass)
                         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                         WHERE i.indrelid = c.oid AND NOT i.indisvalid AND x.relkind = 'i' ORDER BY x.relname)
                   || ARRAY(SELECT format('the rows of foreign table %s are on server %s: they were not stored',
                                          c.oid::regclass, f.srvname)
                            FROM pg_foreign_table t JOIN pg_foreign_server f ON f.oid = t.ftserver
                            WHERE t.ftrelid = c.oid) AS omissions
            FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
            LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
            LEFT JOIN pg_am m ON m.oid = c.relam
            WHERE c.oid = ANY (:oids)
            """);

    /** Without foreign ones: their rows are elsewhere, and are not stored. */
    public static final CatalogQuery PARTITIONS = new CatalogQuery("""
            SELECT i.inhparent, n.nspname AS schema, c.relname AS name
            FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind <> 'f'
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE i.inhparent = ANY (:oids) ORDER BY 1, 2, 3
            """);

    public static final CatalogQuery COLUMNS = new CatalogQuery("""
            SELECT a.attrelid, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
                   pg_get_expr(d.adbin, d.adrelid) AS expression, a.attidentity::text AS identity,
                   a.attgenerated::text AS generated, col_description(a.attrelid, a.attnum) AS comment,
                   CASE WHEN a.attcollation <> t.typcollation
                        THEN (SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
                              FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                              WHERE co.oid = a.attcollation) END AS collation,
                   CASE WHEN a.attstorage <> t.typstorage
                        THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                                               ELSE 'EXTENDED' END END AS storage,
                   CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
                   CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, a.attoptions AS options
            FROM pg_attribute a
            JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = ANY (:oids) AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attrelid, a.attnum
            """);

    public static final CatalogQuery SEQUENCES = new CatalogQuery("""
            SELECT d.refobjid, s.seqrelid, n.nspname AS schema, c.relname AS name, a.attname AS "column",
                   d.deptype = 'i' AS identity, coalesce(pg_get_expr(f.adbin, f.adrelid)
                       = 'nextval(''' || replace(c.oid::regclass::text, '''', '''''') || '''::regclass)', false) AS feeding, format_type(s.seqtypid, NULL) AS type, s.seqstart, s.seqincrement,
                   s.seqmin, s.seqmax, s.seqcache, s.seqcycle, c.oid::regclass::text AS qualified,
                   d.refobjid::regclass::text AS owner, has_sequence_privilege(c.oid, 'SELECT') AS readable,
                   has_sequence_privilege(c.oid, 'USAGE') AS usable
            FROM pg_depend d
            JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
            JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_sequence s ON s.seqrelid = c.oid
            JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
              AND d.deptype IN ('a', 'i') AND d.refobjid = ANY (:oids)
            ORDER BY d.refobjid, a.attnum, c.oid
            """);

    /** Of the index x in the tablespace s. */
    private static final String INDEX_SETTINGS = """
            s.spcname AS tablespace, obj_description(x.oid, 'pg_class') AS index_comment,
            ARRAY(SELECT n FROM pg_attribute a, unnest(ARRAY[a.attnum::text, a.attstattarget::text]) WITH ORDINALITY u(n, i)
                  WHERE a.attrelid = x.oid AND a.attstattarget >= 0 ORDER BY a.attnum, i) AS statistics
            """;

    /**
     * A foreign key to a partitioned table has a row for each partition that it refers to: not constraints of their own. A
     * key that is not valid yet is a dependent.
     */
    public static final CatalogQuery CONSTRAINTS = new CatalogQuery("""
            SELECT c.conrelid, c.conname AS name, c.contype::text AS kind, pg_get_constraintdef(c.oid) AS definition,
                   c.confrelid = c.conrelid AS self, obj_description(c.oid, 'pg_constraint') AS comment,
                   c.contype IN ('p', 'u', 'x') AS indexed, x.reloptions AS options,
                   ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, i)
                         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i) AS columns,
                   c.convalidated AS validated, c.contype IN ('c', 'n') AND c.connoinherit AS no_inherit,
                   rn.nspname AS referenced_schema, r.relname AS referenced_table,
                   ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, i)
                         JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.i)
                       AS referenced_columns,
                   c.confmatchtype::text AS match, c.confupdtype::text AS on_update, c.confdeltype::text AS on_delete,
                   -- the column of the catalog came with PostgreSQL 15
                   ARRAY(SELECT a.attname::text
                         FROM jsonb_array_elements_text(CASE WHEN c.contype = 'f' THEN
                                  coalesce(nullif(to_jsonb(c) -> 'confdelsetcols', 'null'), '[]') END)
                              WITH ORDINALITY k(n, i)
                         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n::int2 ORDER BY k.i)
                       AS on_delete_columns,
                   c.condeferrable AS deferrable, c.condeferred AS deferred, :settings
            FROM pg_constraint c
            LEFT JOIN pg_constraint p ON p.oid = c.conparentid
            LEFT JOIN pg_class r ON r.oid = c.confrelid
            LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
            LEFT JOIN pg_class x ON x.oid = c.conindid AND c.contype IN ('p', 'u', 'x')
            LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
            WHERE c.conrelid = ANY (:oids) AND c.contype IN ('n', 'c', 'p', 'u', 'x', 'f')
              AND (p.oid IS NULL OR c.contype <> 'f' OR p.conrelid <> c.conrelid)
              AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class r ON r.oid = i.indrelid
                              WHERE i.indexrelid = c.conindid AND c.contype <> 'f' AND NOT i.indisvalid AND r.relkind = 'p')
            ORDER BY c.conrelid, array_position('{n,c,p,u,x,f}', c.contype::text), c.conname
            """.replace(":settings", INDEX_SETTINGS));

    /** What CREATE INDEX CONCURRENTLY left behind half-made is no index, and may be impossible to make. */
    public static final CatalogQuery INDEXES = new CatalogQuery("""
            SELECT i.indrelid, x.relname AS name, i.indisunique AS "unique", pg_get_indexdef(i.indexrelid) AS definition,
                   m.amname AS method, i.indpred IS NOT NULL AS partial, NULL::text[] AS options, :settings,
                   format('CREATE %sINDEX %I ON %s%s USING ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, x.relname,
                          CASE WHEN t.relkind = 'p' THEN 'ONLY ' END, t.oid::regclass) AS head
            FROM pg_index i
            JOIN pg_class x ON x.oid = i.indexrelid
            JOIN pg_class t ON t.oid = i.indrelid
            JOIN pg_am m ON m.oid = x.relam
            LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
            WHERE i.indrelid = ANY (:oids) AND i.indisvalid
              AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
            ORDER BY i.indrelid, x.relname
            """.replace(":settings", INDEX_SETTINGS));

    private TableQueries() {}
}
