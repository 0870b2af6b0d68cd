package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps each sidecar's last heartbeat; sidecars take snapshots on their own. Implementations are thread-safe.
 */
public interface Heartbeats {
    /**
     * Tells that a sidecar has just finished a round of snapshots.
     *
     * @param database {@code host:port/name}
     * @param tables the oids of the tables that it stored
     */
    void beat(String sidecar, String database, Set<Long> tables) throws ControlStoreUnavailableException;

    /** The latest heartbeat of each sidecar that covers this database. */
    List<Heartbeat> of(String database) throws ControlStoreUnavailableException;

    /** The time of the latest heartbeat of any sidecar; empty if there was none. */
    Optional<Instant> latest() throws ControlStoreUnavailableException;
}
