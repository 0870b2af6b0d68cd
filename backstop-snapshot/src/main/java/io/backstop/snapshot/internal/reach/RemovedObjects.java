package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.snapshot.describe.ObjectAddress;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.SearchPath;

import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds the functions, types and sequences that a statement removes or replaces and that belong to no table: all of a name,
 * where several have it, and with CASCADE those that go with them. What is not there, or what the role may not alter, is left out.
 */
public final class RemovedObjects {
    /** {@code %1$s} is the catalog, {@code %2$s} its prefix, {@code %3$s} the condition of the name, then of the object. */
    private static final String OBJECTS = """
            SELECT 'pg_catalog.%1$s'::pg_catalog.regclass::pg_catalog.oid, x.oid FROM pg_catalog.%1$s x
            JOIN pg_catalog.pg_namespace n ON n.oid = x.%2$snamespace
            WHERE x.%2$sname = %3$s AND %4$s AND (%5$s)
              AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_temp_'
              AND (pg_catalog.pg_has_role(x.%2$sowner, 'USAGE') OR pg_catalog.pg_has_role(n.nspowner, 'USAGE'))
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = x.oid AND d.deptype IN ('a', 'i', 'e')
                              AND d.classid = 'pg_catalog.%1$s'::pg_catalog.regclass)
            ORDER BY x.oid
            """;

    private final CallerSession session;
    private final SearchPath path;

    public RemovedObjects(CallerSession session, SearchPath path) {
        this.session = session;
        this.path = path;
    }

    public List<ObjectAddress> of(Collection<RemovedDefinition> definitions) throws SQLException {
        if (definitions.isEmpty()) {
            return List.of();
        }
        Set<ObjectAddress> objects = new LinkedHashSet<>();
        path.useCallers();
        for (RemovedDefinition definition : definitions) {
            RelationName name = definition.name();
            switch (definition.kind()) {
                case ROUTINE -> objects.addAll(found("pg_proc", "pro", "function", name, "true"));
                case TYPE ->
                    objects.addAll(found("pg_type", "typ", "type", name, "x.typtype IN ('e', 'c', 'd', 'r', 'b')"));
                case RELATION -> objects.addAll(found("pg_class", "rel", "table", name, "x.relkind = 'S'"));
                case STATISTICS -> {} // belong to a table
            }
        }
        path.useCatalog();
        objects.addAll(ObjectCascade.of(session, path, definitions).objects());
        return List.copyOf(objects);
    }

    private List<ObjectAddress> found(
            String catalog, String prefix, String visible, RelationName name, String condition) throws SQLException {
        return session.rows(
                OBJECTS.formatted(
                        catalog, prefix, SqlSpelling.escapedLiteral(name.name()), isMeant(name, visible), condition),
                row -> new ObjectAddress(row.getLong(1), row.getLong(2)));
    }

    /** The condition that x, in schema n, is what the server would take for the name, where it has that name. */
    static String isMeant(RelationName name, String visible) {
        return name.schema()
                .map(schema -> "n.nspname = " + SqlSpelling.escapedLiteral(schema))
                .orElse("pg_catalog.pg_" + visible + "_is_visible(x.oid)");
    }
}
