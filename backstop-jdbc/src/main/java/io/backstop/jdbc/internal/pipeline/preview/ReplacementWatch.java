package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.SecondConnection;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Whether others replaced what a statement runs, from a moment before it is sent until it has run. A second connection is
 * asked, for which nothing exists that the statement itself does. Where there is none, the session is: it does not know who
 * took something away or put something in its place, so that what its transaction has added passes, and no more. Used within
 * the session's turn.
 */
public final class ReplacementWatch implements AutoCloseable {
    private static final long EPOCH = 1L << 32;

    private final GuardedSession session;
    private final ReviewedStatement statement;
    private final Optional<SecondConnection> second;
    private final ReachedCode before;

    private ReplacementWatch(
            GuardedSession session,
            ReviewedStatement statement,
            Optional<SecondConnection> second,
            ReachedCode before) {
        this.session = session;
        this.statement = statement;
        this.second = second;
        this.before = before;
    }

    /** Begins before the session's own look at what was approved. Leaves a transaction open in the session. */
    public static ReplacementWatch begin(GuardedSession session, ReviewedStatement statement) throws SQLException {
        Optional<SecondConnection> second = SecondConnection.open(session);
        try {
            return new ReplacementWatch(session, statement, second, reached(session, statement, second));
        } catch (SQLException | RuntimeException | Error e) {
            second.ifPresent(SecondConnection::close);
            throw e;
        }
    }

    private static ReachedCode reached(
            GuardedSession session, ReviewedStatement statement, Optional<SecondConnection> second)
            throws SQLException {
        return second.isPresent()
                ? second.get().ask(connection -> ReachedCode.of(connection, statement.assessment(), statement.sql()))
                : ReachedCode.of(session.connection(), statement.assessment(), statement.sql());
    }

    /** Whether a second connection is asked. */
    public boolean fromOutside() {
        return second.isPresent();
    }

    /** Whether what the session sees was there when the watch began. */
    public boolean began(ReachedCode seen) {
        return before.digest().equals(seen.digest());
    }

    /** Whether others have replaced it. Asked in the transaction in which the statement ran. */
    public boolean replaced() throws SQLException {
        ReachedCode after = reached(session, statement, second);
        if (second.isPresent()) {
            return !began(after) || !before.routineWriters().equals(after.routineWriters());
        }
        if (!after.definitions().keySet().containsAll(before.definitions().keySet())
                || !after.routineWriters().containsAll(before.routineWriters())) {
            return true;
        }
        Set<String> writers = after.definitions().entrySet().stream()
                .filter(definition -> !before.definitions().containsKey(definition.getKey()))
                .map(definition -> definition.getValue())
                .collect(Collectors.toSet());
        return !writers.isEmpty() && !areOwn(writers);
    }

    /** What a session sees of a transaction in progress is its own, that of subtransactions included. */
    private boolean areOwn(Set<String> writers) throws SQLException {
        Connection connection = session.connection();
        long next;
        try (Statement select = connection.createStatement();
                ResultSet row = select.executeQuery(
                        "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text")) {
            row.next();
            next = Long.parseLong(row.getString(1));
        }
        Set<Long> transactions = new HashSet<>();
        writers.forEach(writer -> transactions.add(whole(Long.parseLong(writer), next)));
        try (PreparedStatement select = connection.prepareStatement("SELECT pg_catalog.pg_xact_status(w.id) FROM"
                + " pg_catalog.unnest(?::pg_catalog.text[]::pg_catalog.xid8[]) AS w (id)")) {
            select.setString(1, CatalogSql.array(transactions));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    if (!"in progress".equals(row.getString(1))) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** A transaction's number with its epoch, of which rows keep the lower half: the one that is nearest to the next. */
    private static long whole(long half, long next) {
        long near = next - next % EPOCH + half;
        if (near - next > EPOCH / 2) {
            return near - EPOCH;
        }
        return next - near > EPOCH / 2 ? near + EPOCH : near;
    }

    @Override
    public void close() {
        second.ifPresent(SecondConnection::close);
    }
}
