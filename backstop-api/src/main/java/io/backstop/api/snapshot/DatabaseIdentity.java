package io.backstop.api.snapshot;

import java.util.Objects;
import java.util.Optional;

/**
 * Tells a database from those of other servers, and of this one, that have had its name. Immutable, thread-safe.
 *
 * @param server its server
 * @param databaseOid its oid there
 */
public record DatabaseIdentity(ServerIdentity server, long databaseOid) {
    public DatabaseIdentity {
        Objects.requireNonNull(server, "server");
    }

    /** That of a snapshot's database, where the snapshot says it. */
    public static Optional<DatabaseIdentity> of(SnapshotManifest manifest) {
        return manifest.server()
                .flatMap(server -> manifest.identity().map(table -> new DatabaseIdentity(server, table.databaseOid())));
    }

    /** Whether both are known to be the same database in the same history. */
    public boolean isSameAs(DatabaseIdentity other) {
        return databaseOid == other.databaseOid && server.isSameAs(other.server);
    }
}
