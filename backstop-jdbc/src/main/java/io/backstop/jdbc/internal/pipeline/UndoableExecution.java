package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
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
        return assessment.statements().size() == 1
                && !assessment.destructions().isEmpty()
                && assessment.destructions().stream().allMatch(Destruction::recoverable);
    }

    /** What reads or changes rows, and defines nothing. */
    static boolean onRows(Assessment assessment) {
        CommandTag tag = assessment.statements().get(0).tag();
        return assessment.statements().size() == 1
                && EvaluatingCommands.onRows(tag)
                && tag != CommandTag.SELECT_INTO
                && tag != CommandTag.DECLARE_CURSOR;
    }

    /** @param look is asked when the statement has waited for its locks and has run, before it is kept */
    static <T extends @Nullable Object> T run(GuardedSession session, LastLook look, Execution<T> execution)
            throws SQLException {
        StatementTransaction transaction = StatementTransaction.around(session);
        T result;
        try {
            result = transaction.send(execution);
        } catch (SQLException | RuntimeException | Error e) {
            if (transaction.hasRun(e)) {
                keep(transaction, look); // as the server would have without a transaction around it
            } else {
                transaction.undo(e);
            }
            throw e;
        }
        keep(transaction, look);
        return result;
    }

    private static void keep(StatementTransaction transaction, LastLook look) throws SQLException {
        try {
            look.require();
            transaction.keep();
        } catch (SQLException | RuntimeException | Error e) {
            transaction.undo(e);
            throw e;
        }
    }
}
