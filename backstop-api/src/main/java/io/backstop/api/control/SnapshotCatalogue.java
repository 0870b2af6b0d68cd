package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotManifest;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Lists the snapshots that this installation has taken, so that they are found quickly. The manifests in the storage
 * are the truth; an entry here proves nothing. Implementations are thread-safe.
 */
public interface SnapshotCatalogue {
    void add(SnapshotManifest manifest, String storage) throws ControlStoreUnavailableException;

    /**
     * Tells that a statement which destroys rows relies on snapshots that were taken beforehand, so that they are kept as if
     * they had been taken for it.
     */
    void rely(List<SnapshotManifest> manifests) throws ControlStoreUnavailableException;

    /** When a statement has last relied on which snapshot, by the snapshot's id. */
    Map<String, Instant> uses() throws ControlStoreUnavailableException;

    /** The newest entries, newest first, at most {@code limit}. */
    List<Entry> newest(int limit) throws ControlStoreUnavailableException;

    /** A snapshot and where it is. */
    record Entry(SnapshotManifest manifest, String storage) {}
}
