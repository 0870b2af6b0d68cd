package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.detail.TransactionModes;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.SessionFence;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;

import java.sql.SQLException;

/**
 * Keeps in mind, after a text has run, which transaction it has begun or ended, and whether its caller only wants to read.
 * Stateless.
 */
final class TransactionFollower {
    private TransactionFollower() {}

    /** @param open whether a transaction was open when the text was sent, or began by itself with it */
    static void follow(GuardedSession session, AssessedText text, boolean open) throws SQLException {
        SessionFence fence = session.fence();
        boolean begins = false;
        boolean chains = false;
        boolean readOnlyBefore = fence.readOnlyTransaction();
        boolean within = open;
        for (StatementAssessment statement : text.assessment().statements()) {
            switch (statement.tag()) {
                case BEGIN, START_TRANSACTION -> {
                    begins |= !within; // in a transaction it does nothing
                    chains &= within;
                    within = true;
                }
                case COMMIT -> {
                    fence.transactionEnded();
                    begins = true; // where it is chained
                    chains = true;
                    within = false;
                }
                case ROLLBACK -> {
                    fence.rolledBack();
                    begins = true;
                    chains = true;
                    within = false;
                }
                case ROLLBACK_TO_SAVEPOINT, RELEASE_SAVEPOINT -> fence.savepointEnded();
                case SET_TRANSACTION -> set(fence, modes(text));
                case RESET, DISCARD -> fence.session(false);
                case SET -> {
                    set(fence, modes(text));
                }
                default -> begins &= saysNothing(statement.tag());
            }
        }
        if (begins && session.inTransaction() && !session.inFailedTransaction()) {
            fence.begun(modes(text).readOnly() || (chains && readOnlyBefore));
        }
    }

    /** Whether a transaction has looked at nothing when this has run in it, and may still be told that it can write. */
    private static boolean saysNothing(CommandTag tag) {
        return tag == CommandTag.SHOW || tag == CommandTag.LISTEN || tag == CommandTag.NOTIFY;
    }

    private static void set(SessionFence fence, TransactionModes modes) {
        if (modes.access() == TransactionModes.Access.AS_THE_SESSION) {
            return;
        }
        if (modes.ofSession()) {
            fence.session(modes.readOnly());
        } else {
            fence.transaction(modes.readOnly());
        }
    }

    private static TransactionModes modes(AssessedText text) {
        return TransactionModes.of(text.sql(), text.standardConformingStrings());
    }
}
