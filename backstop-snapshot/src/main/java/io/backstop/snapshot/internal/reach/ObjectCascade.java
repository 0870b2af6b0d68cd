package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.snapshot.describe.ObjectAddress;
import io.backstop.snapshot.internal.catalog.CreateObjectSql;
import io.backstop.snapshot.internal.reach.CascadeClosure.Reach;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.SearchPath;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a DROP … CASCADE takes along with a type, domain, function, sequence, index, statistics or a table's constraint: tables
 * and columns, parts of tables that stay, views, and what stands by itself. Where several functions have the name, what hangs on any of them. What is
 * not there, or what the role may not drop, takes nothing along: the server refuses that itself.
 */
public final class ObjectCascade {
    private static final String COUNTS = CascadeClosure.ALL_GONE
            + "SELECT g.classid, pg_catalog.count(DISTINCT g.objid)"
            + " FROM gone g WHERE g.objsubid = 0 AND EXISTS (SELECT FROM pg_catalog.pg_depend d"
            + " WHERE d.classid = g.classid AND d.objid = g.objid) GROUP BY 1";

    /** {@code %1$s} is the catalog, {@code %2$s} its prefix, {@code %3$s} the condition of the name. */
    private static final String NAMED = """
            SELECT 'pg_catalog.%1$s'::pg_catalog.regclass::pg_catalog.oid, x.oid, 0 FROM pg_catalog.%1$s x
            JOIN pg_catalog.pg_namespace n ON n.oid = x.%2$snamespace
            WHERE %3$s AND n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND (pg_catalog.pg_has_role(x.%2$sowner, 'USAGE') OR pg_catalog.pg_has_role(n.nspowner, 'USAGE'))
            """;

    /** {@code %1$s} is the table's oid, {@code %2$s} the name. Those of children that inherit it go as well. */
    private static final String CONSTRAINT = """
            SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, x.oid, 0 FROM (
                WITH RECURSIVE heirs(oid, depth) AS (
                    SELECT %1$s::pg_catalog.oid, 0 UNION SELECT i.inhrelid, 1 FROM heirs h
                    JOIN pg_catalog.pg_inherits i ON i.inhparent = h.oid)
                SELECT h.oid, pg_catalog.max(h.depth) AS depth FROM heirs h GROUP BY 1) t
            JOIN pg_catalog.pg_class c ON c.oid = t.oid AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
            JOIN pg_catalog.pg_constraint x ON x.conrelid = c.oid AND x.conname = %2$s
                AND (t.depth = 0 OR x.coninhcount > 0)
            """;

    /** Tables of which a part goes; of what is no table's, all that is part of it is gone with it. */
    private static final String REDEFINED = CascadeClosure.ALL_GONE + """
            , losing(oid) AS (
                SELECT x.conrelid FROM gone g JOIN pg_catalog.pg_constraint x ON x.oid = g.objid
                WHERE g.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                UNION
                SELECT x.tgrelid FROM gone g JOIN pg_catalog.pg_trigger x ON x.oid = g.objid
                WHERE g.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
                UNION
                SELECT x.polrelid FROM gone g JOIN pg_catalog.pg_policy x ON x.oid = g.objid
                WHERE g.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
                UNION
                SELECT x.adrelid FROM gone g JOIN pg_catalog.pg_attrdef x ON x.oid = g.objid
                WHERE g.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                UNION
                SELECT x.stxrelid FROM gone g JOIN pg_catalog.pg_statistic_ext x ON x.oid = g.objid
                WHERE g.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
                UNION
                SELECT x.ev_class FROM gone g JOIN pg_catalog.pg_rewrite x ON x.oid = g.objid
                WHERE g.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                UNION
                SELECT coalesce(x.indrelid, g.objid) FROM gone g LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = g.objid
                WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            )
            SELECT c.oid, c.relkind IN ('v', 'm') AS of_query, CASE WHEN pg_catalog.pg_has_role(c.relowner, 'USAGE')
                   THEN 'REDEFINED' ELSE 'DESCRIBED' END AS effect
            FROM losing l JOIN pg_catalog.pg_class c ON c.oid = l.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
              AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
              AND (c.relkind IN ('v', 'm') OR pg_catalog.pg_has_role(c.relowner, 'USAGE')
                   OR pg_catalog.has_table_privilege(c.oid, 'SELECT'))
            ORDER BY c.oid
            """;

