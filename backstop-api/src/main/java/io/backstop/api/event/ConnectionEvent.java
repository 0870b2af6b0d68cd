package io.backstop.api.event;

import java.time.Instant;
import java.util.Objects;

/**
 * Reports that a guarded connection was opened or closed. Immutable, thread-safe.
 *
 * @param at when
 * @param agentId the agent that the connection was configured for
 * @param database the database, {@code host:port/name}
 */
public record ConnectionEvent(Instant at, String agentId, String database) {
    public ConnectionEvent {
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(database, "database");
    }
}
