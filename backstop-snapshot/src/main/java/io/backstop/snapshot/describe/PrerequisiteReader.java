package io.backstop.snapshot.describe;

import io.backstop.snapshot.internal.catalog.CatalogQuery;
import io.backstop.snapshot.internal.catalog.CreateObjectSql;
import io.backstop.snapshot.internal.catalog.GrantQueries;
import io.backstop.snapshot.schema.CatalogWord;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Reads what tables, and what hangs on them, are made of: schemas, extensions, types, functions and sequences that are
 * not PostgreSQL's own, operators and what else they are made of themselves.
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
                (SELECT root, classid, oid, 0 FROM part
                 UNION
                 SELECT b.root, b.classid, b.oid, 1 FROM (:besides) b(root, classid, oid))
                UNION
                SELECT n.root, s.classid, s.oid, n.depth + 1 FROM needed n
                CROSS JOIN LATERAL (
                    SELECT d.refclassid AS classid, d.refobjid AS oid FROM pg_depend d
                    WHERE d.classid = n.classid AND d.objid = n.oid
                      AND (d.deptype IN ('n', 'e') OR (d.classid = 'pg_opclass'::regclass AND d.deptype = 'a') OR (d.classid = 'pg_type'::regclass AND d.deptype = 'i')
                           -- before 15 what a generated column is computed by hangs on the column
                           OR (d.classid = 'pg_class'::regclass AND d.objsubid > 0 AND d.refclassid <> d.classid
                               AND d.deptype = 'a'))
                    UNION ALL
                    -- what a composite type is made of hangs on its columns; an array's element is known by it alone
                    SELECT 'pg_class'::regclass, t.typrelid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
                    WHERE n.classid = 'pg_type'::regclass AND t.oid = n.oid AND c.relkind = 'c'
                    UNION ALL
                    SELECT 'pg_type'::regclass, t.typelem FROM pg_type t
                    WHERE n.classid = 'pg_type'::regclass AND t.oid = n.oid AND t.typelem <> 0
                    UNION ALL
                    -- a multirange comes with its range, which it does not depend on
                    SELECT 'pg_type'::regclass, g.rngtypid FROM pg_range g
                    WHERE n.classid = 'pg_type'::regclass AND g.rngmultitypid = n.oid
                    UNION ALL
                    -- what an operator class is made of hangs on it
                    SELECT d.classid, d.objid FROM pg_depend d
                    WHERE n.classid = 'pg_opclass'::regclass AND d.refclassid = 'pg_opclass'::regclass
                      AND d.refobjid = n.oid AND d.deptype = 'i'
                ) s
                WHERE n.depth < 60 AND s.classid IN ('pg_type'::regclass, 'pg_proc'::regclass, 'pg_class'::regclass,
                                    'pg_namespace'::regclass, 'pg_extension'::regclass, 'pg_collation'::regclass,
                                    'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_amop'::regclass,
                                    'pg_amproc'::regclass, 'pg_foreign_server'::regclass,
                                    'pg_foreign_data_wrapper'::regclass)
                  AND NOT EXISTS (SELECT FROM pg_class c WHERE s.classid = 'pg_class'::regclass AND c.oid = s.oid
                                  AND c.relkind NOT IN ('c', 'S'))
                  AND NOT (s.classid = n.classid AND s.oid = n.oid)
                  -- a function that makes a type what it is comes before it and knows its shell alone
                  AND NOT (n.classid = 'pg_proc'::regclass AND s.classid = 'pg_type'::regclass AND EXISTS (
                      SELECT FROM pg_depend b WHERE b.classid = 'pg_type'::regclass AND b.objid = s.oid
                      AND b.refclassid = 'pg_proc'::regclass AND b.refobjid = n.oid
                      AND (SELECT t.typtype IN ('b', 'r') FROM pg_type t WHERE t.oid = s.oid)))
                  -- of two operators that name each other the one that is wanted makes the other's shell
                  AND NOT (n.classid = 'pg_operator'::regclass AND s.classid = 'pg_operator'::regclass)
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
                   ARRAY[format('CREATE SCHEMA %I', n.nspname),
                         format('ALTER SCHEMA %I OWNER TO %I', n.nspname, pg_get_userbyid(n.nspowner))]
                   || ARRAY(SELECT format('COMMENT ON SCHEMA %I IS %L', n.nspname, obj_description(n.oid, 'pg_namespace'))
                            WHERE obj_description(n.oid, 'pg_namespace') IS NOT NULL)
                   || :grants || :defaults AS sql
            FROM wanted w JOIN pg_namespace n ON n.oid = w.oid
            WHERE w.classid = 'pg_namespace'::regclass AND n.nspname !~ '^pg_'
            """.replace(
                    ":grants", GrantQueries.statements("format('SCHEMA %I', n.nspname)", "n.nspowner", "n.nspacl"))
            .replace(":defaults", GrantQueries.DEFAULTS_IN_SCHEMA);

    private static final String EXTENSIONS = """
            SELECT w.root, 2, w.depth, 'extension', e.extname::text,
                   ARRAY[format('CREATE EXTENSION %I SCHEMA %I VERSION %L', e.extname, x.nspname, e.extversion)]
            FROM wanted w JOIN pg_extension e ON e.oid = w.oid JOIN pg_namespace x ON x.oid = e.extnamespace
            WHERE w.classid = 'pg_extension'::regclass
            """;

    /** What it is made of, a library, is not in the database. */
    private static final String WRAPPERS = """
            SELECT w.root, 2, w.depth, 'foreign data wrapper', f.fdwname::text, '{}'::text[]
            FROM wanted w JOIN pg_foreign_data_wrapper f ON f.oid = w.oid
            WHERE w.classid = 'pg_foreign_data_wrapper'::regclass AND NOT w.extended
            """;

    /** Without user mappings, which hold passwords. */
    private static final String SERVERS = """
            SELECT w.root, 3, w.depth, 'server', s.srvname::text, :server
            FROM wanted w JOIN pg_foreign_server s ON s.oid = w.oid
            JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw
            WHERE w.classid = 'pg_foreign_server'::regclass AND NOT w.extended
            """;

    /** Functions that make a type what it is have to know its name before it is made. */
    private static final String SHELLS = """
            SELECT w.root, 3, 0, 'shell of type', format('%I.%I', n.nspname, t.typname), :shell
            FROM wanted w JOIN pg_type t ON t.oid = w.oid JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE w.classid = 'pg_type'::regclass AND NOT w.extended AND :own
              AND (t.typtype = 'b' OR EXISTS (SELECT FROM pg_range g WHERE g.rngtypid = t.oid AND g.rngcanonical <> 0))
            """;

    private static final String TYPES = """
            SELECT w.root, 4, w.depth, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, format('%I.%I', n.nspname, t.typname), :type
            FROM wanted w JOIN pg_type t ON t.oid = w.oid JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE w.classid = 'pg_type'::regclass AND NOT w.extended AND t.typtype IN ('e', 'c', 'd', 'r', 'b') AND :own
              AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
            """;

    /** A type of this kind comes with its table or view, and made by itself would have that one's name. */
    private static final String ROW_TYPES = """
            SELECT w.root, 4, w.depth, 'row type of ' || CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
                   c.oid::regclass::text, '{}'::text[]
            FROM wanted w JOIN pg_type t ON t.oid = w.oid JOIN pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c'
            WHERE w.classid = 'pg_type'::regclass AND NOT w.extended AND t.typtype = 'c' AND c.oid <> w.root AND :own
            """;

    /** Not PostgreSQL's own, and not the array that comes with another type. */
    private static final String OWN_TYPE =
            "NOT (t.typelem <> 0 AND t.typsubscript = 'array_subscript_handler'::regproc) "
                    + "AND t.typnamespace <> 'pg_catalog'::regnamespace AND t.typnamespace <> 'information_schema'::regnamespace";

    private static final String FUNCTIONS = """
            SELECT w.root, 4, w.depth, :kind, p.oid::regprocedure::text,
                   ARRAY['SET LOCAL check_function_bodies = off'] || :routine
                   || ARRAY[format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, pg_get_userbyid(p.proowner))]
                   || :grants
            FROM wanted w JOIN pg_proc p ON p.oid = w.oid
            WHERE w.classid = 'pg_proc'::regclass AND NOT w.extended AND p.pronamespace <> 'pg_catalog'::regnamespace
              AND p.pronamespace <> 'information_schema'::regnamespace
              -- the constructors of a range come with it
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                              AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i')
            """.replace(":kind", CreateObjectSql.ROUTINE_KIND)
            .replace(":routine", CreateObjectSql.ROUTINE)
            .replace(":grants", GrantQueries.statements("'ROUTINE ' || p.oid::regprocedure", "p.proowner", "p.proacl"));

    private static final String SEQUENCES =
            """
            SELECT w.root, 4, w.depth, 'sequence', c.oid::regclass::text,
                   array_remove(ARRAY[
                       format('CREATE %sSEQUENCE %s AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s',
                              CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' END, c.oid::regclass,
                              format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin,
                              s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END),
                       format('SELECT pg_catalog.setval(%L, ', c.oid::regclass) || pg_sequence_last_value(c.oid) || ')',
                       format('ALTER SEQUENCE %s OWNER TO %I', c.oid::regclass, pg_get_userbyid(c.relowner)),
                       format('COMMENT ON SEQUENCE %s IS ', c.oid::regclass)
                           || quote_literal(obj_description(c.oid, 'pg_class'))], NULL)
                   || :grants
            FROM wanted w JOIN pg_class c ON c.oid = w.oid AND c.relkind = 'S' JOIN pg_sequence s ON s.seqrelid = c.oid
            WHERE w.classid = 'pg_class'::regclass
              AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid
                              AND o.refobjid = w.root AND o.deptype IN ('a', 'i'))
            """.replace(":grants", GrantQueries.statements("'SEQUENCE ' || c.oid::regclass", "c.relowner", "c.relacl"));

    private static final String COLLATIONS = """
            SELECT w.root, 3, 1, 'collation', format('%I.%I', n.nspname, c.collname), :collation
            FROM wanted w JOIN pg_collation c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.collnamespace
            WHERE w.classid = 'pg_collation'::regclass AND NOT w.extended AND n.nspname <> 'pg_catalog'
            """;

    /** The shell that naming an operator made is not the operator. */
    private static final String OPERATORS = """
            SELECT w.root, 4, w.depth, 'operator', o.oid::regoperator::text, :operator
            FROM wanted w JOIN pg_operator o ON o.oid = w.oid
            WHERE w.classid = 'pg_operator'::regclass AND NOT w.extended AND o.oprnamespace <> 'pg_catalog'::regnamespace
            """.replace(":operator", CreateObjectSql.OPERATOR);

    private static final String FAMILIES = """
            SELECT w.root, 4, w.depth, 'operator family', format('%I.%I USING %I', n.nspname, f.opfname, m.amname), :family
            FROM wanted w JOIN pg_opfamily f ON f.oid = w.oid JOIN pg_namespace n ON n.oid = f.opfnamespace
            JOIN pg_am m ON m.oid = f.opfmethod
            WHERE w.classid = 'pg_opfamily'::regclass AND NOT w.extended AND n.nspname <> 'pg_catalog'
            """.replace(":family", CreateObjectSql.OPERATOR_FAMILY);

    private static final String CLASSES = """
            SELECT w.root, 4, w.depth, 'operator class', format('%I.%I USING %I', n.nspname, c.opcname, m.amname), :class
            FROM wanted w JOIN pg_opclass c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.opcnamespace
            JOIN pg_am m ON m.oid = c.opcmethod
            WHERE w.classid = 'pg_opclass'::regclass AND NOT w.extended AND n.nspname <> 'pg_catalog'
            """.replace(":class", CreateObjectSql.OPERATOR_CLASS);

    private final Connection connection;

    PrerequisiteReader(Connection connection) {
        this.connection = connection;
    }

    /** @param besides what the first of the tables is taken to need as well */
    Map<Long, List<Prerequisite>> read(Collection<Long> tables, Collection<ObjectAddress> besides) throws SQLException {
        return all(connection.getMetaData().getDatabaseMajorVersion(), besides(tables, besides))
                .rows(connection, tables, PrerequisiteReader::prerequisite);
    }

    /** Numbers need no quoting. */
    private static String besides(Collection<Long> tables, Collection<ObjectAddress> besides) {
        return tables.stream()
                .findFirst()
                .filter(table -> !besides.isEmpty())
                .map(table -> besides.stream()
                        .map(object -> "(" + table + "::oid, " + object.catalog() + "::oid, " + object.oid() + "::oid)")
                        .collect(Collectors.joining(", ", "VALUES ", "")))
                .orElse("SELECT 0::oid, 0::oid, 0::oid WHERE false");
    }

    private static CatalogQuery all(int majorVersion, String besides) {
        return new CatalogQuery(NEEDED.replace(":besides", besides)
                + String.join(
                        " UNION ALL ",
                        SCHEMAS,
                        EXTENSIONS,
                        WRAPPERS,
                        SERVERS.replace(":server", CreateObjectSql.SERVER),
                        SHELLS.replace(":shell", CreateObjectSql.SHELL).replace(":own", OWN_TYPE),
                        COLLATIONS.replace(":collation", CreateObjectSql.collation(majorVersion)),
                        TYPES.replace(":type", CreateObjectSql.TYPE).replace(":own", OWN_TYPE),
                        ROW_TYPES.replace(":own", OWN_TYPE),
                        FUNCTIONS,
                        SEQUENCES,
                        OPERATORS,
                        FAMILIES,
                        CLASSES)
                + " ORDER BY 1, 2, 3 DESC, 5");
    }

    private static Prerequisite prerequisite(ResultSet row) throws SQLException {
        return new Prerequisite(
                CatalogWord.of(PrerequisiteKind.class, row.getString("kind")),
                row.getString("identity"),
                CatalogQuery.texts(row, "sql"));
    }
}