    /**
     * What belongs to nothing else. A domain that loses its constraint and a composite type that loses an attribute are
     * among them.
     */
    private static final String BY_THEMSELVES = CascadeClosure.ALL_GONE.replace("%s", "%1$s") + """
            , changed(classid, objid) AS (
                SELECT g.classid, g.objid FROM gone g WHERE g.objsubid = 0
                UNION
                SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, x.contypid FROM gone g
                JOIN pg_catalog.pg_constraint x ON x.oid = g.objid AND x.contypid <> 0
                WHERE g.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                UNION
                SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype FROM gone g
                JOIN pg_catalog.pg_class c ON c.oid = g.objid AND c.relkind = 'c'
                WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND g.objsubid <> 0
            )
            SELECT DISTINCT x.classid, x.objid, pg_catalog.pg_describe_object(x.classid, x.objid, 0) AS description,
                   x.classid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass)
                   OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE x.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                              AND t.oid = x.objid AND t.typtype IN ('e', 'c', 'd', 'r', 'b')) AS known
            FROM changed x
            WHERE x.classid NOT IN ('pg_catalog.pg_constraint'::pg_catalog.regclass,
                    'pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass,
                    'pg_catalog.pg_attrdef'::pg_catalog.regclass, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass,
                    'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_default_acl'::pg_catalog.regclass)
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE x.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass
                                AND k.oid = x.objid AND %2$s)
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                              WHERE x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = x.objid
                                AND c.relkind <> 'S')
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = x.classid AND d.objid = x.objid
                                AND d.deptype IN ('a', 'i', 'e')
                                -- a member of an operator family that stays is lost to it
                                AND (x.classid NOT IN ('pg_catalog.pg_amop'::pg_catalog.regclass,
                                                       'pg_catalog.pg_amproc'::pg_catalog.regclass)
                                     OR EXISTS (SELECT FROM gone w WHERE w.classid = d.refclassid
                                                AND w.objid = d.refobjid AND w.objsubid = 0)))
            ORDER BY 1, 2
            """;

    /** Views that hang on no table that the role may read, and what goes of tables that it may not. */
    private static final String UNREADABLE = CascadeClosure.ALL_GONE + """
            , beneath(root, oid) AS (
                SELECT v.oid, v.oid FROM gone g JOIN pg_catalog.pg_class v ON v.oid = g.objid AND v.relkind IN ('v', 'm')
                WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                UNION
                SELECT b.root, d.refobjid FROM beneath b
                JOIN pg_catalog.pg_rewrite r ON r.ev_class = b.oid AND r.rulename = '_RETURN'
                JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            )
            SELECT DISTINCT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, b.root, 0)
            FROM beneath b
            WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class v WHERE v.oid = b.root AND v.relpersistence = 't')
              AND NOT EXISTS (
                SELECT FROM beneath t JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind IN ('r', 'p', 'f')
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE t.root = b.root AND c.relpersistence <> 't' AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
                  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'))
            UNION
            SELECT pg_catalog.pg_describe_object(g.classid, g.objid, 0) FROM gone g
            JOIN (SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass AS classid, oid, conrelid AS relation
                  FROM pg_catalog.pg_constraint
                  UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid, tgrelid FROM pg_catalog.pg_trigger
                  UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, polrelid FROM pg_catalog.pg_policy
                  UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, adrelid FROM pg_catalog.pg_attrdef
                  UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, oid, stxrelid
                  FROM pg_catalog.pg_statistic_ext
                  UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, indrelid
                  FROM pg_catalog.pg_index) p ON p.classid = g.classid AND p.oid = g.objid
            JOIN pg_catalog.pg_class c ON c.oid = p.relation AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
            WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
              AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
            ORDER BY 1
            """;

    private final CallerSession session;
    private final Optional<String> begin;

    private ObjectCascade(CallerSession session, Optional<String> begin) {
        this.session = session;
        this.begin = begin;
    }

    /** Looks the names up as the server would. */
    public static ObjectCascade of(CallerSession session, SearchPath path, Collection<RemovedDefinition> definitions)
            throws SQLException {
        List<String> named = new ArrayList<>();
        for (RemovedDefinition definition : definitions) {
            if (definition.cascade()) {
                named.add(named(session, path, definition));
            }
        }
        return new ObjectCascade(session, named.isEmpty() ? Optional.empty() : Optional.of(addresses(path, named)));
    }

    private static String named(CallerSession session, SearchPath path, RemovedDefinition definition)
            throws SQLException {
        RelationName name = definition.name();
        return switch (definition.kind()) {
            case RELATION -> {
                Optional<Long> oid = new BlastRadiusResolver(session, path).oid(name);
                if (definition.constraint().isPresent()) {
                    yield CONSTRAINT.formatted(
                            oid.map(String::valueOf).orElse("NULL"),
                            SqlSpelling.escapedLiteral(definition.constraint().get()));
                }
                yield NAMED.formatted(
                        "pg_class", "rel", oid.map(found -> "x.oid = " + found).orElse("false"));
            }
            case STATISTICS -> NAMED.formatted("pg_statistic_ext", "stx", condition("stx", "statistics_obj", name));
            case ROUTINE -> NAMED.formatted("pg_proc", "pro", condition("pro", "function", name));
            case TYPE -> NAMED.formatted("pg_type", "typ", condition("typ", "type", name));
        };
    }

    private static String condition(String prefix, String visible, RelationName name) {
        return "x." + prefix + "name = " + SqlSpelling.escapedLiteral(name.name()) + " AND "
                + RemovedObjects.isMeant(name, visible);
    }

