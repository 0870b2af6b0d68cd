package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotServiceProvider;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.store.ObjectStores;

/** Lets the driver find {@link PostgresSnapshotService} if this module is on the class path. Thread-safe. */
public final class PostgresSnapshotServiceProvider implements SnapshotServiceProvider {
    /** For {@link java.util.ServiceLoader}. */
    public PostgresSnapshotServiceProvider() {}

    @Override
    public SnapshotService open(SnapshotSettings settings) throws RecoveryNotReadyException {
        try {
            return new PostgresSnapshotService(ObjectStores.open(settings.storage()), settings);
        } catch (IllegalArgumentException e) {
            throw new RecoveryNotReadyException(
                    String.valueOf(e.getMessage()), "set backstop.storage to an address that is accepted", e);
        }
    }
}
