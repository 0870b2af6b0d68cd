package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.util.Optional;

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
            GuardedSession session, LastLook look, SecondLook harmless, Execution<T> execution) throws SQLException {
        StatementTransaction transaction = StatementTransaction.around(session);
        boolean kept = false;
        try {
            session.knowsWhatIsWritten();
            session.ledger().counting();
            T result;
            try {
                result = transaction.send(execution);
            } catch (SQLException e) {
                kept = transaction.hasRun(e) && keep(session, look, harmless, transaction);
                throw e; // it is kept, as the server would have without a transaction around it
            }
            kept = keep(session, look, harmless, transaction);
            if (kept) {
                return Optional.of(new Kept<>(result));
            }
        } catch (SQLException | RuntimeException | Error e) {
            if (!kept) {
                session.ledger().lost();
                transaction.undo(e);
            }
            throw e;
        }
        session.ledger().lost();
        transaction.undoWhole();
        return Optional.empty();
    }

    private static boolean keep(
            GuardedSession session, LastLook look, SecondLook harmless, StatementTransaction transaction)
            throws SQLException {
        look.require();
        WrittenRows written = WrittenRows.read(session.connection());
        boolean kept = harmless.lets(written);
        if (kept) {
            session.ledger().account(written);
            transaction.keep();
        }
        return kept;
    }

    /** Says by what the transaction has written whether it may be kept. */
    @FunctionalInterface
    public interface SecondLook {
        boolean lets(WrittenRows written) throws SQLException;
    }

    /** What it returned. */
    public record Kept<T extends @Nullable Object>(T result) {}
}
