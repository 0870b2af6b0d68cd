package io.backstop.jdbc.internal.pipeline.lookup;

import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What came of a {@link HarmlessDrop}: it is kept only if it changed no rows but in the catalogs that it may touch, by the
 * server's own counters.
 *
 * @param result of the statement
 * @param harmless whether it was what it seemed; if not, it was undone
 */
public record CheckedDrop<T extends @Nullable Object>(T result, boolean harmless) {
    private static final String CHANGES = "SELECT schemaname, relname,"
            + " n_tup_ins OPERATOR(pg_catalog.+) n_tup_upd OPERATOR(pg_catalog.+) n_tup_del"
            + " FROM pg_catalog.pg_stat_xact_all_tables";

    public static <T extends @Nullable Object> CheckedDrop<T> run(
            GuardedSession session, HarmlessDrop drop, Execution<T> execution) throws SQLException {
        Connection connection = session.connection();
        StatementTransaction transaction = StatementTransaction.around(session);
        try {
            Map<String, Long> before = changes(connection);
            T result = transaction.send(execution);
            boolean harmless = same(before, changes(connection), drop.touched());
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

    private static Map<String, Long> changes(Connection connection) throws SQLException {
        Map<String, Long> changes = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CHANGES)) {
            while (rows.next()) {
                long changed = rows.getLong(3);
                if (changed != 0) {
                    changes.put(rows.getString(1) + "." + rows.getString(2), changed);
                }
            }
        }
        return changes;
    }

    private static boolean same(Map<String, Long> before, Map<String, Long> after, Set<String> touched) {
        return after.entrySet().stream()
                .allMatch(entry -> entry.getValue().equals(before.get(entry.getKey()))
                        || touched.stream().anyMatch(catalog -> entry.getKey().equals("pg_catalog." + catalog)));
    }
}
