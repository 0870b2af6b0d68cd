package io.backstop.snapshot.schema;

import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Reads what tables, and what hangs on them, are made of: schemas, extensions, types, functions and sequences that are
 * not PostgreSQL's own. What cannot be written as SQL here is told without statements, so that it is at least known to be
 * needed.
 */
final class PrerequisiteReader {
    /**
     * Down from the tables: whatever belongs to them (defaults, constraints, indexes, triggers, policies, statistics) and
     * then whatever that refers to. Views that hang on the tables are not walked: they may refer to anything.
     */
    private static final String NEEDED = """
            WITH RECURSIVE part(root, classid, oid) AS (
                SELECT o, 'pg_class'::regclass::oid, o FROM unnest(:oids) o
                UNION
                SELECT p.root, d.classid, d.objid FROM part p
                JOIN pg_depend d ON d.refclassid = p.classid AND d.refobjid = p.oid AND d.deptype IN ('a', 'i')
                WHERE d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass,
                                    'pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_statistic_ext'::regclass)
                  AND NOT EXISTS (SELECT FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
                                  AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))
            ), needed(root, classid, oid, depth) AS (
                SELECT root, classid, oid, 0 FROM part
                UNION
                SELECT n.root, s.classid, s.oid, n.depth + 1 FROM needed n
                CROSS JOIN LATERAL (
                    SELECT d.refclassid AS classid, d.refobjid AS oid FROM pg_depend d
                    WHERE d.classid = n.classid AND d.objid = n.oid
                      AND (d.deptype IN ('n', 'e') OR (d.classid = 'pg_type'::regclass AND d.deptype = 'i'))
                    UNION ALL
                    -- what a composite type is made of hangs on its columns; an array's element is known by it alone
                    SELECT 'pg_class'::regclass, t.typrelid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
                    WHERE n.classid = 'pg_type'::regclass AND t.oid = n.oid AND c.relkind = 'c'
                    UNION ALL
                    SELECT 'pg_type'::regclass, t.typelem FROM pg_type t
                    WHERE n.classid = 'pg_type'::regclass AND t.oid = n.oid AND t.typelem <> 0
                ) s
                WHERE n.depth < 60 AND s.classid IN ('pg_type'::regclass, 'pg_proc'::regclass, 'pg_class'::regclass,
                                    'pg_namespace'::regclass, 'pg_extension'::regclass, 'pg_collation'::regclass,
                                    'pg_operator'::regclass, 'pg_opclass'::regclass)
                  AND NOT EXISTS (SELECT FROM pg_class c WHERE s.classid = 'pg_class'::regclass AND c.oid = s.oid
                                  AND c.relkind NOT IN ('c', 'S'))
                  AND NOT (s.classid = n.classid AND s.oid = n.oid)
            ), wanted AS (
                SELECT n.root, n.classid, n.oid, max(n.depth) AS depth,
                       EXISTS (SELECT FROM pg_depend e WHERE e.classid = n.classid AND e.objid = n.oid
                               AND e.deptype = 'e') AS extended
                FROM needed n
                WHERE n.depth > 0 AND NOT EXISTS (SELECT FROM part p WHERE p.root = n.root AND p.classid = n.classid
                                                  AND p.oid = n.oid)
                GROUP BY n.root, n.classid, n.oid
            )
            """;

    private static final String SCHEMAS = """
            SELECT w.root, 1 AS step, w.depth, 'schema' AS kind, n.nspname::text AS identity,
                   format('pg_catalog.to_regnamespace(%L) IS NOT NULL', quote_ident(n.nspname)) AS "exists",
                   ARRAY[format('CREATE SCHEMA %I', n.nspname),
                         format('ALTER SCHEMA %I OWNER TO %I', n.nspname, pg_get_userbyid(n.nspowner))]
                   || ARRAY(SELECT format('GRANT %s ON SCHEMA %I TO %s%s', a.privilege_type, n.nspname,
                                   CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END)
                            FROM aclexplode(n.nspacl) a WHERE a.grantee <> n.nspowner) AS sql
            FROM wanted w JOIN pg_namespace n ON n.oid = w.oid
            WHERE w.classid = 'pg_namespace'::regclass AND n.nspname !~ '^pg_'
            """;

    private static final String EXTENSIONS = """
            SELECT w.root, 2, w.depth, 'extension', e.extname::text,
                   format('EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = %L)', e.extname),
                   ARRAY[format('CREATE EXTENSION %I SCHEMA %I VERSION %L', e.extname, x.nspname, e.extversion)]
            FROM wanted w JOIN pg_extension e ON e.oid = w.oid JOIN pg_namespace x ON x.oid = e.extnamespace
            WHERE w.classid = 'pg_extension'::regclass
            """;

