package io.backstop.snapshot.internal.reach;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.describe.ObjectAddress;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What DROP … CASCADE of a schema or a view takes away that no table's description tells: what stands in the schema by
 * itself, and parts of tables that stay. Most of the former can be made again before a table is, and is kept with one of the
 * schema's tables; a statement that takes anything else away is refused.
 *
 * @param kept functions, types, sequences and the like
 * @param told sentences about what is neither kept nor worth a refusal
 */
public record StandaloneObjects(List<ObjectAddress> kept, List<String> told) {
    public static final StandaloneObjects NONE = new StandaloneObjects(List.of(), List.of());

    /** So many are named. */
    private static final int NAMED = 5;

    /**
     * What hangs on a table that goes is told with it, but for composite types and what uses these, and so is what the table
     * needs and what is part of that; a part is not named beside its whole.
     */
    private static final String BESIDE_TABLES = CascadeClosure.ALL_GONE + """
            , tables(classid, objid) AS (
                SELECT DISTINCT g.classid, g.objid FROM gone g
                JOIN pg_catalog.pg_class c ON c.oid = g.objid AND c.relkind IN ('r', 'p', 'f')
                WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            ), hanging(classid, objid) AS (
                SELECT classid, objid FROM tables
                UNION
                SELECT n.classid, n.objid FROM hanging h CROSS JOIN LATERAL (
                    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
                    WHERE d.refclassid = h.classid AND d.refobjid = h.objid
                      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class t WHERE t.oid = d.objid AND t.relkind = 'c'
                                      AND d.classid = 'pg_class'::pg_catalog.regclass)
                    UNION ALL
                    SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
                    WHERE d.classid = h.classid AND d.objid = h.objid AND d.deptype = 'i'
                ) n
            ), part(classid, objid) AS (
                SELECT classid, objid FROM tables
                UNION
                SELECT d.classid, d.objid FROM part p
                JOIN pg_catalog.pg_depend d ON d.refclassid = p.classid AND d.refobjid = p.objid AND d.deptype IN ('a', 'i')
                WHERE d.classid IN ('pg_attrdef'::pg_catalog.regclass, 'pg_constraint'::pg_catalog.regclass,
                        'pg_class'::pg_catalog.regclass, 'pg_trigger'::pg_catalog.regclass,
                        'pg_policy'::pg_catalog.regclass, 'pg_statistic_ext'::pg_catalog.regclass)
                  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE d.classid = 'pg_class'::pg_catalog.regclass
                                  AND c.oid = d.objid AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))
            ), needed(classid, objid) AS (
                SELECT classid, objid FROM part
                UNION
                SELECT s.classid, s.objid FROM needed n CROSS JOIN LATERAL (
                    SELECT d.refclassid AS classid, d.refobjid AS objid FROM pg_catalog.pg_depend d
                    WHERE d.classid = n.classid AND d.objid = n.objid
                    UNION ALL
                    SELECT 'pg_class'::pg_catalog.regclass, t.typrelid FROM pg_catalog.pg_type t
                    WHERE n.classid = 'pg_type'::pg_catalog.regclass AND t.oid = n.objid AND t.typrelid <> 0
                    UNION ALL
                    SELECT 'pg_type'::pg_catalog.regclass, t.typelem FROM pg_catalog.pg_type t
                    WHERE n.classid = 'pg_type'::pg_catalog.regclass AND t.oid = n.objid AND t.typelem <> 0
                    UNION ALL
                    SELECT 'pg_type'::pg_catalog.regclass, r.rngtypid FROM pg_catalog.pg_range r
                    WHERE n.classid = 'pg_type'::pg_catalog.regclass AND r.rngmultitypid = n.objid
                ) s
                WHERE s.classid IN ('pg_type'::pg_catalog.regclass, 'pg_proc'::pg_catalog.regclass,
                        'pg_class'::pg_catalog.regclass, 'pg_collation'::pg_catalog.regclass,
                        'pg_operator'::pg_catalog.regclass, 'pg_opclass'::pg_catalog.regclass,
                        'pg_opfamily'::pg_catalog.regclass, 'pg_extension'::pg_catalog.regclass)
                  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE s.classid = 'pg_class'::pg_catalog.regclass
                                  AND c.oid = s.objid AND c.relkind NOT IN ('c', 'S'))
            ), told(classid, objid) AS (
                (SELECT classid, objid FROM hanging UNION SELECT classid, objid FROM needed)
                UNION
                SELECT d.classid, d.objid FROM told k
                JOIN pg_catalog.pg_depend d ON d.refclassid = k.classid AND d.refobjid = k.objid
                    AND d.deptype IN ('a', 'i', 'e')
            )
            SELECT DISTINCT g.classid, g.objid, pg_catalog.pg_describe_object(g.classid, g.objid, 0) AS description,
                   g.classid IN ('pg_default_acl'::pg_catalog.regclass,
                                 pg_catalog.to_regclass('pg_publication_namespace')) AS minor,
                   g.classid = 'pg_default_acl'::pg_catalog.regclass AS is_right,
                   g.classid IN ('pg_proc'::pg_catalog.regclass, 'pg_collation'::pg_catalog.regclass,
                                 'pg_operator'::pg_catalog.regclass, 'pg_opclass'::pg_catalog.regclass,
                                 'pg_opfamily'::pg_catalog.regclass, 'pg_extension'::pg_catalog.regclass)
                   OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE g.classid = 'pg_type'::pg_catalog.regclass
                              AND t.oid = g.objid AND t.typtype IN ('e', 'c', 'd', 'r', 'b'))
                   OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE g.classid = 'pg_class'::pg_catalog.regclass
                              AND c.oid = g.objid AND c.relkind = 'S') AS keepable
            FROM gone g
            WHERE g.classid <> 'pg_namespace'::pg_catalog.regclass
              AND NOT EXISTS (SELECT FROM told k WHERE k.classid = g.classid AND k.objid = g.objid)
              AND NOT EXISTS (SELECT FROM (%s) named(classid, objid, objsubid)
                              WHERE named.classid = g.classid AND named.objid = g.objid)
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN gone w ON w.classid = d.refclassid
                                  AND w.objid = d.refobjid
                              WHERE d.classid = g.classid AND d.objid = g.objid AND d.deptype IN ('a', 'i', 'e')
                                AND d.refclassid NOT IN ('pg_namespace'::pg_catalog.regclass,
                                                         'pg_opfamily'::pg_catalog.regclass))
            ORDER BY 3
            """;

