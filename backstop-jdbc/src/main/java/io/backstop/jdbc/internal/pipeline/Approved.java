package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.approval.SessionContext;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.SQLException;

/**
 * The approval that a statement has used up.
 *
 * @param id of the approval
 * @param context for which it was given
 */
record Approved(String id, SessionContext context) {
    /**
     * Where the statement waited for a lock, what it meets may have been replaced meanwhile.
     *
     * @throws StatementBlockedException where it is not what the approval was given for; to be undone
     */
    void requireSameCode(GuardedSession session, ReviewedStatement statement) throws SQLException {
        if (!context.equals(SessionContextReader.readWithin(session, statement))) {
            throw new StatementBlockedException(
                    statement.assessment().operation() + " is refused: what the approved statement runs was replaced"
                            + " while it waited for a lock; it was rolled back",
                    "send it again, and have it approved as it is now");
        }
    }
}
