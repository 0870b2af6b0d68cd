package io.backstop.jdbc.internal.pipeline.lookup;

import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * What came of a {@link HarmlessDrop}: it is kept only if it changed what it may change, by the server's own counters.
 *
 * @param result of the statement
 * @param harmless whether it was what it seemed; if not, it was undone
 */
public record CheckedDrop<T extends @Nullable Object>(T result, boolean harmless) {
    public static <T extends @Nullable Object> CheckedDrop<T> run(
            GuardedSession session, HarmlessDrop drop, Execution<T> execution) throws SQLException {
        Connection connection = session.connection();
        StatementTransaction transaction = StatementTransaction.around(session);
        try {
            CatalogChanges before = drop.look(connection);
            T result = transaction.send(execution);
            boolean harmless = drop.expected().test(drop.look(connection).since(before));
            if (harmless) {
                transaction.keep();
            } else {
                transaction.undo(new SQLException("it took away more than was seen"));
            }
            return new CheckedDrop<>(result, harmless);
        } catch (SQLException | RuntimeException | Error e) {
            transaction.undo(e);
            throw e;
        }
    }
}
