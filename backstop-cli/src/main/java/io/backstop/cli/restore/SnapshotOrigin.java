package io.backstop.cli.restore;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.ConnectedDatabase;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/** Whether a snapshot was taken in the database and on the server that is connected to. */
final class SnapshotOrigin {
    private SnapshotOrigin() {}

    /** What is to be said of a snapshot of elsewhere. To restore it is no mistake: copies are made that way. */
    static Optional<String> note(Connection connection, SnapshotManifest manifest) throws SQLException {
        return ConnectedDatabase.read(connection).note(manifest).map(note -> "note: " + note);
    }
}
