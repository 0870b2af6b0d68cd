package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotManifest;

import java.util.List;

/**
 * Lists the snapshots that this installation has taken, so that they are found quickly. The manifests in the storage
 * are the truth; an entry here proves nothing. Implementations are thread-safe.
 */
public interface SnapshotCatalogue {
    void add(SnapshotManifest manifest, String storage) throws ControlStoreUnavailableException;

    /** The newest entries, newest first, at most {@code limit}. */
    List<Entry> newest(int limit) throws ControlStoreUnavailableException;

    /** A snapshot and where it is. */
    record Entry(SnapshotManifest manifest, String storage) {}
}
