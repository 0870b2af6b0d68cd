package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotServiceProvider;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.snapshot.store.StorageAddressException;

/** Lets the driver find {@link PostgresSnapshotService} if this module is on the class path. Thread-safe. */
public final class PostgresSnapshotServiceProvider implements SnapshotServiceProvider {
    /** For {@link java.util.ServiceLoader}. */
    public PostgresSnapshotServiceProvider() {}

    @Override
    public SnapshotService open(SnapshotSettings settings) throws RecoveryNotReadyException {
        try {
            return new PostgresSnapshotService(ObjectStores.open(settings.storage()), settings);
        } catch (StorageAddressException e) {
            throw new RecoveryNotReadyException(String.valueOf(e.getMessage()), e.hint(), e);
        }
    }
}
