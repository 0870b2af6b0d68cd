package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;

/** Runs a statement that takes rows away, and keeps what it did only if it may still run when it is done. Stateless. */
final class UndoableExecution {
    private UndoableExecution() {}

    /** Only to a single statement: with others in its text it may hold what cannot run in a transaction. */
    static boolean applies(Assessment assessment) {
        return assessment.risk() == RiskLevel.CRITICAL
                && assessment.statements().size() == 1
                && !assessment.destructions().isEmpty()
                && assessment.destructions().stream().allMatch(Destruction::recoverable);
    }

    /** @param look is asked when the statement has waited for its locks and has run, before it is kept */
    static <T extends @Nullable Object> T run(GuardedSession session, LastLook look, Execution<T> execution)
            throws SQLException {
        StatementTransaction transaction = StatementTransaction.around(session);
        try {
            T result = transaction.send(execution);
            look.require();
            transaction.keep();
            return result;
        } catch (SQLException | RuntimeException | Error e) {
            transaction.undo(e);
            throw e;
        }
    }
}
