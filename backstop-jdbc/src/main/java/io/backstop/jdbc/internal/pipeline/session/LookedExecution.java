package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Runs what is to change no row that is there, and keeps it only if the server says so. What its names mean may have become
 * something else while it waited for a lock. Stateless.
 */
public final class LookedExecution {
    private LookedExecution() {}

    /**
     * Runs it in a transaction of its own, or behind a savepoint in the caller's.
     *
     * @param look is asked when it has run
     * @param harmless whether it may be kept, by what the transaction has written
     * @return empty where it may not; it was undone then
     */
    public static <T extends @Nullable Object> Optional<Kept<T>> run(
            GuardedSession session, LastLook look, Predicate<WrittenRows> harmless, Execution<T> execution)
            throws SQLException {
        StatementTransaction transaction = StatementTransaction.around(session);
        try {
            session.knowsWhatIsWritten();
            session.ledger().counting();
            T result = transaction.send(execution);
            look.require();
            WrittenRows written = WrittenRows.read(session.connection());
            if (harmless.test(written)) {
                session.ledger().account(written);
                transaction.keep();
                return Optional.of(new Kept<>(result));
            }
        } catch (SQLException | RuntimeException | Error e) {
            session.ledger().lost();
            transaction.undo(e);
            throw e;
        }
        session.ledger().lost();
        transaction.undoWhole();
        return Optional.empty();
    }

    /** What it returned. */
    public record Kept<T extends @Nullable Object>(T result) {}
}
