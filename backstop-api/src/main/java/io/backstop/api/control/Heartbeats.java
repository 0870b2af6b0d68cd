package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.DatabaseIdentity;

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
     * @param identity which database it is; without it, the heartbeat counts for no table
     * @param tables the oids of the tables that it stored
     */
    void beat(String sidecar, String database, Optional<DatabaseIdentity> identity, Set<Long> tables)
            throws ControlStoreUnavailableException;

    /** The latest heartbeat of each sidecar of a database of this name, whichever server it is on. */
    List<Heartbeat> of(String database) throws ControlStoreUnavailableException;

    /** The time of the latest heartbeat of any sidecar; empty if there was none. */
    Optional<Instant> latest() throws ControlStoreUnavailableException;
}
