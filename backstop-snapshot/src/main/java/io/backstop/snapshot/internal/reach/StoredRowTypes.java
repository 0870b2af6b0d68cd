package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Row types that lose an attribute while columns of tables hold values of them. The values lose it as well, wherever they
 * are, and as saved they do not fit into the type any more; so such a statement is refused.
 */
public final class StoredRowTypes {
    /** What DROP … CASCADE takes a part of, but not the whole. */
    private static final String LOSING = CascadeClosure.ALL_GONE + """
            SELECT DISTINCT g.objid FROM gone g
            WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND g.objsubid > 0 AND NOT EXISTS (
                SELECT FROM gone w WHERE w.classid = g.classid AND w.objid = g.objid AND w.objsubid = 0)
            """;

    /** Directly, or in arrays, domains, ranges and composites of them. What a materialized view holds can be made again. */
    private static final String STORING = """
            WITH RECURSIVE types(root, oid) AS (
                SELECT oid, reltype FROM pg_catalog.pg_class WHERE oid = ANY (%s) AND reltype <> 0
                UNION
                SELECT t.root, n.oid FROM types t CROSS JOIN LATERAL (
                    SELECT d.objid AS oid FROM pg_catalog.pg_depend d
                    WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.oid
                      AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    UNION ALL
                    SELECT c.reltype FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
                    WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.oid
                      AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid > 0 AND c.reltype <> 0
                ) n
            )
            SELECT rn.nspname AS type_schema, r.relname AS type_name, n.nspname, c.relname
            FROM types t
            JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                AND d.refobjid = t.oid AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid > 0
            JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'f')
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_class r ON r.oid = t.root
            JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
            ORDER BY r.oid, c.oid LIMIT 1
            """;

    private StoredRowTypes() {}

    /** @param begin a query of what is named to be dropped, as {@link CascadeClosure#GONE} takes it */
    static void refuseDropCascade(CallerSession session, String begin) throws SQLException, RecoveryNotReadyException {
        refuse(session, session.rows(LOSING.formatted(begin), row -> row.getLong(1)));
    }

    /** @param relations tables or composite types that lose an attribute */
    static void refuse(CallerSession session, Collection<Long> relations)
            throws SQLException, RecoveryNotReadyException {
        Optional<Use> use = first(session, relations);
        if (use.isPresent()) {
            throw new RecoveryNotReadyException(
                    "the row type of " + use.get().type() + " would lose an attribute, and with it the rows of table "
                            + use.get().table() + " that hold values of it, which could not be put back",
                    "change the column of table " + use.get().table() + " to a type of its own first");
        }
    }

    /** A table that holds values of one of the row types, if there is any. */
    public static Optional<Use> first(CallerSession session, Collection<Long> relations) throws SQLException {
        if (relations.isEmpty()) {
            return Optional.empty();
        }
        List<Use> uses = session.rows(STORING.formatted(CallerSession.array(relations)), Use::read);
        return uses.stream().findFirst();
    }

    /** A row type and a table that holds values of it. */
    public record Use(RelationName type, RelationName table) {
        static Use read(ResultSet row) throws SQLException {
            return new Use(
                    RelationName.of(row.getString("type_schema"), row.getString("type_name")),
                    RelationName.of(row.getString("nspname"), row.getString("relname")));
        }
    }
}
