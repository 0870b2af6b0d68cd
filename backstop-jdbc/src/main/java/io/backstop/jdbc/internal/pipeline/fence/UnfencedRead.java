package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Runs by itself what is SAFE and cannot be fenced, as what locks rows, and keeps it only if it changed none. What its names
 * mean may have become something else while it waited for a lock. Stateless.
 */
final class UnfencedRead {
    private UnfencedRead() {}

    /**
     * Only in auto-commit, where no transaction is open.
     *
     * @param refusal is thrown where it changed rows; they are as they were then
     */
    static <T extends @Nullable Object> T run(
            GuardedSession session, Execution<T> execution, Supplier<SQLException> refusal) throws SQLException {
        StatementTransaction transaction = StatementTransaction.around(session);
        session.ledger().counting();
        try {
            T result = transaction.send(execution);
            Optional<WrittenRows> written = WrittenRows.read(session.connection());
            if (written.isEmpty()
                    || !session.ledger().unaccounted(written.get()).isEmpty()) {
                throw refusal.get();
            }
            session.ledger().account(written.get());
            transaction.keep();
            return result;
        } catch (SQLException | RuntimeException | Error e) {
            session.ledger().lost();
            transaction.undo(e);
            throw e;
        }
    }
}
