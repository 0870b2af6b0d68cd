package io.backstop.api.control;

import io.backstop.api.snapshot.DatabaseIdentity;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A sidecar's latest sign of life, and the tables that it had just stored then. Immutable, thread-safe.
 *
 * @param sidecar names the sidecar
 * @param database {@code host:port/name}
 * @param identity which database it was; empty where the sidecar could not tell
 * @param tables the tables' oids
 */
public record Heartbeat(
        String sidecar, String database, Optional<DatabaseIdentity> identity, Set<Long> tables, Instant at) {
    public Heartbeat {
        Objects.requireNonNull(sidecar, "sidecar");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(identity, "identity");
        tables = Set.copyOf(tables);
        Objects.requireNonNull(at, "at");
    }

    /** Whether the sidecar is known to store this table of this database. */
    public boolean covers(DatabaseIdentity of, long table) {
        return identity.filter(of::isSameAs).isPresent() && tables.contains(table);
    }
}
