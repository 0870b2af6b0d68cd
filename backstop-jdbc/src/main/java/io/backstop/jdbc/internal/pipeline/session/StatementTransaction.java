package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.AutoSave;
import org.postgresql.util.PSQLException;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The transaction around one statement: one of its own in auto-commit; the caller's where the statement is its first; else a
 * savepoint in the caller's. Undoing the statement leaves the caller's transaction as it was; but one that the statement
 * itself made fail stays failed, as it does without Backstop: who then commits must not keep a half.
 */
public abstract sealed class StatementTransaction {
    /** In Failed SQL Transaction (PostgreSQL documentation, appendix A). */
    private static final String IN_FAILED_TRANSACTION = "25P02";

    private static final String SAVEPOINT_NAME = "backstop_statement";
    private static final String SAVEPOINT = "SAVEPOINT " + SAVEPOINT_NAME;
    private static final String RELEASE = "RELEASE " + SAVEPOINT;

    final GuardedSession session;
    final Connection connection;
    private final AutoSave callersAutosave;
    private boolean failed;

    private StatementTransaction(GuardedSession session, AutoSave callersAutosave) {
        this.session = session;
        this.connection = session.connection();
        this.callersAutosave = callersAutosave;
    }

    /** How one is begun. */
    private interface Beginning {
        StatementTransaction begin(AutoSave callersAutosave) throws SQLException;
    }

    /** What Backstop sends in it is no statement of the caller's, for which pgjdbc would set savepoints. */
    private static StatementTransaction begin(GuardedSession session, Beginning beginning) throws SQLException {
        AutoSave before = session.driverSavepoints().suspend();
        boolean begun = false;
        try {
            StatementTransaction transaction = beginning.begin(before);
            begun = true;
            return transaction;
        } finally {
            if (!begun) {
                session.driverSavepoints().resume(before);
            }
        }
    }

    /** @param session in its turn, which knows whether the caller has sent anything in its transaction */
    public static StatementTransaction around(GuardedSession session) throws SQLException {
        return begin(session, autosave -> around(session, autosave));
    }

    private static StatementTransaction around(GuardedSession session, AutoSave autosave) throws SQLException {
        if (session.connection().getAutoCommit()) {
            return session.inTransaction() ? new Joined(session, autosave) : new Own(session, autosave);
        }
        return session.idleAtTurn()
                ? new First(session, autosave, session.fence()::beginAgain, false)
                : new Joined(session, autosave);
    }

    /**
     * The same for a statement before which rows are copied: where it is the caller's first, its transaction has not begun,
     * so that it sees its rows only behind the locks that the copy takes. Its rows can be told from those of the transaction's
     * later statements: it has a savepoint to itself.
     */
    public static StatementTransaction aroundCopy(GuardedSession session) throws SQLException {
        return !session.connection().getAutoCommit() && session.idleAtTurn()
                ? begin(session, autosave -> new First(session, autosave, session.fence()::allowWrites, true))
                : around(session);
    }

    /** A read-only one of its own. Only in auto-commit, where no transaction is open. */
    public static StatementTransaction readOnly(GuardedSession session) throws SQLException {
        return begin(session, autosave -> new ReadOnly(session, autosave));
    }

    /** Whether it ends with the statement. */
    public abstract boolean own();

    /**
     * Sends what belongs to the statement and comes before or after it. If the server refuses that, the caller's transaction has
     * failed as by the statement.
     */
    public final <T extends @Nullable Object> T sendBeside(ServerCall<T> call) throws SQLException {
        try {
            return call.run();
        } catch (SQLException e) {
            failed = !own() && !survivesFailure() && session.inFailedTransaction();
            throw e;
        }
    }

    /** Sends the statement within it. */
    public final <T extends @Nullable Object> T send(Execution<T> execution) throws SQLException {
        try {
            return session.driverSavepoints().with(autosave(), () -> whole(execution));
        } catch (SQLException e) {
            // Not so where the driver has rolled back to a savepoint of its own (autosave).
            failed = !own() && session.inFailedTransaction();
            throw own() ? ofFirstAttempt(e) : e;
        }
    }

    /**
     * pgjdbc sends a statement again that names an unknown prepared statement, which outside transactions is answered in the
     * same way: what the failed transaction says of it is no answer to the caller.
     */
    private static SQLException ofFirstAttempt(SQLException failure) {
        return IN_FAILED_TRANSACTION.equals(failure.getSQLState()) && failure.getCause() instanceof SQLException first
                ? first
                : failure;
    }

    /**
     * As the caller wants it; and where the caller knows of no transaction, pgjdbc may send a statement again whose plan its
     * table has outgrown, as it does outside transactions.
     */
    private AutoSave autosave() {
        return own() && callersAutosave == AutoSave.NEVER ? AutoSave.CONSERVATIVE : callersAutosave;
    }