    private static final String TYPES = """
            SELECT w.root, 3, w.depth, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, t.oid::regtype::text,
                   format('pg_catalog.to_regtype(%L) IS NOT NULL', t.oid::regtype),
                   CASE t.typtype
                   WHEN 'e' THEN ARRAY[format('CREATE TYPE %s AS ENUM (%s)', t.oid::regtype,
                        (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum
                         WHERE enumtypid = t.oid))]
                   WHEN 'c' THEN ARRAY[format('CREATE TYPE %s AS (%s)', t.oid::regtype,
                        (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '
                                           ORDER BY attnum)
                         FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped))]
                   WHEN 'd' THEN ARRAY[format('CREATE DOMAIN %s AS %s', t.oid::regtype,
                                              format_type(t.typbasetype, t.typtypmod))
                        || coalesce(' DEFAULT ' || t.typdefault, '')
                        || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
                        || coalesce((SELECT string_agg(format(' CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)), ''
                                                       ORDER BY conname)
                                     FROM pg_constraint WHERE contypid = t.oid AND contype = 'c'), '')]
                   WHEN 'r' THEN (SELECT ARRAY[format('CREATE TYPE %s AS RANGE (subtype = %s)', t.oid::regtype,
                                                      format_type(rngsubtype, NULL))]
                                  FROM pg_range WHERE rngtypid = t.oid AND rngcanonical = 0 AND rngsubdiff = 0)
                   ELSE ARRAY[]::text[] END
                   || CASE WHEN t.typtype IN ('e', 'c', 'd', 'r')
                           THEN ARRAY[format('ALTER TYPE %s OWNER TO %I', t.oid::regtype, pg_get_userbyid(t.typowner))]
                           ELSE ARRAY[]::text[] END
            FROM wanted w JOIN pg_type t ON t.oid = w.oid
            WHERE w.classid = 'pg_type'::regclass AND NOT w.extended AND t.typtype <> 'm'
              AND NOT (t.typelem <> 0 AND t.typtype = 'b') AND t.typnamespace <> 'pg_catalog'::regnamespace
              AND t.typnamespace <> 'information_schema'::regnamespace
            """;

    private static final String FUNCTIONS = """
            SELECT w.root, 3, w.depth, 'function', p.oid::regprocedure::text,
                   format('pg_catalog.to_regprocedure(%L) IS NOT NULL', p.oid::regprocedure),
                   CASE WHEN p.prokind IN ('f', 'p', 'w')
                        THEN ARRAY['SET LOCAL check_function_bodies = off', rtrim(pg_get_functiondef(p.oid), E'\\n'),
                             format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, pg_get_userbyid(p.proowner))]
                        ELSE ARRAY[]::text[] END
            FROM wanted w JOIN pg_proc p ON p.oid = w.oid
            WHERE w.classid = 'pg_proc'::regclass AND NOT w.extended AND p.pronamespace <> 'pg_catalog'::regnamespace
            """;

    private static final String SEQUENCES = """
            SELECT w.root, 3, w.depth, 'sequence', c.oid::regclass::text,
                   format('pg_catalog.to_regclass(%L) IS NOT NULL', c.oid::regclass),
                   array_remove(ARRAY[
                       format('CREATE SEQUENCE %s AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s',
                              c.oid::regclass, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin,
                              s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END),
                       format('SELECT pg_catalog.setval(%L, %s)', c.oid::regclass, pg_sequence_last_value(c.oid)::text),
                       format('ALTER SEQUENCE %s OWNER TO %I', c.oid::regclass, pg_get_userbyid(c.relowner))], NULL)
            FROM wanted w JOIN pg_class c ON c.oid = w.oid AND c.relkind = 'S' JOIN pg_sequence s ON s.seqrelid = c.oid
            WHERE w.classid = 'pg_class'::regclass
              AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid
                              AND o.refobjid = w.root AND o.deptype IN ('a', 'i'))
            """;

    private static final String OTHERS = """
            SELECT w.root, 3, w.depth, i.type, i.identity,
                   CASE w.classid WHEN 'pg_collation'::regclass
                        THEN format('pg_catalog.to_regcollation(%L) IS NOT NULL', i.identity)
                        WHEN 'pg_operator'::regclass
                        THEN format('pg_catalog.to_regoperator(%L) IS NOT NULL', i.identity)
                        ELSE format('EXISTS (SELECT FROM pg_catalog.pg_opclass c JOIN pg_catalog.pg_namespace n '
                             'ON n.oid = c.opcnamespace WHERE n.nspname = %L AND c.opcname = %L)', i.schema,
                             (SELECT opcname FROM pg_opclass WHERE oid = w.oid)) END,
                   ARRAY[]::text[]
            FROM wanted w CROSS JOIN LATERAL pg_identify_object(w.classid, w.oid, 0) i
            WHERE w.classid IN ('pg_collation'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass)
              AND NOT w.extended AND i.schema <> 'pg_catalog'
            """;

    private static final CatalogQuery ALL = new CatalogQuery(NEEDED
            + String.join(" UNION ALL ", SCHEMAS, EXTENSIONS, TYPES, FUNCTIONS, SEQUENCES, OTHERS)
            + " ORDER BY 1, 2, 3 DESC, 5");

    private final Connection connection;

    PrerequisiteReader(Connection connection) {
        this.connection = connection;
    }

    Map<Long, List<Prerequisite>> read(Collection<Long> tables) throws SQLException {
        return ALL.rows(connection, tables, PrerequisiteReader::prerequisite);
    }

    private static Prerequisite prerequisite(ResultSet row) throws SQLException {
        return new Prerequisite(
                row.getString("kind"),
                row.getString("identity"),
                row.getString("exists"),
                CatalogQuery.texts(row, "sql"));
    }
}