    public StandaloneObjects {
        kept = List.copyOf(kept);
        told = List.copyOf(told);
    }

    /**
     * Looks, under lock of the tables, with {@code search_path = pg_catalog}.
     *
     * @param begin a query of what is named to be dropped, as {@link CascadeClosure#ALL_GONE} takes it
     * @param withTables whether tables are stored that the objects can be kept with
     */
    static StandaloneObjects of(CallerSession session, String begin, boolean withTables)
            throws SQLException, RecoveryNotReadyException {
        List<Beside> all = session.rows(BESIDE_TABLES.formatted(begin, begin), Beside::read);
        List<Beside> lost = all.stream()
                .filter(object -> !object.minor() && !(object.keepable() && withTables))
                .toList();
        if (!lost.isEmpty()) {
            throw new RecoveryNotReadyException(
                    "the statement would also drop "
                            + named(lost.stream().map(Beside::description).toList())
                            + ", which no snapshot of tables brings back",
                    "drop that by itself if it is to go, or move it to another schema, and send the statement again");
        }
        List<String> told = all.stream()
                .filter(object -> object.minor() && !(object.right() && withTables))
                .map(object -> object.description() + " went with the schema and is not kept")
                .toList();
        return new StandaloneObjects(
                all.stream().filter(Beside::keepable).map(Beside::address).toList(), told);
    }

    /** This and another. */
    StandaloneObjects and(StandaloneObjects other) {
        List<ObjectAddress> bothKept = new ArrayList<>(kept);
        bothKept.addAll(other.kept());
        List<String> bothTold = new ArrayList<>(told);
        bothTold.addAll(other.told());
        return new StandaloneObjects(bothKept, bothTold);
    }

    /** The first of them. */
    static String named(List<String> objects) {
        String first = objects.stream().limit(NAMED).collect(Collectors.joining(", "));
        return objects.size() > NAMED ? first + " and " + (objects.size() - NAMED) + " more" : first;
    }

    /**
     * An object that goes and that no table's description tells.
     *
     * @param minor whether it is not worth a refusal
     * @param right whether it grants something and is told with the schema of a table
     */
    private record Beside(ObjectAddress address, String description, boolean minor, boolean right, boolean keepable) {
        static Beside read(ResultSet row) throws SQLException {
            return new Beside(
                    new ObjectAddress(row.getLong("classid"), row.getLong("objid")),
                    row.getString("description"),
                    row.getBoolean("minor"),
                    row.getBoolean("is_right"),
                    row.getBoolean("keepable"));
        }
    }
}
