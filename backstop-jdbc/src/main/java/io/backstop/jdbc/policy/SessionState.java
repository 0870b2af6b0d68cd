package io.backstop.jdbc.policy;

import io.backstop.api.control.Pause;
import io.backstop.api.control.Quarantine;

import java.util.Objects;
import java.util.Optional;

/**
 * The pause in force and the agent's quarantine, which decide beside the statement. Immutable, thread-safe.
 */
public record SessionState(Optional<Pause> pause, Optional<Quarantine> quarantine) {
    /** Nothing in the way. */
    public static final SessionState CLEAR = new SessionState(Optional.empty(), Optional.empty());

    public SessionState {
        Objects.requireNonNull(pause, "pause");
        Objects.requireNonNull(quarantine, "quarantine");
    }
}
