package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.snapshot.internal.reach.CascadeClosure.Reach;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.SearchPath;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds the tables that lose a definition: those that a statement names, and those of the indexes and statistics that it
 * names, and those beneath views. What is not there loses nothing. Neither does what the role may not alter: the server refuses that itself.
 */
final class RedefinedTables {
    /** An object's own name has to be visible, as with every relation. */
    private static final String STATISTICS = """
            SELECT x.stxrelid FROM pg_catalog.pg_statistic_ext x
            JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
            WHERE x.stxname = %s AND %s
            """;

    /** The owner of a schema may drop what is in it. */
    private static final String TABLES = """
            SELECT DISTINCT c.oid, 'REDEFINED' AS effect FROM (
                SELECT coalesce(i.indrelid, o.refobjid, r.oid) AS oid FROM pg_catalog.unnest(%s) r(oid)
                LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid
                LEFT JOIN pg_catalog.pg_class q ON q.oid = r.oid AND q.relkind = 'S'
                LEFT JOIN pg_catalog.pg_depend o ON o.objid = q.oid AND o.deptype IN ('a', 'i')
                    AND o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.refclassid = o.classid) t
            JOIN pg_catalog.pg_class c ON c.oid = t.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
              AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
              AND (pg_catalog.pg_has_role(c.relowner, 'USAGE') OR pg_catalog.pg_has_role(n.nspowner, 'USAGE'))
            """;

    /** A view hangs on all tables that it is made of, and is in the description of each. */
    static final String BENEATH = """
            WITH RECURSIVE beneath(oid) AS (
                SELECT v.oid FROM pg_catalog.pg_class v JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
                LEFT JOIN pg_catalog.pg_index i ON i.indrelid = v.oid AND i.indexrelid = ANY (%1$s)
                WHERE v.relkind IN ('v', 'm') AND (v.oid = ANY (%1$s) OR i.indexrelid IS NOT NULL) AND (%2$s)
                UNION
                SELECT d.refobjid FROM beneath b
                JOIN pg_catalog.pg_rewrite r ON r.ev_class = b.oid AND r.rulename = '_RETURN'
                JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                    AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
            )
            SELECT DISTINCT c.oid, 'DESCRIBED' AS effect FROM beneath b JOIN pg_catalog.pg_class c ON c.oid = b.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
              AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
              AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
            """;

    /** The owner of a schema may drop what is in it. */
    private static final String OWN_VIEWS =
            "pg_catalog.pg_has_role(v.relowner, 'USAGE') OR pg_catalog.pg_has_role(n.nspowner, 'USAGE')";

    private final CallerSession session;
    private final SearchPath path;

    RedefinedTables(CallerSession session, SearchPath path) {
        this.session = session;
        this.path = path;
    }

    List<Reach> of(Collection<RemovedDefinition> definitions) throws SQLException {
        if (definitions.isEmpty()) {
            return List.of();
        }
        BlastRadiusResolver names = new BlastRadiusResolver(session, path);
        Set<Long> named = new LinkedHashSet<>();
        for (RemovedDefinition definition : definitions) {
            switch (definition.kind()) {
                case RELATION -> names.oid(definition.name()).ifPresent(named::add);
                case STATISTICS -> named.addAll(statistics(definition));
                case ROUTINE, TYPE -> {} // these stand by themselves
            }
        }
        String array = CallerSession.array(named);
        List<Reach> reached = new ArrayList<>(session.rows(TABLES.formatted(array), Reach::read));
        reached.addAll(session.rows(BENEATH.formatted(array, OWN_VIEWS), Reach::read));
        return reached;
    }

    private List<Long> statistics(RemovedDefinition definition) throws SQLException {
        String where = RemovedObjects.isMeant(definition.name(), "statistics_obj");
        return path.rowsAlongCallers(
                STATISTICS.formatted(
                        SqlSpelling.escapedLiteral(definition.name().name()), where),
                row -> row.getLong(1));
    }
}
