package io.backstop.snapshot.schema;

import io.backstop.api.internal.postgres.SqlSpelling;

/**
 * The kinds of thing that a table needs and does not own, each with the query that finds one by its name. The queries are
 * fixed: nothing that a snapshot holds is ever evaluated to find out whether something exists. They are written for
 * {@code search_path = pg_catalog, pg_temp}, under which the names were written too.
 */
public enum PrerequisiteKind implements CatalogWord {
    SCHEMA("schema", "EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = ?)"),
    EXTENSION("extension", "EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = ?)"),
    FOREIGN_DATA_WRAPPER(
            "foreign data wrapper", "EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper WHERE fdwname = ?)"),
    SERVER("server", "EXISTS (SELECT FROM pg_catalog.pg_foreign_server WHERE srvname = ?)"),
    /** A type's name alone, which functions that make the type what it is have to know first. */
    SHELL_OF_TYPE("shell of type", named("pg_type", "typ", "")),
    TYPE("type", named("pg_type", "typ", " AND x.typisdefined")),
    DOMAIN("domain", named("pg_type", "typ", " AND x.typisdefined")),
    /** The type that comes with a table, and cannot be made without it. */
    ROW_TYPE_OF_TABLE("row type of table", Sql.ROW_TYPE),
    /** The type that comes with a view, and cannot be made without it. */
    ROW_TYPE_OF_VIEW("row type of view", Sql.ROW_TYPE),
    FUNCTION("function", Sql.ROUTINE),
    PROCEDURE("procedure", Sql.ROUTINE),
    AGGREGATE("aggregate", Sql.ROUTINE),
    SEQUENCE("sequence", named("pg_class", "rel", " AND x.relkind = 'S'")),
    COLLATION("collation", named("pg_collation", "coll", "")),
    /** Not the shell that naming it made. */
    OPERATOR(
            "operator",
            "EXISTS (SELECT FROM pg_catalog.pg_operator x WHERE x.oprnamespace <> 'pg_catalog'::pg_catalog.regnamespace"
                    + " AND x.oprcode <> 0 AND x.oid::pg_catalog.regoperator::pg_catalog.text = ?)"),
    OPERATOR_FAMILY("operator family", ofMethod("pg_opfamily", "opf")),
    OPERATOR_CLASS("operator class", ofMethod("pg_opclass", "opc"));

    private final String text;
    private final String existence;

    PrerequisiteKind(String text, String existence) {
        this.text = text;
        this.existence = existence;
    }

    @Override
    public String text() {
        return text;
    }

    @Override
    public String toString() {
        return text;
    }

    /** A boolean SQL expression with one parameter, the identity, that tells whether it is there. */
    public String existence() {
        return existence;
    }

    /** The same with the identity written into it, for SQL that is sent without parameters. */
    public String existenceOf(String identity) {
        return existence.replace("?", SqlSpelling.literal(identity));
    }

    /** By schema and name, for looking a type up by its text fails while it is a shell. */
    private static String named(String catalog, String prefix, String more) {
        return "EXISTS (SELECT FROM (SELECT pg_catalog.parse_ident(?)) p(name), pg_catalog." + catalog
                + " x JOIN pg_catalog.pg_namespace n ON n.oid = x." + prefix + "namespace"
                + " WHERE pg_catalog.cardinality(p.name) = 2 AND n.nspname = p.name[1] AND x." + prefix
                + "name = p.name[2]" + more + ")";
    }

    /** Several access methods may each have one of the same name. */
    private static String ofMethod(String catalog, String prefix) {
        return "EXISTS (SELECT FROM pg_catalog." + catalog + " x JOIN pg_catalog.pg_namespace n ON n.oid = x." + prefix
                + "namespace JOIN pg_catalog.pg_am m ON m.oid = x." + prefix + "method"
                + " WHERE pg_catalog.format('%I.%I USING %I', n.nspname, x." + prefix + "name, m.amname) = ?)";
    }

    /** Constants before the constants of the enum. */
    private static final class Sql {
        static final String ROW_TYPE =
                "EXISTS (SELECT FROM pg_catalog.pg_class" + " WHERE oid = pg_catalog.to_regclass(?) AND reltype <> 0)";

        /** By what the server writes for it, so that no type of an argument has to be looked up by its name. */
        static final String ROUTINE = "EXISTS (SELECT FROM pg_catalog.pg_proc x WHERE x.pronamespace"
                + " <> 'pg_catalog'::pg_catalog.regnamespace"
                + " AND x.oid::pg_catalog.regprocedure::pg_catalog.text = ?)";
    }
}
