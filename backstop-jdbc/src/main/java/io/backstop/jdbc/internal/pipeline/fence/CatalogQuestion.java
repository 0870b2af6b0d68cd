package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.SessionFence;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

import java.sql.SQLException;

/**
 * What pgjdbc asks the catalog by itself, always behind the read fence: its questions name functions and operators without a
 * schema, so that code of the user's may answer where the search path ends with pg_catalog. Where no transaction is open they
 * have one of their own, which is begun in SQL, because pgjdbc asks for types without beginning one.
 */
final class CatalogQuestion {
    private static final String BEGIN = "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY, NOT DEFERRABLE";

    /** Refused where the transaction has seen any row, as its level would change (PostgreSQL, SET TRANSACTION). */
    private static final String OTHER_LEVEL = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";

    /** active_sql_transaction (PostgreSQL documentation, appendix A). */
    private static final String TOO_LATE = "25001";

    private CatalogQuestion() {}

    static <T extends @Nullable Object> T ask(GuardedSession session, ServerCall<T> call) throws SQLException {
        SessionFence fence = session.fence();
        if (session.inTransaction()) {
            fence.enter();
            return call.run();
        }
        boolean begins = fence.transactionBegins();
        if (fence.byDefault() && !begins) {
            return call.run();
        }
        session.send(BEGIN);
        T answer;
        try {
            answer = whole(session.connection().unwrap(PGConnection.class), call);
            begins = begins && hasAsked(session);
        } catch (SQLException | RuntimeException | Error e) {
            rollBack(session, e);
            throw e;
        }
        session.send("ROLLBACK");
        if (begins) { // as JDBC would have begun it with the question
            fence.beginTransaction(true);
            fence.enter();
        }
        return answer;
    }

    private static void rollBack(GuardedSession session, Throwable cause) {
        try {
            session.send("ROLLBACK");
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    private static boolean hasAsked(GuardedSession session) throws SQLException {
        try {
            session.send(OTHER_LEVEL);
            return false;
        } catch (SQLException e) {
            if (TOO_LATE.equals(e.getSQLState())) {
                return true;
            }
            throw e;
        }
    }

    /** All rows at once: what is left for later ends with the transaction. */
    private static <T extends @Nullable Object> T whole(PGConnection postgres, ServerCall<T> call) throws SQLException {
        int fetchSize = postgres.getDefaultFetchSize();
        postgres.setDefaultFetchSize(0);
        try {
            return call.run();
        } finally {
            postgres.setDefaultFetchSize(fetchSize);
        }
    }
}
