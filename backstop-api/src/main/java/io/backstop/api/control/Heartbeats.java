package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.time.Instant;
import java.util.Optional;

/**
 * Keeps the time of each sidecar's last heartbeat; sidecars take snapshots on their own. Implementations are
 * thread-safe.
 */
public interface Heartbeats {
    /** Tells that a sidecar has just finished a round of snapshots. */
    void beat(String sidecar) throws ControlStoreUnavailableException;

    /** The time of the latest heartbeat of any sidecar; empty if there was none. */
    Optional<Instant> latest() throws ControlStoreUnavailableException;
}
