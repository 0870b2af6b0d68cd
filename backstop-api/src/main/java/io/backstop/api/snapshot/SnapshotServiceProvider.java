package io.backstop.api.snapshot;

import io.backstop.api.error.RecoveryNotReadyException;

/** Opens the {@link SnapshotService} of a module on the class path; found through {@link java.util.ServiceLoader}. */
public interface SnapshotServiceProvider {
    /**
     * Opens a service over the storage. Does not touch the storage yet.
     *
     * @throws RecoveryNotReadyException where the storage's address is not one that it understands
     */
    SnapshotService open(SnapshotSettings settings) throws RecoveryNotReadyException;
}
