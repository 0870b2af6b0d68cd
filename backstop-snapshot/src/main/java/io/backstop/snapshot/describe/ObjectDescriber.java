package io.backstop.snapshot.describe;

import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Describes a function, type or sequence that belongs to no table, with what it is made of: as a table without anything that
 * needs them, so that whatever reads what tables need reads this too. Stateless, thread-safe.
 */
public final class ObjectDescriber {
    /** No table has this oid. */
    private static final long NO_TABLE = 0;

    private static final String NAME = """
            SELECT n.nspname, x.name FROM (
                SELECT 'pg_proc'::regclass::oid AS catalog, oid, pronamespace AS namespace, proname AS name FROM pg_proc
                UNION ALL SELECT 'pg_type'::regclass::oid, oid, typnamespace, typname FROM pg_type
                UNION ALL SELECT 'pg_class'::regclass::oid, oid, relnamespace, relname FROM pg_class WHERE relkind = 'S'
                UNION ALL SELECT 'pg_namespace'::regclass::oid, oid, oid, nspname FROM pg_namespace
            ) x JOIN pg_namespace n ON n.oid = x.namespace WHERE x.catalog = ? AND x.oid = ?
            """;

    /**
     * Its prerequisites are what it is made of, and itself, which comes last; its name is that of the object alone.
     *
     * @return empty where it is not there
     */
    public Optional<TableDescription> describe(Connection connection, ObjectAddress object) throws SQLException {
        try (QualifiedNames names = QualifiedNames.in(connection)) {
            return names.whileQualified(() -> read(connection, object));
        }
    }

    /** The object itself. */
    public static Prerequisite itself(TableDescription description) {
        List<Prerequisite> all = description.prerequisites();
        return all.get(all.size() - 1);
    }

    private static Optional<TableDescription> read(Connection connection, ObjectAddress object) throws SQLException {
        List<Prerequisite> definitions = new PrerequisiteReader(connection)
                .read(List.of(NO_TABLE), List.of(object))
                .getOrDefault(NO_TABLE, List.of());
        try (PreparedStatement statement = connection.prepareStatement(NAME)) {
            statement.setLong(1, object.catalog());
            statement.setLong(2, object.oid());
            try (ResultSet name = statement.executeQuery()) {
                return definitions.isEmpty() || !name.next()
                        ? Optional.empty()
                        : Optional.of(description(name.getString(1), name.getString(2), definitions));
            }
        }
    }

    private static TableDescription description(String schema, String name, List<Prerequisite> definitions) {
        return new TableDescription(
                schema,
                name,
                "",
                false,
                List.of(),
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                definitions,
                List.of(),
                Optional.empty(),
                List.of());
    }
}
