package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.jdbc.internal.pipeline.session.ReadAt;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What all sessions of one database know of its catalog: filled from what is committed, by one session at a time while the
 * others wait for it. Thread-safe.
 */
final class DatabaseCatalog {
    /** How long a change by clients around Backstop may go unnoticed, where no unknown name gives it away. */
    private static final Duration FRESH = Duration.ofSeconds(30);

    /** After that a session reads for itself rather than wait for another that hangs. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

    private final Clock clock;
    private final ReentrantLock reading = new ReentrantLock();
    private final AtomicLong changes = new AtomicLong();
    private volatile @Nullable CatalogState state;

    /** The last reading, kept for the case that nothing has changed since. */
    private volatile @Nullable CatalogState last;

    DatabaseCatalog(Clock clock) {
        this.clock = clock;
    }

    /** What is known without asking the server; null where that is nothing, or too old. */
    @Nullable
    CatalogState fresh() {
        CatalogState known = state;
        return known != null && known.readAt().isWithin(FRESH, clock) ? known : null;
    }

    /** Whether code of the user's may answer what names PostgreSQL's own; as long as that is not known, too. */
    boolean mayShadow() {
        CatalogState known = state;
        return known == null || known.shadowing();
    }

    /** The catalog changed, or may have. */
    void changed() {
        changes.incrementAndGet();
        state = null;
    }

    /**
     * What is known, read anew by one of several sessions where it is too old.
     *
     * @param begins whether the session's transaction begins with that, so that it sees what there is now at any level
     */
    CatalogState current(Connection connection, boolean begins) throws SQLException {
        CatalogState known = fresh();
        if (known != null) {
            return known;
        }
        boolean mine = await();
        try {
            known = fresh();
            return known != null ? known : read(connection, begins);
        } finally {
            if (mine) {
                reading.unlock();
            }
        }
    }

    private boolean await() throws SQLException {
        try {
            return reading.tryLock() || reading.tryLock(LONGEST_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted while another session read the catalog", "57014", e);
        }
    }

    /**
     * Whether the session that read it may have seen definitions that nobody else does: code that it ran may have made some,
     * whatever its text was.
     */
    boolean mayHoldUncommitted(CatalogState read) {
        CatalogState committed = last;
        return read.fingerprint().written()
                && !read.fingerprint().frozen()
                && (committed == null
                        || !committed
                                .fingerprint()
                                .hash()
                                .equals(read.fingerprint().hash()));
    }

    /**
     * Publishes what it reads, unless the catalog changed meanwhile, or the session sees an older state of it, or one that may
     * not be committed.
     */
    private CatalogState read(Connection connection, boolean begins) throws SQLException {
        long before = changes.get();
        CatalogState read = read(connection, Optional.ofNullable(last));
        boolean asItWas = read.fingerprint().frozen() && !begins;
        if (asItWas && last == null && !read.fingerprint().written()) {
            last = read; // so that the next need not read all of it, if nothing has changed
        }
        if (!asItWas && !mayHoldUncommitted(read) && changes.get() == before) {
            last = read;
            state = read;
            if (changes.get() != before) {
                state = null;
            }
        }
        return read;
    }

    /** Reads for one session alone, which sees what nobody else does. */
    CatalogState readPrivately(Connection connection) throws SQLException {
        return read(connection, Optional.ofNullable(last));
    }

    private CatalogState read(Connection connection, Optional<CatalogState> earlier) throws SQLException {
        CatalogReader.Fingerprint fingerprint = CatalogReader.fingerprint(connection);
        ReadAt now = ReadAt.now(clock);
        if (earlier.isPresent() && earlier.get().fingerprint().hash().equals(fingerprint.hash())) {
            CatalogState known = earlier.get();
            return new CatalogState(
                    fingerprint,
                    known.names(),
                    known.remote(),
                    known.shadowing(),
                    known.uncounted(),
                    known.versions(),
                    now);
        }
        ServerSpelling spelling = ServerSpelling.of(fingerprint.encoding());
        return new CatalogState(
                fingerprint,
                CatalogReader.read(connection, spelling),
                fingerprint.foreign() ? CatalogReader.remote(connection, spelling) : Optional.empty(),
                CatalogReader.shadowing(connection),
                CatalogReader.uncounted(connection, fingerprint.encoding()),
                new AtomicReference<>(),
                now);
    }
}
