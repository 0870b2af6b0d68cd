package io.backstop.jdbc;

import io.backstop.jdbc.internal.approval.SpentApprovals;
import io.backstop.jdbc.internal.control.KnownStores;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The driver's guards, one for each set of settings that is in use. The first user builds a guard, and only those who want
 * the same one wait for it. A guard is closed shortly after its last user has released it, or when the JVM ends. Thread-safe.
 */
final class SharedGuards implements AutoCloseable {
    /** How long one who wants a guard waits for another who builds it; nothing is opened for that but a policy file. */
    private static final Duration LONGEST_BUILD = Duration.ofSeconds(30);

    private final Map<GuardSettings, Entry> entries = new HashMap<>();
    private final KnownStores stores = new KnownStores();
    private final SpentApprovals spent = new SpentApprovals();
    private final Duration linger;
    private final ScheduledThreadPoolExecutor reaper;
    private @Nullable Thread shutdownHook;

    /** @param linger how long a guard without users is kept, so that one who comes back at once finds it open */
    SharedGuards(Duration linger) {
        this.linger = linger;
        this.reaper = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "backstop-release");
            thread.setDaemon(true);
            return thread;
        });
        reaper.setKeepAliveTime(100, TimeUnit.MILLISECONDS);
        reaper.allowCoreThreadTimeOut(true); // an idle driver keeps no thread
    }

    /**
     * The guard with these settings, which stays open until the lease is closed.
     *
     * @throws SQLException naming the setting with which no guard can be had
     */
    Lease acquire(Map<Setting, String> settings) throws SQLException {
        GuardSettings checked = GuardSettings.of(settings);
        while (true) {
            Entry entry;
            boolean builder;
            synchronized (entries) {
                Entry existing = entries.get(checked);
                builder = existing == null;
                entry = existing == null ? new Entry(checked) : existing;
                entries.put(checked, entry);
                entry.users++;
                installHook();
            }
            if (builder) {
                return build(entry, settings);
            }
            Lease lease = new Lease(entry);
            if (entry.awaitBuilt(lease)) {
                return lease;
            }
            // The builder failed; this caller tries for itself, and learns why.
        }
    }

    private Lease build(Entry entry, Map<Setting, String> settings) throws SQLException {
        try {
            entry.guard = Backstop.builder()
                    .settings(settings)
                    .known(stores)
                    .spent(spent)
                    .build();
            return new Lease(entry);
        } finally {
            if (entry.guard == null) {
                discard(entry);
            }
            entry.built.countDown();
        }
    }

    private void discard(Entry entry) {
        synchronized (entries) {
            entries.remove(entry.settings, entry);
            removeUnneededHook();
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // a guard's closing reports what goes wrong by itself
    private void release(Entry entry) {
        synchronized (entries) {
            entry.users--;
        }
        if (linger.isZero()) {
            closeUnused(entry);
            return;
        }
        try {
            reaper.schedule(() -> closeUnused(entry), linger.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            closeUnused(entry); // the JVM is ending, and the hook has run or runs
        }
    }

    private void closeUnused(Entry entry) {
        synchronized (entries) {
            if (entry.users > 0 || !entries.remove(entry.settings, entry)) {
                return; // in use again, or closed by somebody else
            }
            removeUnneededHook();
        }
        entry.close();
    }

    /** Only while a guard is open: a hook would keep the application's class loader for as long as the JVM runs. */
    private void installHook() {
        if (shutdownHook == null) {
            Thread hook = new Thread(this::close, "backstop-shutdown");
            try {
                Runtime.getRuntime().addShutdownHook(hook);
                shutdownHook = hook;
            } catch (IllegalStateException e) {
                // The JVM is ending already.
            }
        }
    }

    private void removeUnneededHook() {
        if (entries.isEmpty() && shutdownHook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(shutdownHook);
            } catch (IllegalStateException e) {
                // The JVM is ending, and the hook runs.
            }
            shutdownHook = null;
        }
    }

    /** Closes every guard, whoever uses it. */
    @Override
    public void close() {
        List<Entry> open;
        synchronized (entries) {
            open = List.copyOf(entries.values());
            entries.clear();
            removeUnneededHook();
        }
        reaper.shutdownNow();
        open.forEach(Entry::close);
    }

    /** One guard, being built or open. */
    private static final class Entry {
        private final GuardSettings settings;
        private final CountDownLatch built = new CountDownLatch(1);
        private volatile @Nullable Backstop guard;

        /** Guarded by the map's monitor. */
        private int users;

        Entry(GuardSettings settings) {
            this.settings = settings;
        }

        /** Whether it could be built. */
        boolean awaitBuilt(Lease lease) throws SQLException {
            try {
                if (!built.await(LONGEST_BUILD.toSeconds(), TimeUnit.SECONDS)) {
                    lease.close();
                    throw new SQLException(
                            "another connection has been opening the guard with these settings for more than "
                                    + LONGEST_BUILD.toSeconds() + " s\nHINT: see whether the policy file can be read",
                            "08001");
                }
                return guard != null;
            } catch (InterruptedException e) {
                lease.close();
                Thread.currentThread().interrupt();
                throw new SQLException("interrupted while the guard was opened", "57014", e);
            }
        }

        void close() {
            Backstop open = guard;
            if (open != null) {
                open.close();
            }
        }
    }

    /** One user's claim to a guard. Thread-safe. */
    final class Lease implements AutoCloseable {
        private final Entry entry;
        private final AtomicBoolean released = new AtomicBoolean();

        private Lease(Entry entry) {
            this.entry = entry;
        }

        Backstop guard() {
            Backstop guard = entry.guard;
            if (guard == null) {
                throw new IllegalStateException("a lease is given out for an open guard only");
            }
            return guard;
        }

        @Override
        public void close() {
            if (released.compareAndSet(false, true)) {
                release(entry);
            }
        }
    }
}
