package io.backstop.jdbc.internal.control.sqlite;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.control.ControlDatabase;
import io.backstop.jdbc.internal.control.Dialect;
import io.backstop.jdbc.internal.control.Migrations;
import io.backstop.jdbc.internal.control.StoreContinuity;
import io.backstop.jdbc.internal.control.StoreSighting;
import io.backstop.jdbc.internal.control.sqlite.SqliteConnections.OpenFile;
import org.sqlite.SQLiteConnection;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Runs units of work on one SQLite file. Readers wait for nobody: each has a connection of its own, and in WAL mode no
 * writer holds them up. Writers of this process take turns, and one process writes at a time; the wait for both ends within
 * one deadline. A unit that fails leaves nothing behind. Where the file is not the store that it was, no unit runs.
 * Thread-safe.
 */
public final class SqliteDatabase implements ControlDatabase {
    /** Takes the write lock at once: in a transaction that reads first, SQLite would refuse it later. */
    private static final String BEGIN_WRITING = "BEGIN IMMEDIATE";

    private static final int IDLE_READERS = 4;

    private final SqliteFile file;
    private final StoreContinuity continuity;
    private final StoreMarker marker;
    private final SqliteLoss loss;
    private final Dialect dialect = new SqliteDialect();
    private final Migrations migrations;
    private final SqliteConnections readers = new SqliteConnections(IDLE_READERS);
    private final SqliteConnections writers = new SqliteConnections(1);
    private final Semaphore writing = new Semaphore(1, true);
    private volatile boolean closed;

    private SqliteDatabase(SqliteFile file, StoreContinuity continuity) {
        this.file = file;
        this.continuity = continuity;
        this.marker = new StoreMarker(file.path());
        this.loss = new SqliteLoss(file.path(), marker.path());
        this.migrations = new Migrations(dialect, file.toString());
    }

    /**
     * Opens the file and brings its tables to today's version. A file that was never there is created for its owner only.
     *
     * @throws ControlStoreUnavailableException if its folder is missing, it is not the store that was there, or it is of a
     *     later version
     */
    public static SqliteDatabase open(Path file) throws ControlStoreUnavailableException {
        SqliteDatabase database = new SqliteDatabase(new SqliteFile(file, false), new StoreContinuity());
        try {
            database.read(connection -> Boolean.TRUE);
        } catch (ControlStoreUnavailableException | RuntimeException | Error e) {
            database.close();
            throw e;
        }
        return database;
    }

    /**
     * Like {@link #open}, when the first unit of work runs: that one fails if the file cannot be used, and each one after it
     * tries again.
     *
     * @param makesFolder whether a missing folder is created with the file
     * @param continuity what is known of the store in this place
     */
    public static SqliteDatabase deferred(Path file, boolean makesFolder, StoreContinuity continuity) {
        return new SqliteDatabase(new SqliteFile(file, makesFolder), continuity);
    }

    @Override
    public Dialect dialect() {
        return dialect;
    }

    @Override
    public <T> T run(Work<T> work) throws ControlStoreUnavailableException {
        long deadline = System.nanoTime() + SqliteFile.LOCK_TIMEOUT.toNanos();
        awaitTurn();
        try {
            return transact(
                    writers,
                    connection -> {
                        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                        connection.unwrap(SQLiteConnection.class).setBusyTimeout((int) Math.max(1, left));
                        execute(connection, BEGIN_WRITING);
                    },
                    work);
        } finally {
            writing.release();
        }
    }

    private void awaitTurn() throws ControlStoreUnavailableException {
        if (writing.tryAcquire()) {
            return; // also for a thread that is interrupted
        }
        try {
            if (!writing.tryAcquire(SqliteFile.LOCK_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                throw file.busy();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw file.interrupted(e);
        }
    }

    @Override
    public <T> T read(Work<T> work) throws ControlStoreUnavailableException {
        return transact(readers, connection -> execute(connection, "BEGIN"), work);
    }

    private <T> T transact(SqliteConnections connections, Action begin, Work<T> work)
            throws ControlStoreUnavailableException {
        if (closed) {
            throw new ControlStoreUnavailableException(
                    "the control store is closed: " + file, "open another guard; this one was closed");
        }
        try {
            Optional<OpenFile> idle = connections.take(file.identity());
            OpenFile open = idle.isPresent() ? idle.get() : connect(connections);
            Connection connection = open.connection();
            boolean committed = false;
            try {
                StoreSighting before = continuity.newest().orElseThrow();
                // Said in SQL, because with auto-commit off the driver would hold the lock between the units too.
                begin.on(connection);
                StoreSighting seen = look(connection);
                StoreContinuity.require(before, seen, loss);
                T result = work.on(connection);
                StoreSighting after = connections == writers ? StoreContinuity.look(connection) : seen;
                execute(connection, "COMMIT");
                committed = true;
                continuity.seen(after);
                return result;
            } finally {
                if (committed) {
                    connections.giveBack(open);
                } else {
                    connections.discard(connection);
                }
            }
        } catch (ControlStoreUnavailableException e) {
            throw e;
        } catch (SQLException | IOException | LinkageError e) {
            throw file.unavailable(e);
        }
    }

    private StoreSighting look(Connection connection) throws SQLException {
        try {
            return StoreContinuity.look(connection);
        } catch (SQLException e) {
            throw SqliteFile.lacksTable(e) ? loss.emptied() : e;
        }
    }

    /** A connection to the store that was here before; to a new one where there was none. */
    private OpenFile connect(SqliteConnections connections) throws SQLException, IOException {
        Optional<StoreSighting> known = continuity.newest();
        Optional<String> expected = known.isPresent() ? known.map(StoreSighting::id) : marker.read();
        if (expected.isPresent()) {
            requireFile();
        } else {
            file.create();
        }
        String key = file.key();
        Connection connection = file.connect();
        boolean usable = false;
        try {
            if (expected.isPresent() && !migrations.begun(connection)) {
                throw loss.emptied();
            }
            if (migrations.needed(connection)) {
                execute(connection, BEGIN_WRITING);
                migrations.apply(connection);
                execute(connection, "COMMIT");
            }
            recognise(connection, known, expected);
            String identity = file.identity(); // by now SQLite has opened its log too
            if (identity.isEmpty()) {
                throw loss.removed();
            }
            if (!file.key().equals(key)) {
                throw loss.replaced();
            }
            usable = true;
            return new OpenFile(connection, identity);
        } finally {
            if (!usable) {
                connections.discard(connection);
            }
        }
    }

    private void requireFile() throws ControlStoreUnavailableException, IOException {
        OptionalLong size = file.size();
        if (size.isEmpty()) {
            throw loss.removed();
        }
        if (size.getAsLong() == 0) {
            throw loss.emptied();
        }
    }

    private void recognise(Connection connection, Optional<StoreSighting> known, Optional<String> expected)
            throws SQLException, IOException {
        execute(connection, "BEGIN");
        StoreSighting seen = look(connection);
        if (expected.isPresent() && !expected.get().equals(seen.id())) {
            throw loss.replaced();
        }
        if (known.isPresent()) {
            StoreContinuity.requireHistory(known.get(), connection, loss);
        }
        execute(connection, "COMMIT");
        if (marker.read().isEmpty()) {
            marker.write(seen.id());
        }
        continuity.seen(seen);
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() {
        closed = true;
        readers.close();
        writers.close();
    }
}
