package io.backstop.server.internal.health;

import io.backstop.api.control.Alert;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Pause;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.server.internal.health.Health.Sidecar;
import io.backstop.snapshot.archive.SnapshotArchive;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Looks after the storage and the sidecars in a thread of its own, and raises an alert when one of them fails. A request is
 * never held up by a storage that does not answer. Thread-safe.
 */
public final class HealthMonitor implements AutoCloseable {
    /** A sidecar that was not heard of for longer is stale: twice the time between its rounds, unless it was set otherwise. */
    public static final Duration STALE = Duration.ofMinutes(2);

    private static final Logger LOG = LoggerFactory.getLogger(HealthMonitor.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(10);

    /** What the storage said longer ago is not known any more: it does not answer. */
    private static final Duration KNOWN = Duration.ofSeconds(45);

    private static final Duration FIRST_LOOK = Duration.ofSeconds(2);

    private final ControlStore store;
    private final Optional<SnapshotArchive> archive;
    private final ScheduledThreadPoolExecutor looks;
    private final CountDownLatch looked = new CountDownLatch(1);
    private @Nullable ScheduledFuture<?> looking;
    private volatile Look storage = new Look(false, System.nanoTime());
    private boolean storageWasTold;
    private boolean sidecarWasTold;

    public HealthMonitor(ControlStore store, Optional<SnapshotArchive> archive) {
        this.store = store;
        this.archive = archive;
        this.looks = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "backstop-health");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Begins to look. */
    public synchronized void start() {
        looking = looks.scheduleWithFixedDelay(this::look, 0, BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void look() {
        try {
            if (archive.isPresent()) {
                lookAtStorage(archive.get());
            }
            lookAtSidecars();
        } catch (ControlStoreUnavailableException e) {
            LOG.error("the health of sidecars and storage cannot be looked after: {}", e.getMessage());
        } catch (RuntimeException e) { // would end all further looks
            LOG.error("a look at sidecars and storage failed", e);
        }
    }

    private void lookAtStorage(SnapshotArchive of) throws ControlStoreUnavailableException {
        Optional<String> failure = Optional.empty();
        try {
            of.requireReadable();
        } catch (IOException e) {
            failure = Optional.of(String.valueOf(e.getMessage()));
        }
        storage = new Look(failure.isEmpty(), System.nanoTime());
        looked.countDown();
        if (failure.isPresent() && !storageWasTold) {
            store.alerts()
                    .raise(
                            Alert.Kind.STORAGE_UNAVAILABLE,
                            of.address(),
                            "the storage of snapshots cannot be read: " + failure.get());
        }
        storageWasTold = failure.isPresent();
    }

    private void lookAtSidecars() throws ControlStoreUnavailableException {
        Optional<Instant> beat = store.heartbeats().latest();
        boolean stale = sidecar(beat.map(this::age)) == Sidecar.STALE;
        if (stale && !sidecarWasTold) {
            store.alerts()
                    .raise(
                            Alert.Kind.SIDECAR_STALE,
                            "sidecar",
                            "no sidecar was heard of since " + beat.orElseThrow() + "; tables are not stored by one");
        }
        sidecarWasTold = stale;
    }

    /** How the parts are now. Fails never: what cannot be found out is empty. */
    public Health health() {
        Optional<Boolean> accessible = storageAccessible();
        boolean readable = accessible.orElse(true);
        try {
            Optional<Long> beat = store.heartbeats().latest().map(this::age);
            Optional<Pause> pause = store.pause().current();
            Optional<Long> snapshot = store.snapshots().newest(1).stream()
                    .findFirst()
                    .map(entry -> age(entry.manifest().createdAt()));
            return new Health(
                    readable ? "healthy" : "degraded",
                    sidecar(beat).toString(),
                    beat,
                    snapshot,
                    accessible,
                    true,
                    Optional.of(pause.isPresent()));
        } catch (ControlStoreUnavailableException e) {
            LOG.error("the control store cannot be used: {}", e.getMessage());
            return Health.withoutStore(accessible);
        }
    }

    private Optional<Boolean> storageAccessible() {
        if (archive.isEmpty()) {
            return Optional.empty();
        }
        try {
            if (!looked.await(FIRST_LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
                return Optional.of(false);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of(false);
        }
        Look last = storage;
        return Optional.of(last.accessible() && System.nanoTime() - last.nanos() < KNOWN.toNanos());
    }

    private long age(Instant at) {
        return Math.max(0, Duration.between(at, store.clock().instant()).toSeconds());
    }

    private static Sidecar sidecar(Optional<Long> age) {
        if (age.isEmpty()) {
            return Sidecar.MISSING;
        }
        return age.get() > STALE.toSeconds() ? Sidecar.STALE : Sidecar.HEALTHY;
    }

    /** Ends the looks. */
    @Override
    public synchronized void close() {
        if (looking != null) {
            looking.cancel(true);
        }
        looks.shutdownNow();
    }

    /**
     * What was seen.
     *
     * @param nanos when, by {@link System#nanoTime}
     */
    private record Look(boolean accessible, long nanos) {}
}
