package io.backstop.jdbc.pipeline;

import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;

/**
 * The transaction around one statement: one of its own where the session commits automatically, else a savepoint in the
 * caller's, so that undoing the statement leaves the caller's transaction as it was.
 */
abstract sealed class Transaction {
    final Connection connection;

    private Transaction(Connection connection) {
        this.connection = connection;
    }

    static Transaction around(Connection connection) throws SQLException {
        return connection.getAutoCommit() ? new Own(connection) : new Joined(connection);
    }

    /** Whether it ends with the statement. */
    abstract boolean own();

    /** Sends the statement within it. */
    abstract <T extends @Nullable Object> T send(Execution<T> execution) throws SQLException;

    /** Keeps what the statement did. */
    abstract void keep() throws SQLException;

    /** Undoes what the statement did; a failure to do so is added to the cause. */
    abstract void undo(Throwable cause);

    private static final class Own extends Transaction {
        Own(Connection connection) throws SQLException {
            super(connection);
            connection.setAutoCommit(false);
        }

        @Override
        boolean own() {
            return true;
        }

        /** Fetches all rows of the answer at once, because a cursor would end with the transaction. */
        @Override
        <T extends @Nullable Object> T send(Execution<T> execution) throws SQLException {
            Statement statement = execution.statement();
            int fetchSize = statement.getFetchSize();
            if (fetchSize == 0) {
                return execution.run();
            }
            statement.setFetchSize(0);
            try {
                return execution.run();
            } finally {
                statement.setFetchSize(fetchSize);
            }
        }

        @Override
        void keep() throws SQLException {
            connection.commit();
            connection.setAutoCommit(true);
        }

        @Override
        void undo(Throwable cause) {
            try {
                connection.rollback();
                connection.setAutoCommit(true);
            } catch (SQLException e) {
                cause.addSuppressed(e);
            }
        }
    }

    private static final class Joined extends Transaction {
        private final Savepoint savepoint;

        Joined(Connection connection) throws SQLException {
            super(connection);
            this.savepoint = connection.setSavepoint("backstop_statement");
        }

        @Override
        boolean own() {
            return false;
        }

        @Override
        <T extends @Nullable Object> T send(Execution<T> execution) throws SQLException {
            return execution.run();
        }

        @Override
        void keep() throws SQLException {
            connection.releaseSavepoint(savepoint);
        }

        @Override
        void undo(Throwable cause) {
            try {
                connection.rollback(savepoint);
                connection.releaseSavepoint(savepoint);
            } catch (SQLException e) {
                cause.addSuppressed(e);
            }
        }
    }
}