    /** Whether the server ran the statement nevertheless, and the driver cannot take its answer: it undoes nothing then. */
    public final boolean hasRun(Throwable failure) {
        return failure instanceof PSQLException postgres
                && postgres.getServerErrorMessage() == null
                && !String.valueOf(postgres.getSQLState()).startsWith("08")
                && !session.inFailedTransaction();
    }

    /** Whether a statement that fails leaves the caller's transaction as it was, because pgjdbc sees to that. */
    public final boolean survivesFailure() {
        return callersAutosave == AutoSave.ALWAYS;
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
    public final void keep() throws SQLException {
        try {
            end(true);
        } finally {
            session.driverSavepoints().resume(callersAutosave);
        }
    }

    abstract void end(boolean keep) throws SQLException;

    /** The caller's own transaction is to have failed, as it has without a savepoint of Backstop's in it. */
    void fail() throws SQLException {
        // It has.
    }

    /** Leaves it to the caller, to whom a statement has failed in it. */
    public final void leaveFailed() throws SQLException {
        try {
            fail();
        } finally {
            session.driverSavepoints().resume(callersAutosave);
        }
    }

    /** Undoes what the statement did, if the server has not; a failure to do so is added to the cause. */
    public final void undo(Throwable cause) {
        try {
            if (failed) {
                fail();
            } else {
                end(false);
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
        } finally {
            session.driverSavepoints().resume(callersAutosave);
        }
    }

    /** Undoes what the statement did, for it to be run in another way; fails as the connection does, if it is lost. */
    public final void undoWhole() throws SQLException {
        SQLException why = new SQLException("the statement was to be undone, and could not be");
        undo(why);
        for (Throwable failure : why.getSuppressed()) {
            throw failure instanceof SQLException server ? server : why;
        }
    }

    public final void execute(String sql) throws SQLException {
        session.send(sql);
    }

    private static sealed class Own extends StatementTransaction permits ReadOnly {
        Own(GuardedSession session, AutoSave autosave) throws SQLException {
            this(session, autosave, session.fence()::makeWritable);
        }

        /** @param first what the server is told first; auto-commit is as it was where that fails */
        Own(GuardedSession session, AutoSave autosave, FirstWords first) throws SQLException {
            super(session, autosave);
            connection.setAutoCommit(false);
            try {
                first.say();
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
        void end(boolean keep) throws SQLException {
            if (keep) {
                connection.commit();
            } else {
                connection.rollback();
            }
            session.fence().ownTransactionEnded();
            connection.setAutoCommit(true);
        }
    }

    /** What the server is told first in a transaction. */
    private interface FirstWords {
        void say() throws SQLException;
    }

    /** Begins as READ ONLY in the same round trip as its statement, where the driver knows how. */
    private static final class ReadOnly extends Own {
        ReadOnly(GuardedSession session, AutoSave autosave) throws SQLException {
            super(session, autosave, session.fence()::makeReadOnly);
        }
    }

    /**
     * The transaction that the driver begins by itself with the statement. It is empty before, so that a rollback undoes the
     * statement alone; and as nothing has looked in it yet, whoever secures the statement can lock before anything looks.
     */
    private static final class First extends StatementTransaction {
        private final boolean apart;

        /**
         * @param secured whether it has a subtransaction to itself, with the locks that are taken for it; not where that would
         *     decide what rows are seen
         */
        First(GuardedSession session, AutoSave autosave, FirstWords first, boolean secured) throws SQLException {
            super(session, autosave);
            this.apart = secured && session.value("SHOW transaction_isolation").endsWith("committed");
            rollBack(); // what Backstop asked before; at higher levels that decides what rows are seen
            session.fence().transactionEnded();
            first.say();
            if (apart) {
                execute(SAVEPOINT);
            }
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
        void fail() throws SQLException {
            if (apart) {
                session.failBehind(SAVEPOINT_NAME);
            }
        }

        @Override
        void end(boolean keep) throws SQLException {
            if (!keep) {
                rollBack();
            } else if (apart) {
                execute(RELEASE); // the caller commits it
            }
            session.fence().refuseWrites(new SQLException(keep ? "the statement ran" : "the statement was undone"));
        }
    }

    /** Savepoints are said in SQL: the transaction may be one that JDBC does not know of. */
    private static final class Joined extends StatementTransaction {
        Joined(GuardedSession session, AutoSave autosave) throws SQLException {
            super(session, autosave);
            execute(session.fence().leaving() + SAVEPOINT);
        }

        @Override
        public boolean own() {
            return false;
        }

        @Override
        void fail() throws SQLException {
            session.failBehind(SAVEPOINT_NAME);
        }

        @Override
        void end(boolean keep) throws SQLException {
            if (!keep) {
                execute("ROLLBACK TO " + SAVEPOINT);
            }
            execute(RELEASE);
        }
    }
}
