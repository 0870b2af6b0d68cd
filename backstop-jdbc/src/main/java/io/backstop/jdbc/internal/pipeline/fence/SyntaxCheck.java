package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Has the server parse a text that Backstop does not understand, to tell a caller's syntax error from an attack. Parsing may
 * run code (the input function of a literal) and takes locks, so it happens in a read-only transaction, or behind a savepoint
 * that is read-only, and is undone. Stateless, thread-safe.
 */
public final class SyntaxCheck {
    /** syntax_error (PostgreSQL documentation, appendix A). */
    private static final String SYNTAX_ERROR = "42601";

    /**
     * The server's refusal of the text as no SQL; empty where it understands it, or where asking is not possible. A
     * transaction of the caller's fails of it, as it would have without Backstop.
     *
     * @param text one statement, as JDBC can prepare it
     */
    public Optional<SQLException> refusal(GuardedSession session, String text) throws SQLException {
        if (session.sendsPlainText() || session.inFailedTransaction()) {
            return Optional.empty(); // pgjdbc would run it to describe it, or the server does not read it
        }
        StatementTransaction transaction = StatementTransaction.around(session);
        Optional<SQLException> refusal = Optional.empty();
        try {
            transaction.execute("SET LOCAL transaction_read_only = on");
            transaction.execute("SET LOCAL lock_timeout = '1s'");
            parse(session, text);
        } catch (SQLException e) {
            if (SYNTAX_ERROR.equals(e.getSQLState())) {
                refusal = Optional.of(e);
            }
        }
        if (refusal.isEmpty() || transaction.own() || transaction.survivesFailure()) {
            SQLException undone = new SQLException("it was only parsed");
            transaction.undo(undone);
            if (undone.getSuppressed().length > 0) {
                throw undone;
            }
        } else {
            transaction.leaveFailed();
        }
        return refusal;
    }

    private static void parse(GuardedSession session, String text) throws SQLException {
        try (PreparedStatement prepared = session.connection().prepareStatement(text)) {
            prepared.getMetaData();
        }
    }
}
