package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.time.Instant;
import java.util.Optional;

/** When sidecars, which take snapshots on their own, were last heard of. */
public interface Heartbeats {
    /** Tells that a sidecar has just finished a round of snapshots. */
    void beat(String sidecar) throws ControlStoreUnavailableException;

    /** When any of them was heard of last. */
    Optional<Instant> latest() throws ControlStoreUnavailableException;
}
