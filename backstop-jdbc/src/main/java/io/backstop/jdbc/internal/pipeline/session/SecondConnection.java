package io.backstop.jdbc.internal.pipeline.session;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

/**
 * A second connection to the database of a session, for short questions to the catalog: it sees what is committed, whatever
 * the session's own transaction has changed or can see. Used by one thread at a time.
 */
public final class SecondConnection implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SecondConnection.class);

    /** Written alike under all settings. A standby, or another server behind the same address, was started at another time. */
    private static final String SERVER = """
            SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.pg_postmaster_start_time()),
                'YYYYMMDDHH24MISSUS') OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) pg_catalog.current_database()""";

    /** It may not wait for a lock of the session's, which waits for the answer. */
    private static final String BRIEFLY = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY;"
            + " SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '30s'";

    private final Connection connection;

    private SecondConnection(Connection connection) {
        this.connection = connection;
    }

    /** Empty where none to the same server is to be had. */
    public static Optional<SecondConnection> open(GuardedSession session) throws SQLException {
        String server = server(session.connection());
        Optional<SecondConnection> second = Optional.empty();
        try {
            second = session.more().open().map(SecondConnection::new);
            if (second.isPresent() && second.get().ask(SecondConnection::server).equals(server)) {
                return second;
            }
        } catch (SQLException e) {
            LOG.debug("no second connection is to be had: SQLSTATE {}", e.getSQLState());
        }
        second.ifPresent(SecondConnection::close);
        return Optional.empty();
    }

    private static String server(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(SERVER)) {
            row.next();
            return row.getString(1);
        }
    }

    /** A question to the connection. */
    @FunctionalInterface
    public interface Question<T extends @Nullable Object> {
        T ask(Connection connection) throws SQLException;
    }

    /** Asks in a transaction of its own, so that no lock is left. */
    public <T extends @Nullable Object> T ask(Question<T> question) throws SQLException {
        connection.setAutoCommit(false);
        T answer;
        try {
            try (Statement statement = connection.createStatement()) {
                statement.execute(BRIEFLY);
            }
            answer = question.ask(connection);
        } catch (SQLException | RuntimeException | Error e) {
            close(); // with its transaction
            throw e;
        }
        connection.rollback();
        connection.setAutoCommit(true);
        return answer;
    }

    /** Never fails: nothing of it is needed any more. */
    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            LOG.debug("a second connection could not be closed: SQLSTATE {}", e.getSQLState());
        }
    }
}
