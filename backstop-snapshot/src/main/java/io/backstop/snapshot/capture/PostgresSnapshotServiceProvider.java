package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotServiceProvider;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.key.KeyProviders;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.snapshot.store.StorageAddressException;

import java.io.IOException;
import java.util.Optional;

/** Lets the driver find {@link PostgresSnapshotService} if this module is on the class path. Thread-safe. */
public final class PostgresSnapshotServiceProvider implements SnapshotServiceProvider {
    /** For {@link java.util.ServiceLoader}. */
    public PostgresSnapshotServiceProvider() {}

    @Override
    public SnapshotService open(SnapshotSettings settings) throws RecoveryNotReadyException {
        try {
            Optional<KeyProvider> key = settings.key().isPresent()
                    ? Optional.of(KeyProviders.open(settings.key().get()))
                    : Optional.empty();
            return new PostgresSnapshotService(ObjectStores.open(settings.storage()), settings, key);
        } catch (KeyException e) {
            throw new RecoveryNotReadyException(e.problem(), e.hint(), e);
        } catch (IOException e) {
            throw new RecoveryNotReadyException(
                    "the key file cannot be read: " + e.getMessage(), "see whether its owner runs this process", e);
        } catch (StorageAddressException e) {
            throw new RecoveryNotReadyException(String.valueOf(e.getMessage()), e.hint(), e);
        }
    }
}
