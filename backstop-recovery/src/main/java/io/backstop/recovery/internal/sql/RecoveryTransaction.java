package io.backstop.recovery.internal.sql;

import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.jdbc.AutoSave;

import java.io.IOException;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * One transaction in which a restore happens or does not. Its settings are those of a capture and end with it; closing it
 * without {@link #commit} leaves nothing. Not thread-safe.
 */
public final class RecoveryTransaction implements AutoCloseable {
    private static final int BUFFER = 1 << 16;

    /** Ours: no wait without an end, and nothing of the server's defaults that would end or place the work otherwise. */
    private static final String SETTINGS = "SET LOCAL statement_timeout = 0; "
            + "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL check_function_bodies = off; "
            + "SET LOCAL standard_conforming_strings = on";

    /** What the rows' text depends on, as a capture sets it (PostgreSQL documentation, 19.11); xmloption and array_nulls are for reading. */
    private static final String CAPTURE = "SET LOCAL client_encoding = 'UTF8'; SET LOCAL DateStyle = 'ISO, YMD'; SET"
            + " LOCAL IntervalStyle = 'postgres'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 3; SET LOCAL"
            + " bytea_output = 'hex'; SET LOCAL lc_monetary = 'C'; SET LOCAL xmloption = 'content'; SET LOCAL array_nulls"
            + " = on; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL row_security = off; SET LOCAL"
            + " quote_all_identifiers = off";

    /** Unless another is in force, as by the options of a URL, or one that the role or the database has. */
    private static final String LOCK_TIMEOUT = "SELECT pg_catalog.set_config('lock_timeout', '30s', true) "
            + "FROM pg_catalog.pg_settings WHERE name = 'lock_timeout' AND source <> 'client' AND setting = '0'";

    /** From version 17 on the whole transaction has a limit too. */
    private static final String NO_TIMEOUT =
            "SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings "
                    + "WHERE name = 'transaction_timeout'";

    private final Connection connection;
    private final String searchPath;
    private final AutoSave autosave;
    private boolean committed;

    private RecoveryTransaction(Connection connection, String searchPath) throws SQLException {
        this.connection = connection;
        this.searchPath = searchPath;
        this.autosave = connection.unwrap(PGConnection.class).getAutosave();
    }

    /** Begins on a connection that is in auto-commit, and so in no transaction of somebody else's. */
    public static RecoveryTransaction begin(Connection connection) throws SQLException, RecoveryException {
        if (!connection.getAutoCommit()) {
            throw new RecoveryException(
                    "the connection may be in a transaction already",
                    "give the recovery a connection of its own, in auto-commit");
        }
        RecoveryTransaction transaction = new RecoveryTransaction(connection, searchPath(connection));
        // What is written behind a savepoint has another number than its transaction.
        connection.unwrap(PGConnection.class).setAutosave(AutoSave.NEVER);
        connection.setAutoCommit(false);
        try {
            transaction.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
            transaction.execute(NO_TIMEOUT);
            transaction.execute(SETTINGS);
            transaction.execute(LOCK_TIMEOUT);
            transaction.execute(CAPTURE);
        } catch (SQLException e) {
            transaction.closeAfter(e);
            throw e;
        }
        return transaction;
    }

    private static String searchPath(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT pg_catalog.current_setting('search_path')")) {
            result.next();
            return result.getString(1);
        }
    }

    public Connection connection() {
        return connection;
    }

    public void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Runs what is allowed to fail; the transaction stands either way. */
    public void attempt(String sql) throws SQLException {
        attempt(List.of(sql));
    }

    /** Runs all of them or none. One by one, for the driver takes a semicolon in a body of standard SQL for an end. */
    public void attempt(List<String> statements) throws SQLException {
        Savepoint before = connection.setSavepoint();
        try {
            for (String statement : statements) {
                execute(statement);
            }
        } catch (SQLException e) {
            connection.rollback(before);
            throw e;
        }
        connection.releaseSavepoint(before);
    }

    /** The first column of every row. */
    public List<String> strings(String query, String... parameters) throws SQLException {
        return rows(query, parameters).stream().map(row -> row.get(0)).toList();
    }

    /** Every row as text; none of the columns may be NULL. */
    public List<List<String>> rows(String query, String... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setString(i + 1, parameters[i]);
            }
            try (ResultSet result = statement.executeQuery()) {
                int columns = result.getMetaData().getColumnCount();
                List<List<String>> rows = new ArrayList<>();
                while (result.next()) {
                    List<String> row = new ArrayList<>();
                    for (int i = 1; i <= columns; i++) {
                        row.add(result.getString(i));
                    }
                    rows.add(List.copyOf(row));
                }
                return rows;
            }
        }
    }

    /** Whether a thing that a table needs is there, by its kind and its name. */
    public boolean has(Prerequisite prerequisite) throws SQLException {
        return holds(prerequisite.kind().existence(), prerequisite.identity());
    }

    public boolean holds(String condition, String... parameters) throws SQLException {
        return strings("SELECT " + condition, parameters).equals(List.of("t"));
    }

    /** Sends all of the stream to a {@code COPY … FROM STDIN}; how many rows the server took. */
    public long copyIn(String sql, InputStream rows) throws SQLException, IOException {
        CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn(sql);
        try {
            byte[] buffer = new byte[BUFFER];
            for (int read = rows.read(buffer); read >= 0; read = rows.read(buffer)) {
                copy.writeToCopy(buffer, 0, read);
            }
            return copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    /** The last step. What describes tables sets the session's search path, which would outlive a commit. */
    public void commit() throws SQLException {
        strings("SELECT pg_catalog.set_config('search_path', ?, false)", searchPath);
        connection.commit();
        committed = true;
    }

    @Override
    public void close() throws SQLException {
        if (connection.isClosed()) {
            return;
        }
        if (!committed) {
            connection.rollback();
            asBefore();
            return;
        }
        try {
            asBefore();
        } catch (SQLException e) {
            // What is committed is there, and to call it failed would be wrong; the connection's next user is told.
        }
    }

    private void asBefore() throws SQLException {
        connection.setAutoCommit(true);
        connection.unwrap(PGConnection.class).setAutosave(autosave);
    }

    private void closeAfter(SQLException problem) {
        try {
            close();
        } catch (SQLException e) {
            problem.addSuppressed(e);
        }
    }
}
