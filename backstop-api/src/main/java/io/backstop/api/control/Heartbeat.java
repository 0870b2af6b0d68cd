package io.backstop.api.control;

import java.time.Instant;
import java.util.Objects;
import java.util.Set;

/**
 * A sidecar's latest sign of life, and the tables that it had just stored then. Immutable, thread-safe.
 *
 * @param sidecar names the sidecar
 * @param database {@code host:port/name}
 * @param tables the tables' oids
 */
public record Heartbeat(String sidecar, String database, Set<Long> tables, Instant at) {
    public Heartbeat {
        Objects.requireNonNull(sidecar, "sidecar");
        Objects.requireNonNull(database, "database");
        tables = Set.copyOf(tables);
        Objects.requireNonNull(at, "at");
    }
}
