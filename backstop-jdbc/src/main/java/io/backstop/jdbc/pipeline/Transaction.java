package io.backstop.jdbc.pipeline;

import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The transaction around one statement: one of its own in auto-commit; the caller's where the statement is its first; else a
 * savepoint in the caller's. Undoing the statement leaves the caller's transaction as it was.
 */
abstract sealed class Transaction {
    final Connection connection;

    private Transaction(Connection connection) {
        this.connection = connection;
    }

    /** @param session in its turn, which knows whether the caller has sent anything in its transaction */
    static Transaction around(Session session) throws SQLException {
        Connection connection = session.connection();
        if (connection.getAutoCommit()) {
            return session.inTransaction() ? new Joined(connection) : new Own(connection);
        }
        return session.idleAtTurn() ? new First(session) : new Joined(connection);
    }

    /** Whether it ends with the statement. */
    abstract boolean own();

    /** Sends the statement within it. */
    abstract <T extends @Nullable Object> T send(Execution<T> execution) throws SQLException;

    /** Keeps what the statement did. */
    abstract void keep() throws SQLException;

    /** Undoes what the statement did; a failure to do so is added to the cause. */
    abstract void undo(Throwable cause);

    final void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

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

    /**
     * The transaction that the driver begins by itself with the statement. It is empty before, so that a rollback undoes the
     * statement alone; and as nothing has looked in it yet, whoever secures the statement can lock before anything looks.
     */
    private static final class First extends Transaction {
        private final Session session;

        First(Session session) throws SQLException {
            super(session.connection());
            this.session = session;
            rollBack(); // what Backstop asked before; at higher levels that decides what rows are seen
        }

        /** Said in SQL, as some pools and transaction managers forbid it in JDBC. */
        private void rollBack() throws SQLException {
            if (session.inTransaction()) {
                execute("ROLLBACK");
            }
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
        void keep() {
            // The caller commits it.
        }

        @Override
        void undo(Throwable cause) {
            try {
                rollBack();
            } catch (SQLException e) {
                cause.addSuppressed(e);
            }
        }
    }

    /** Savepoints are said in SQL: the transaction may be one that JDBC does not know of. */
    private static final class Joined extends Transaction {
        Joined(Connection connection) throws SQLException {
            super(connection);
            execute("SAVEPOINT backstop_statement");
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
            execute("RELEASE SAVEPOINT backstop_statement");
        }

        @Override
        void undo(Throwable cause) {
            try {
                execute("ROLLBACK TO SAVEPOINT backstop_statement");
                execute("RELEASE SAVEPOINT backstop_statement");
            } catch (SQLException e) {
                cause.addSuppressed(e);
            }
        }
    }
}
