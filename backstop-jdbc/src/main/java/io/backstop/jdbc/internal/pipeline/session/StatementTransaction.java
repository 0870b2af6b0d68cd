package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The transaction around one statement: one of its own in auto-commit; the caller's where the statement is its first; else a
 * savepoint in the caller's. Undoing the statement leaves the caller's transaction as it was; but one that the statement
 * itself made fail stays failed, as it does without Backstop: who then commits must not keep a half.
 */
public abstract sealed class StatementTransaction {
    final GuardedSession session;
    final Connection connection;
    private boolean failed;

    private StatementTransaction(GuardedSession session) {
        this.session = session;
        this.connection = session.connection();
    }

    /** @param session in its turn, which knows whether the caller has sent anything in its transaction */
    public static StatementTransaction around(GuardedSession session) throws SQLException {
        Connection connection = session.connection();
        if (connection.getAutoCommit()) {
            return session.inTransaction() ? new Joined(session) : new Own(session);
        }
        return session.idleAtTurn() ? new First(session, session.fence()::beginAgain) : new Joined(session);
    }

    /**
     * The same for a statement before which rows are copied: where it is the caller's first, its transaction has not begun,
     * so that it sees its rows only behind the locks that the copy takes.
     */
    public static StatementTransaction aroundCopy(GuardedSession session) throws SQLException {
        return !session.connection().getAutoCommit() && session.idleAtTurn()
                ? new First(session, session.fence()::allowWrites)
                : around(session);
    }

    /** A read-only one of its own. Only in auto-commit, where no transaction is open. */
    public static StatementTransaction readOnly(GuardedSession session) throws SQLException {
        return new ReadOnly(session);
    }

    /** Whether it ends with the statement. */
    public abstract boolean own();

    /** Sends the statement within it. */
    public final <T extends @Nullable Object> T send(Execution<T> execution) throws SQLException {
        try {
            return whole(execution);
        } catch (SQLException e) {
            // Not so where the driver has rolled back to a savepoint of its own (autosave).
            failed = !own() && session.inFailedTransaction();
            throw e;
        }
    }

    /**
     * Fetches all rows of the answer at once. A cursor would end with a transaction of the statement's own; and in the
     * caller's, what the query runs with every further row would happen when nobody looks any more.
     */
    private static <T extends @Nullable Object> T whole(Execution<T> execution) throws SQLException {
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

    /** Keeps what the statement did. */
    public abstract void keep() throws SQLException;

    /** Undoes what the statement did, if the server has not; a failure to do so is added to the cause. */
    public final void undo(Throwable cause) {
        if (failed) {
            return;
        }
        try {
            undo();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    abstract void undo() throws SQLException;

    public final void execute(String sql) throws SQLException {
        session.send(sql);
    }

    private static sealed class Own extends StatementTransaction permits ReadOnly {
        Own(GuardedSession session) throws SQLException {
            this(session, session.fence()::makeWritable);
        }

        /** @param beginning what the server is told first; auto-commit is as it was where that fails */
        Own(GuardedSession session, Beginning beginning) throws SQLException {
            super(session);
            session.fence().beforeOwnTransaction();
            connection.setAutoCommit(false);
            try {
                beginning.begin();
            } catch (SQLException e) {
                undo(e);
                throw e;
            }
        }

        @Override
        public boolean own() {
            return true;
        }

        @Override
        public void keep() throws SQLException {
            connection.commit();
            end();
        }

        @Override
        void undo() throws SQLException {
            connection.rollback();
            end();
        }

        private void end() throws SQLException {
            session.fence().ownTransactionEnded();
            connection.setAutoCommit(true);
        }
    }

    /** What the server is told first in a transaction. */
    private interface Beginning {
        void begin() throws SQLException;
    }

    /** Begins as READ ONLY in the same round trip as its statement, where the driver knows how. */
    private static final class ReadOnly extends Own {
        ReadOnly(GuardedSession session) throws SQLException {
            super(session, session.fence()::makeReadOnly);
        }
    }

    /**
     * The transaction that the driver begins by itself with the statement. It is empty before, so that a rollback undoes the
     * statement alone; and as nothing has looked in it yet, whoever secures the statement can lock before anything looks.
     */
    private static final class First extends StatementTransaction {
        First(GuardedSession session, Beginning beginning) throws SQLException {
            super(session);
            rollBack(); // what Backstop asked before; at higher levels that decides what rows are seen
            session.fence().transactionEnded();
            beginning.begin();
        }

        /** Said in SQL, as some pools and transaction managers forbid it in JDBC. */
        private void rollBack() throws SQLException {
            if (session.inTransaction()) {
                execute("ROLLBACK");
            }
        }

        @Override
        public boolean own() {
            return false;
        }

        @Override
        public void keep() {
            session.fence().refuseWrites(new SQLException("the statement ran")); // the caller commits it
        }

        @Override
        void undo() throws SQLException {
            rollBack();
            session.fence().refuseWrites(new SQLException("the statement was undone"));
        }
    }

    /** Savepoints are said in SQL: the transaction may be one that JDBC does not know of. */
    private static final class Joined extends StatementTransaction {
        Joined(GuardedSession session) throws SQLException {
            super(session);
            execute(session.fence().leaving() + "SAVEPOINT backstop_statement");
        }

        @Override
        public boolean own() {
            return false;
        }

        @Override
        public void keep() throws SQLException {
            execute("RELEASE SAVEPOINT backstop_statement");
        }

        @Override
        void undo() throws SQLException {
            execute("ROLLBACK TO SAVEPOINT backstop_statement");
            execute("RELEASE SAVEPOINT backstop_statement");
        }
    }
}
