package io.backstop.snapshot.internal.reach;

import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * One step from relations that something happens to, to those that it happens to in consequence. Rather one too many than
 * one too few: what a WHERE leaves out or which columns an UPDATE assigns is not asked.
 */
final class CascadeClosure {
    private static final String CHILDREN =
            "SELECT inhrelid AS oid, '%s' AS effect FROM pg_catalog.pg_inherits WHERE inhparent = ANY (%s)";

    /** {@code %1$s} is the column that tells the foreign key's action, {@code %2$s} what CASCADE does. */
    private static final String ACTIONS = """
            SELECT conrelid AS oid, CASE %1$s WHEN 'c' THEN '%2$s' ELSE 'UPDATED' END AS effect
            FROM pg_catalog.pg_constraint WHERE contype = 'f' AND %1$s IN ('c', 'n', 'd') AND confrelid = ANY (%3$s)
            """;

    private static final String REFERRING = """
            SELECT conrelid AS oid, 'TRUNCATED_CASCADE' AS effect
            FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = ANY (%s)
            """;

    /** What a view reads; a write to it goes to some of that. A catalog that it only looks into is not written. */
    private static final String BENEATH = """
            SELECT d.refobjid AS oid, '%s' AS effect
            FROM pg_catalog.pg_rewrite r
            JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
            JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
            WHERE r.ev_class = ANY (%s)
              AND NOT (c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND EXISTS (
                  SELECT FROM pg_catalog.pg_depend o JOIN pg_catalog.pg_class u ON u.oid = o.refobjid
                  WHERE o.classid = d.classid AND o.objid = d.objid AND o.refclassid = d.refclassid
                    AND u.oid <> r.ev_class AND u.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace))
            """;

    /** Tables whose columns are of a relation's row type, or of its array, or of a domain over it and so on. */
    private static final String OF_ITS_TYPE = """
            WITH RECURSIVE types(oid) AS (
                SELECT reltype FROM pg_catalog.pg_class WHERE oid = ANY (%s) AND reltype <> 0
                UNION
                SELECT d.objid FROM types t JOIN pg_catalog.pg_depend d ON d.refobjid = t.oid
                    AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
            )
            SELECT d.objid AS oid, 'ALTERED' AS effect FROM types t JOIN pg_catalog.pg_depend d ON d.refobjid = t.oid
                AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            """;

    /**
     * All that DROP … CASCADE removes (PostgreSQL documentation, 5.15 and 51.18): what depends, and the owner of what is
     * reached by an internal dependency. An object gone as a whole takes along what depends on any of its columns. A
     * table that only loses a column is among them too.
     */
    static final String ALL_GONE = """
            WITH RECURSIVE gone(classid, objid, objsubid) AS (
                %s
                UNION
                SELECT n.classid, n.objid, n.objsubid FROM gone g CROSS JOIN LATERAL (
                    SELECT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend d
                    WHERE d.refclassid = g.classid AND d.refobjid = g.objid
                      AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)
                    UNION ALL
                    SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend d
                    WHERE d.classid = g.classid AND d.objid = g.objid AND d.objsubid = g.objsubid
                      AND d.deptype IN ('i', 'e')
                ) n
            )
            """;

    /** The tables among them. */
    static final String GONE = ALL_GONE + """
            SELECT DISTINCT g.objid AS oid, 'DROPPED_CASCADE' AS effect FROM gone g
            JOIN pg_catalog.pg_class c ON c.oid = g.objid AND c.relkind IN ('r', 'p', 'f')
            WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            """;

    /** Relations as a beginning of {@link #GONE}. */
    static final String ITSELF =
            "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, o, 0 FROM pg_catalog.unnest(%s) o";

    private CascadeClosure() {}

    /** Where the effect on these relations leads in one step; perhaps to where it was already. */
    static List<Reach> from(CallerSession session, Effect effect, Collection<Long> oids) throws SQLException {
        if (effect == Effect.DESCRIBED) {
            return List.of();
        }
        String array = CallerSession.array(oids);
        List<String> queries = new ArrayList<>(List.of(CHILDREN.formatted(effect, array)));
        switch (effect) {
            case DESCRIBED, TAKEN_BY_ROW, REDEFINED, KEPT, TRUNCATED, DROPPED -> {}
            case UPDATED -> {
                queries.add(ACTIONS.formatted("confupdtype", "UPDATED", array));
                queries.add(BENEATH.formatted(effect, array));
            }
            case DELETED -> {
                queries.add(ACTIONS.formatted("confdeltype", "DELETED", array));
                queries.add(BENEATH.formatted(effect, array));
            }
            case TRUNCATED_CASCADE -> queries.add(REFERRING.formatted(array));
            case ALTERED -> queries.add(OF_ITS_TYPE.formatted(array));
            case DROPPED_CASCADE -> queries.add(GONE.formatted(ITSELF.formatted(array)));
        }
        return session.rows("(" + String.join(") UNION ALL (", queries) + ")", Reach::read);
    }

    /** A relation and what happens to it. */
    record Reach(long oid, Effect effect) {
        static Reach read(ResultSet row) throws SQLException {
            return new Reach(row.getLong("oid"), Effect.valueOf(row.getString("effect")));
        }
    }
}
