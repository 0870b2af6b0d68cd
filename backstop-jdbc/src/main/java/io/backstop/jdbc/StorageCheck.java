package io.backstop.jdbc;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;

/**
 * Tries the storage once, in a thread of its own, and logs what is wrong with it: a guard is opened without its storage, and
 * operators should learn of that before the first statement that needs it. Thread-safe.
 */
final class StorageCheck implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StorageCheck.class);
    private static final Duration LAST_MOMENT = Duration.ofSeconds(1);

    private final SnapshotService storage;
    private final Thread thread;
    private volatile boolean closed;

    StorageCheck(SnapshotService storage) {
        this.storage = storage;
        this.thread = new Thread(this::check, "backstop-storage-check");
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    private void check() {
        try {
            storage.probe();
        } catch (RecoveryNotReadyException | RuntimeException e) {
            if (!closed) {
                LOG.warn("statements that need a snapshot are refused for now: {}", e.getMessage());
            }
        }
    }

    /** Ends it, and waits a moment for that. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join(LAST_MOMENT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
