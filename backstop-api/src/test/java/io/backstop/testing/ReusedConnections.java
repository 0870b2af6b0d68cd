package io.backstop.testing;

import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * Connections that {@link TestDatabase} uses for one task after the other, since a backend takes longer to start than most
 * statements of a test to run. Each is as new when it is used again. Thread-safe.
 */
final class ReusedConnections {
    private static final Map<String, Deque<Connection>> IDLE = new ConcurrentHashMap<>();
    private static final int FORCED_FLUSH = 15;

    private ReusedConnections() {}

    @FunctionalInterface
    interface Task<T> {
        T run(Statement statement) throws SQLException;
    }

    /** Only the connections of databases that live as long as a test class are reused. */
    static void keep(String url) {
        IDLE.put(url, new ConcurrentLinkedDeque<>());
    }

    static void end(String url) throws SQLException {
        Deque<Connection> idle = IDLE.remove(url);
        if (idle != null) {
            for (Connection connection : idle) {
                connection.close();
            }
        }
    }

    static <T> T run(String url, Task<T> task) throws SQLException {
        Deque<Connection> idle = IDLE.get(url);
        if (idle == null) {
            try (Connection connection = DriverManager.getConnection(url);
                    Statement statement = connection.createStatement()) {
                return task.run(statement);
            }
        }
        Connection connection = take(url, idle);
        T result;
        try (Statement statement = connection.createStatement()) {
            result = task.run(statement);
        } catch (SQLException | RuntimeException | Error e) {
            connection.close();
            throw e;
        }
        giveBack(connection, idle);
        return result;
    }

    private static Connection take(String url, Deque<Connection> idle) throws SQLException {
        for (Connection connection = idle.poll(); connection != null; connection = idle.poll()) {
            if (connection.isValid(1)) {
                return connection;
            }
            connection.close();
        }
        return DriverManager.getConnection(url);
    }

    /** What a session leaves behind is gone afterwards, and what it has counted is known to others, as if it had ended. */
    private static void giveBack(Connection connection, Deque<Connection> idle) throws SQLException {
        boolean reusable = connection.unwrap(BaseConnection.class).getTransactionState() == TransactionState.IDLE
                && connection.getMetaData().getDatabaseMajorVersion() >= FORCED_FLUSH;
        if (reusable) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("DISCARD ALL");
                statement.execute("SELECT pg_catalog.pg_stat_force_next_flush()");
            } catch (SQLException e) {
                reusable = false; // a test has ended this session
            }
        }
        if (reusable) {
            idle.push(connection);
        } else {
            connection.close();
        }
    }
}
