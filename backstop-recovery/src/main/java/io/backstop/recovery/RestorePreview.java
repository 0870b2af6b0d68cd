package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.model.ExistingTarget;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The state that a restore would find in a database, read without writing anything there. Immutable, thread-safe.
 *
 * @param target the table that it would make
 * @param existing what has that name; where it is what the snapshot holds, nothing would be restored
 * @param obstacle why it would be refused, if it would, whatever has the name
 * @param toCreate what the table was made with, is missing and would be created
 * @param missing what is missing and cannot be created; the restore fails where the table itself needs it
 */
public record RestorePreview(
        RelationName target,
        Optional<ExistingTarget> existing,
        Optional<String> obstacle,
        List<String> toCreate,
        List<String> missing) {
    public RestorePreview {
        Objects.requireNonNull(target, "target");
        Objects.requireNonNull(existing, "existing");
        Objects.requireNonNull(obstacle, "obstacle");
        toCreate = List.copyOf(toCreate);
        missing = List.copyOf(missing);
    }

    /**
     * Looks.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit; left so
     * @param target the table to make; without a schema, that of {@link Restore#defaultTarget}
     * @throws RecoveryException where the snapshot is not whole, or the database cannot be read
     */
    public static RestorePreview of(
            Connection connection, SnapshotArchive archive, SnapshotManifest manifest, RelationName target)
            throws RecoveryException {
        RelationName table = Restore.target(manifest, target);
        Optional<ExistingTarget> existing = new Restore(archive).existing(connection, manifest, target);
        try {
            TableDescription description = archive.description(manifest);
            connection.setAutoCommit(false);
            try (Statement settings = connection.createStatement()) {
                settings.execute("SET TRANSACTION READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp; "
                        + "SET LOCAL standard_conforming_strings = on");
                return look(connection, description, table, existing);
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        } catch (KeyException e) {
            throw new RecoveryException(e.problem(), e.hint(), e);
        } catch (IOException e) {
            throw RecoveryException.damaged(manifest, e);
        } catch (SQLException e) {
            throw ServerErrors.of("the database could not be looked at for the restore of " + table, e);
        }
    }

    private static RestorePreview look(
            Connection connection, TableDescription description, RelationName target, Optional<ExistingTarget> existing)
            throws SQLException {
        List<String> toCreate = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        String schema = target.schema().orElseThrow();
        boolean schemaComes = holds(connection, "EXISTS (SELECT FROM pg_namespace WHERE nspname = ?)", schema);
        for (Prerequisite prerequisite : description.prerequisites()) {
            if (!holds(connection, prerequisite.kind().existence(), prerequisite.identity())) {
                String subject = prerequisite.kind() + " " + prerequisite.identity();
                (prerequisite.sql().isEmpty() ? missing : toCreate).add(subject);
                schemaComes |= prerequisite.kind() == PrerequisiteKind.SCHEMA && schema.equals(description.schema());
            }
        }
        return new RestorePreview(
                target,
                existing,
                schemaComes ? Optional.empty() : Optional.of("schema " + schema + " does not exist"),
                toCreate,
                missing);
    }

    private static boolean holds(Connection connection, String condition, String... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT " + condition)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setString(i + 1, parameters[i]);
            }
            try (ResultSet result = statement.executeQuery()) {
                return result.next() && result.getBoolean(1);
            }
        }
    }
}
