package io.backstop.jdbc.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.SynchronousMode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;

/**
 * One SQLite file: opens it, creates its tables, and runs units of work on it, one at a time in this process and one
 * writer at a time among processes. A unit that fails leaves nothing behind. Thread-safe.
 */
final class SqliteDatabase implements AutoCloseable {
    /** How long one process waits for another's unit of work, which takes milliseconds. */
    private static final int BUSY_TIMEOUT_MILLIS = 5_000;

    private static final String[] TABLES = {
        """
        CREATE TABLE IF NOT EXISTS approvals (
            id TEXT PRIMARY KEY,
            request TEXT NOT NULL,
            binding TEXT NOT NULL,
            state TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            decided_by TEXT,
            decided_at INTEGER)""",
        "CREATE INDEX IF NOT EXISTS approvals_by_binding ON approvals (binding, created_at)",
        "CREATE INDEX IF NOT EXISTS approvals_by_state ON approvals (state, created_at)",
        """
        CREATE TABLE IF NOT EXISTS pause (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            reason TEXT NOT NULL,
            operator TEXT NOT NULL,
            since INTEGER NOT NULL)""",
        """
        CREATE TABLE IF NOT EXISTS audit (
            sequence INTEGER PRIMARY KEY,
            event TEXT NOT NULL,
            hash TEXT NOT NULL)""",
        """
        CREATE TABLE IF NOT EXISTS audit_head (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            sequence INTEGER NOT NULL,
            hash TEXT NOT NULL)""",
        """
        CREATE TABLE IF NOT EXISTS refusals (
            agent_id TEXT NOT NULL,
            at INTEGER NOT NULL)""",
        "CREATE INDEX IF NOT EXISTS refusals_by_agent ON refusals (agent_id, at)",
        """
        CREATE TABLE IF NOT EXISTS quarantine (
            agent_id TEXT PRIMARY KEY,
            until INTEGER NOT NULL)""",
        """
        CREATE TABLE IF NOT EXISTS heartbeats (
            sidecar TEXT PRIMARY KEY,
            at INTEGER NOT NULL)""",
        """
        CREATE TABLE IF NOT EXISTS snapshots (
            snapshot_id TEXT PRIMARY KEY,
            created_at INTEGER NOT NULL,
            storage TEXT NOT NULL,
            manifest TEXT NOT NULL)""",
        "CREATE INDEX IF NOT EXISTS snapshots_by_time ON snapshots (created_at)"
    };

    private final Path file;
    private @Nullable Connection connection;
    private String openedIdentity = "";
    private boolean closed;

    private SqliteDatabase(Path file) {
        this.file = file;
    }

    /**
     * Opens the file, and creates it where it does not exist, for its owner only.
     *
     * @throws ControlStoreUnavailableException where its folder is missing or it cannot be written
     */
    static SqliteDatabase open(Path file) throws ControlStoreUnavailableException {
        SqliteDatabase database = new SqliteDatabase(file.toAbsolutePath());
        database.createFile();
        database.perform(connection -> {});
        return database;
    }

    private void createFile() throws ControlStoreUnavailableException {
        Path folder = file.getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new ControlStoreUnavailableException(
                    "backstop.control: the folder of the control store does not exist: " + folder,
                    "create the folder, or set backstop.control to a file in an existing one");
        }
        if (Files.isDirectory(file)) {
            throw new ControlStoreUnavailableException(
                    "backstop.control: the control store is a folder: " + file,
                    "set backstop.control to a file, for instance " + file.resolve("backstop.db"));
        }
        try {
            if (!Files.exists(file)) {
                createForOwnerOnly();
            }
        } catch (IOException e) {
            throw unavailable(e);
        }
    }

    private void createForOwnerOnly() throws IOException {
        if (Set.copyOf(file.getFileSystem().supportedFileAttributeViews()).contains("posix")) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } else {
            Files.createFile(file);
        }
    }

    /** Runs a unit of work in a transaction that holds the write lock from its start. */
    <T> T run(Work<T> work) throws ControlStoreUnavailableException {
        return transact("BEGIN IMMEDIATE", work);
    }

    /** Runs a unit of work that only reads, and may take long: it sees one state, and no other process waits for it. */
    <T> T read(Work<T> work) throws ControlStoreUnavailableException {
        return transact("BEGIN", work);
    }

    private synchronized <T> T transact(String begin, Work<T> work) throws ControlStoreUnavailableException {
        if (closed) {
            throw new ControlStoreUnavailableException(
                    "the control store is closed: " + file, "open another guard; this one was closed");
        }
        try {
            Connection current = connected();
            try {
                // Said in SQL, because with auto-commit off the driver would hold the lock between the units too.
                execute(current, begin);
                T result = work.on(current);
                execute(current, "COMMIT");
                return result;
            } catch (SQLException | RuntimeException e) {
                discard(e);
                throw e;
            }
        } catch (SQLException e) {
            throw unavailable(e);
        }
    }

    /** Runs a unit of work that has no result. */
    void perform(Action action) throws ControlStoreUnavailableException {
        run(connection -> {
            action.on(connection);
            return Boolean.TRUE;
        });
    }

    private Connection connected() throws SQLException {
        if (connection != null && !identity().equals(openedIdentity)) {
            // The file was removed or replaced: what is said through the old one reaches nobody.
            SQLException failure = new SQLException("the file is another one than before");
            discard(failure);
        }
        Connection current = connection;
        if (current == null) {
            SQLiteConfig config = new SQLiteConfig();
            config.setJournalMode(JournalMode.WAL);
            config.setSynchronous(SynchronousMode.FULL); // a record that was acknowledged survives a power failure
            config.setBusyTimeout(BUSY_TIMEOUT_MILLIS);
            current = config.createConnection("jdbc:sqlite:" + file);
            connection = current;
            openedIdentity = identity();
            for (String table : TABLES) {
                execute(current, table);
            }
        }
        return current;
    }

    /** What tells this file from another one of its name; empty where there is none. */
    private String identity() {
        try {
            return String.valueOf(
                    Files.readAttributes(file, BasicFileAttributes.class).fileKey());
        } catch (IOException e) {
            return "";
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Gives the connection up after a failure; the next unit of work opens a new one. */
    private void discard(Exception cause) {
        Connection failed = connection;
        connection = null;
        if (failed != null) {
            try {
                failed.close(); // rolls back
            } catch (SQLException e) {
                cause.addSuppressed(e);
            }
        }
    }

    private ControlStoreUnavailableException unavailable(Exception cause) {
        return new ControlStoreUnavailableException(
                "the control store cannot be used: " + file,
                "check that the file and its folder can be written by this user and that the disk has room;"
                        + " backstop.control names the file",
                cause);
    }

    @Override
    public synchronized void close() {
        closed = true;
        Connection current = connection;
        connection = null;
        if (current != null) {
            try {
                current.close();
            } catch (SQLException e) {
                throw new IllegalStateException("the control store did not close: " + file, e);
            }
        }
    }

    /** A unit of work; everything that it does is committed together or not at all. */
    interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    /** A unit of work without a result. */
    interface Action {
        void on(Connection connection) throws SQLException;
    }
}