    /** A query of the named objects, which does not depend on the search path any more. */
    private static String addresses(SearchPath path, List<String> named) throws SQLException {
        List<String> found = path.rowsAlongCallers(
                String.join(" UNION ", named),
                row -> "(" + row.getLong(1) + "::pg_catalog.oid, " + row.getLong(2) + "::pg_catalog.oid, 0)");
        return found.isEmpty()
                ? "SELECT 0::pg_catalog.oid, 0::pg_catalog.oid, 0 WHERE false"
                : "VALUES " + String.join(", ", found);
    }

    /** Whether a statement takes something along. */
    public boolean isEmpty() {
        return begin.isEmpty();
    }

    /** How many objects are named or hang on these, by the oid of their catalog; those that are gone are not counted. */
    public Map<Long, Long> counts() throws SQLException {
        Map<Long, Long> counts = new HashMap<>();
        if (begin.isPresent()) {
            session.rows(COUNTS.formatted(begin.get()), row -> counts.put(row.getLong(1), row.getLong(2)));
        }
        return counts;
    }

    /** @throws RecoveryNotReadyException where a table is reached by now that is not among these */
    public void requireWithin(BlastRadius radius) throws SQLException, RecoveryNotReadyException {
        List<Reach> reached = new ArrayList<>(redefined());
        reached.addAll(tables());
        for (Reach reach : reached) {
            if (!radius.tables().containsKey(reach.oid())) {
                throw new RecoveryNotReadyException(
                        "somebody made a table meanwhile that depends on what the statement drops", "send it again");
            }
        }
    }

    /**
     * Tables that go and tables that lose a column.
     *
     * @throws RecoveryNotReadyException where a row type would lose an attribute that rows hold
     */
    List<Reach> tables() throws SQLException, RecoveryNotReadyException {
        if (begin.isEmpty()) {
            return List.of();
        }
        StoredRowTypes.refuseDropCascade(session, begin.get());
        return session.rows(CascadeClosure.GONE.formatted(begin.get()), Reach::read);
    }

    /** Tables that lose a definition, and those beneath views that go. */
    List<Reach> redefined() throws SQLException {
        if (begin.isEmpty()) {
            return List.of();
        }
        List<Reach> reached = new ArrayList<>();
        List<Long> views = new ArrayList<>();
        session.rows(REDEFINED.formatted(begin.get()), row -> {
            if (row.getBoolean("of_query")) {
                return views.add(row.getLong("oid"));
            }
            return reached.add(Reach.read(row));
        });
        if (!views.isEmpty()) {
            reached.addAll(
                    session.rows(RedefinedTables.BENEATH.formatted(CallerSession.array(views), "true"), Reach::read));
        }
        return reached;
    }

    /** Functions, types and sequences that go or are changed. */
    List<ObjectAddress> objects() throws SQLException {
        return byThemselves().stream()
                .filter(ByItself::known)
                .map(ByItself::address)
                .toList();
    }

    /**
     * @param reached what is stored whole, or described
     * @throws RecoveryNotReadyException where something goes that no snapshot holds; for a statement that was judged to take no
     *     rows, a table or a column
     */
    void requireStored(Set<Reach> reached) throws SQLException, RecoveryNotReadyException {
        if (begin.isEmpty()) {
            return;
        }
        Set<Long> whole = reached.stream()
                .filter(reach -> !reach.effect().takesDefinitionsAlone())
                .map(Reach::oid)
                .collect(Collectors.toSet());
        List<Long> missing =
                session.rows(CascadeClosure.GONE.formatted(begin.get()), row -> row.getLong("oid")).stream()
                        .filter(oid -> !whole.contains(oid))
                        .toList();
        if (!missing.isEmpty()) {
            throw new RecoveryNotReadyException(
                    "rows of table " + session.value("SELECT " + missing.get(0) + "::pg_catalog.regclass")
                            + " go with what the statement drops, which was not so when it was judged",
                    "send it again");
        }
        List<String> unknown =
                new ArrayList<>(session.rows(UNREADABLE.formatted(begin.get()), row -> row.getString(1)));
        byThemselves().stream()
                .filter(object -> !object.known())
                .map(ByItself::description)
                .forEach(unknown::add);
        if (!unknown.isEmpty()) {
            throw new RecoveryNotReadyException(
                    "the statement would also drop " + StandaloneObjects.named(unknown) + ", which cannot be stored",
                    "drop that first if it is to go, or let its owner do so");
        }
    }

    private List<ByItself> byThemselves() throws SQLException {
        return begin.isEmpty()
                ? List.of()
                : session.rows(
                        BY_THEMSELVES.formatted(begin.get(), CreateObjectSql.INOUT_CAST_OF_TYPE),
                        row -> new ByItself(
                                new ObjectAddress(row.getLong("classid"), row.getLong("objid")),
                                row.getString("description"),
                                row.getBoolean("known")));
    }

    /** An object that is part of no other. */
    private record ByItself(ObjectAddress address, String description, boolean known) {}
}
