package io.backstop.jdbc.internal.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Runs units of work on one SQLite file: one at a time in this process, and one writer at a time among processes. A unit
 * that fails leaves nothing behind. Thread-safe.
 */
public final class SqliteDatabase implements ControlDatabase {
    /** Takes the write lock at once: in a transaction that reads first, SQLite would refuse it later. */
    private static final String BEGIN_WRITING = "BEGIN IMMEDIATE";

    private final SqliteFile file;
    private final Dialect dialect = new SqliteDialect();
    private final Migrations migrations;
    private @Nullable Connection connection;
    private String openedIdentity = "";
    private boolean closed;

    private SqliteDatabase(SqliteFile file) {
        this.file = file;
        this.migrations = new Migrations(dialect, file.toString());
    }

    /**
     * Opens the file and brings its tables to today's version. A file that does not exist is created for its owner only.
     *
     * @throws ControlStoreUnavailableException if its folder is missing, it cannot be written, or it is of a later version
     */
    public static SqliteDatabase open(Path file) throws ControlStoreUnavailableException {
        SqliteFile created = new SqliteFile(file);
        created.create();
        SqliteDatabase database = new SqliteDatabase(created);
        database.perform(connection -> {});
        return database;
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
            Connection current = connectedOrDiscarded();
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
            throw file.unavailable(e);
        }
    }

    private Connection connectedOrDiscarded() throws SQLException {
        try {
            return connected();
        } catch (SQLException | RuntimeException | Error e) {
            discard(e); // what was opened halfway must not be taken for a store whose tables are there
            throw e;
        }
    }

    private Connection connected() throws SQLException {
        if (connection != null && !file.identity().equals(openedIdentity)) {
            // The file was removed or replaced: nobody else sees what is written through the old connection.
            discard(new SQLException("the file is another one than before"));
        }
        Connection current = connection;
        if (current == null) {
            current = file.connect();
            connection = current; // from here on a failure gives it up
            openedIdentity = file.identity();
            if (migrations.needed(current)) {
                execute(current, BEGIN_WRITING);
                migrations.apply(current);
                execute(current, "COMMIT");
            }
        }
        return current;
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
