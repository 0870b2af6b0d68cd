package io.backstop.cli.snapshots;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.DatabaseAddress;
import io.backstop.recovery.model.ConnectedDatabase;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Which tables of snapshots their database has at present; unknown where none was named or it does not answer. Immutable.
 */
final class ExistingTables {
    private final Optional<Known> known;

    private ExistingTables(Optional<Known> known) {
        this.known = known;
    }

    /** Asks the database. One that is down is no failure: the list is most needed then. */
    static ExistingTables in(@Nullable DatabaseAddress database, Collection<SnapshotManifest> manifests) {
        if (database == null) {
            return new ExistingTables(Optional.empty());
        }
        try (Connection connection = database.connect()) {
            return new ExistingTables(Optional.of(new Known(tables(connection), own(connection, manifests))));
        } catch (SQLException e) {
            return new ExistingTables(Optional.empty());
        }
    }

    private static Set<RelationName> tables(Connection connection) throws SQLException {
        Set<RelationName> tables = new HashSet<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT nspname, relname FROM pg_catalog.pg_class"
                        + " JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
                        + " WHERE relkind IN ('r', 'p', 'm')")) {
            while (rows.next()) {
                tables.add(RelationName.of(rows.getString(1), rows.getString(2)));
            }
        }
        return tables;
    }

    /** A server that was promoted has the tables that it had before. */
    private static Set<String> own(Connection connection, Collection<SnapshotManifest> manifests) throws SQLException {
        ConnectedDatabase database = ConnectedDatabase.read(connection);
        Set<String> own = new HashSet<>();
        for (SnapshotManifest manifest : manifests) {
            if (database.isNamedBy(manifest) && !database.isOfAnotherServer(manifest)) {
                own.add(manifest.snapshotId());
            }
        }
        return own;
    }

    /** {@code -} where the snapshot is of another database: what that one has is not known, whatever is called alike here. */
    String tell(SnapshotManifest manifest) {
        return known.map(database -> database.tell(manifest)).orElse("unknown");
    }

    /**
     * @param tables those that the database has
     * @param own the ids of the snapshots that were taken in it
     */
    private record Known(Set<RelationName> tables, Set<String> own) {
        String tell(SnapshotManifest manifest) {
            if (!own.contains(manifest.snapshotId()) || manifest.holdsObject()) {
                return "-";
            }
            return tables.contains(RelationName.of(manifest.schema(), manifest.table())) ? "present" : "missing";
        }
    }
}
