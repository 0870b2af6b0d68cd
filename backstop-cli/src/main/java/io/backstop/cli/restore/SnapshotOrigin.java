package io.backstop.cli.restore;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.GuidedRecovery;
import io.backstop.recovery.model.RecoveryException;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Whether a snapshot was taken in the database that is connected to, by the rule that {@code recover} chooses by. */
public final class SnapshotOrigin {
    private SnapshotOrigin() {}

    /** What is to be said of a snapshot of another database. To restore it is no mistake: copies are made that way. */
    static Optional<String> note(Connection connection, SnapshotManifest manifest)
            throws SQLException, RecoveryException {
        return isOf(connection, manifest)
                ? Optional.empty()
                : Optional.of("note: " + manifest.snapshotId() + " was taken in " + manifest.database()
                        + ", not in database " + connection.getCatalog());
    }

    /** @throws RecoveryException where the connection cannot tell its database */
    public static boolean isOf(Connection connection, SnapshotManifest manifest) throws RecoveryException {
        // It gives a snapshot that is the only one back in any case, and notes where it is of another database.
        List<String> notes = new ArrayList<>();
        GuidedRecovery.ofDatabase(connection, List.of(manifest), notes);
        return notes.isEmpty();
    }
}
