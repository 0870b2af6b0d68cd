package io.backstop.jdbc.internal.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;
import org.sqlite.NativeLibraryNotFoundException;
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
public final class SqliteDatabase implements ControlDatabase {
    /** How long one process waits for another's unit of work, which takes milliseconds. */
    private static final int BUSY_TIMEOUT_MILLIS = 5_000;

    /** Takes the write lock at once: in a transaction that reads first, SQLite would refuse it later. */
    private static final String BEGIN_WRITING = "BEGIN IMMEDIATE";

    private final Path file;
    private final Dialect dialect = new SqliteDialect();
    private final Migrations migrations;
    private @Nullable Connection connection;
    private String openedIdentity = "";
    private boolean closed;

    private SqliteDatabase(Path file) {
        this.file = file;
        this.migrations = new Migrations(dialect, file.toString());
    }

    /**
     * Opens the file, and creates it where it does not exist, for its owner only.
     *
     * @throws ControlStoreUnavailableException where its folder is missing or it cannot be written
     */
    public static SqliteDatabase open(Path file) throws ControlStoreUnavailableException {
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

    @Override
    public Dialect dialect() {
        return dialect;
    }

    @Override
    public <T> T run(Work<T> work) throws ControlStoreUnavailableException {
        return transact(BEGIN_WRITING, work);
    }

    @Override
    public <T> T read(Work<T> work) throws ControlStoreUnavailableException {
        return transact("BEGIN", work);
    }

    private synchronized <T> T transact(String begin, Work<T> work) throws ControlStoreUnavailableException {
        if (closed) {
            throw new ControlStoreUnavailableException(
                    "the control store is closed: " + file, "open another guard; this one was closed");
        }
        try {
            Connection current = connectedOrGivenUp();
            try {
                // Said in SQL, because with auto-commit off the driver would hold the lock between the units too.
                execute(current, begin);
                T result = work.on(current);
                execute(current, "COMMIT");
                return result;
            } catch (SQLException | RuntimeException | Error e) {
                discard(e);
                throw e;
            }
        } catch (ControlStoreUnavailableException e) {
            throw e;
        } catch (SQLException | LinkageError e) {
            throw unavailable(e);
        }
    }

    private Connection connectedOrGivenUp() throws SQLException {
        try {
            return connected();
        } catch (SQLException | RuntimeException | Error e) {
            discard(e); // what was opened halfway must not be taken for a store whose tables are there
            throw e;
        }
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
            connection = current; // from here on a failure gives it up
            openedIdentity = identity();
            if (migrations.needed(current)) {
                execute(current, BEGIN_WRITING);
                migrations.apply(current);
                execute(current, "COMMIT");
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
    private void discard(Throwable cause) {
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

    private ControlStoreUnavailableException unavailable(Throwable cause) {
        for (Throwable reason = cause; reason != null; reason = reason.getCause()) {
            if (reason instanceof LinkageError || reason instanceof NativeLibraryNotFoundException) {
                return new ControlStoreUnavailableException(
                        "the control store cannot be used: " + file + ": code that it needs cannot be loaded: "
                                + reason,
                        "check the versions of Backstop's modules and of sqlite-jdbc on the class path,"
                                + " and that native libraries may be loaded from the folder of java.io.tmpdir",
                        cause);
            }
        }
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
}
