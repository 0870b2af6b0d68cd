package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.approval.SessionContext;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.internal.pipeline.preview.ReplacementWatch;
import io.backstop.jdbc.internal.pipeline.preview.SessionContextReader;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.SQLException;

/**
 * That an approved statement runs the code with which it was approved, whoever replaces it meanwhile. What the statement does
 * itself, such as a temporary table or a setting, is no replacement. Used within the session's turn.
 */
final class ApprovedCode implements AutoCloseable {
    private final ReplacementWatch watch;
    private final ReviewedStatement statement;

    private ApprovedCode(ReplacementWatch watch, ReviewedStatement statement) {
        this.watch = watch;
        this.statement = statement;
    }

    /**
     * What an approval of the statement would be bound to now.
     *
     * @throws StatementBlockedException where the session cannot tell, because its transaction does not see what runs in it
     */
    static SessionContext context(GuardedSession session, ReviewedStatement statement) throws SQLException {
        SessionContextReader.Reading seen = SessionContextReader.read(session, statement);
        if (seen.fixed()) {
            try (ReplacementWatch watch = ReplacementWatch.begin(session, statement)) {
                session.endOwnTransaction();
                requireNewest(watch, seen, statement);
            }
        }
        return seen.context();
    }

    private static void requireNewest(
            ReplacementWatch watch, SessionContextReader.Reading seen, ReviewedStatement statement)
            throws StatementBlockedException {
        if (!watch.fromOutside()) {
            throw new StatementBlockedException(
                    statement.assessment().operation()
                            + " is refused: at this isolation level an approval is used only where a second connection"
                            + " tells what the server runs, and none is to be had; nothing was run",
                    "send it at READ COMMITTED, or give the guard a way to a second connection, as the URL"
                            + " jdbc:backstop:postgresql: has");
        }
        if (!watch.began(seen.code())) {
            throw new StatementBlockedException(
                    statement.assessment().operation()
                            + " is refused: at its isolation level the transaction sees other definitions than are"
                            + " committed by now, so an approval cannot name what would run; nothing was run",
                    "end the transaction, and send the statement in a new one");
        }
    }

    /**
     * Begins before the statement is sent.
     *
     * @param approved what its approval is bound to
     * @throws StatementBlockedException where that is not so any more; nothing was run
     */
    static ApprovedCode watch(GuardedSession session, ReviewedStatement statement, SessionContext approved)
            throws SQLException {
        ReplacementWatch watch = ReplacementWatch.begin(session, statement);
        try {
            SessionContextReader.Reading seen = SessionContextReader.read(session, statement);
            if (!seen.context().equals(approved)) {
                throw new StatementBlockedException(
                        statement.assessment().operation()
                                + " is refused: what the approved statement runs was replaced meanwhile; nothing was run",
                        "send it again, and have it approved as it is now");
            }
            if (seen.fixed()) {
                requireNewest(watch, seen, statement);
            }
            return new ApprovedCode(watch, statement);
        } catch (SQLException | RuntimeException | Error e) {
            watch.close();
            throw e;
        }
    }

    /**
     * Where the statement waited for a lock, what it meets may have been replaced meanwhile.
     *
     * @throws StatementBlockedException where it was; to be undone
     */
    void requireSame() throws SQLException {
        if (watch.replaced()) {
            throw new StatementBlockedException(
                    statement.assessment().operation()
                            + " is refused: what the approved statement runs was replaced"
                            + " while it waited for a lock; it was rolled back",
                    "send it again, and have it approved as it is now");
        }
    }

    @Override
    public void close() {
        watch.close();
    }
}
