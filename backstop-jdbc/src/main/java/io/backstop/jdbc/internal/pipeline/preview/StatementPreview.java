package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.approval.ExpectedImpact;
import io.backstop.api.approval.ExpectedImpact.SampleRow;
import io.backstop.api.approval.ExpectedImpact.TableChange;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.internal.analysis.detail.ReturningRows;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import org.postgresql.PGStatement;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Finds out for a request what its statement would change: by the catalog; and where a rollback is certain to undo all of it,
 * by running it under a savepoint, or in a transaction of its own in auto-commit, that is rolled back. It never runs as the
 * caller's JDBC statement, so that keeps its results, and for a short time only; whatever goes wrong ends in a note. Of several
 * statements at once few are run. Thread-safe.
 */
public final class StatementPreview {
    private static final Duration LOCK_TIMEOUT = Duration.ofMillis(500);
    private static final Duration STATEMENT_TIMEOUT = Duration.ofSeconds(3);
    private static final int AT_ONCE = 2;

    /** What is undone stays on the disk as dead rows for a while. */
    private static final long MOST_ROWS = 100_000;

    private static final Pattern PLAN_ROWS = Pattern.compile("\"Plan Rows\": (\\d+)");

    /** Keeps a shorter limit of the session's. */
    private static final String LIMITS = """
            SELECT pg_catalog.set_config(s.name, CASE WHEN s.setting::pg_catalog.int4 OPERATOR(pg_catalog.>) 0
                    AND s.setting::pg_catalog.int4 OPERATOR(pg_catalog.<) l.most THEN s.setting
                ELSE l.most::pg_catalog.text END, true)
            FROM pg_catalog.pg_settings AS s
            JOIN (VALUES ('lock_timeout', %d), ('statement_timeout', %d)) AS l (name, most)
                ON l.name OPERATOR(pg_catalog.=) s.name""";

    private final Semaphore permits = new Semaphore(AT_ONCE);

    /**
     * What the statement would change.
     *
     * @param stopped whether writes are paused or the agent is in quarantine, so that nothing is run
     * @throws SQLException where the session could not be put back to what it was
     */
    public ExpectedImpact look(
            GuardedSession session, ReviewedStatement statement, Execution<?> execution, Policy policy, boolean stopped)
            throws SQLException {
        ExpectedImpact impact = CatalogImpact.of(session, statement.assessment());
        if (stopped || session.inFailedTransaction() || !PreviewObstacle.isScopedWrite(statement.assessment())) {
            return impact;
        }
        Optional<String> obstacle = obstacle(session, statement, execution);
        if (obstacle.isPresent()) {
            return impact.noting("not run beforehand: " + obstacle.get());
        }
        if (!permits.tryAcquire()) {
            return impact.noting("not run beforehand: others were at the time");
        }
        try {
            return run(session, statement, execution, policy, impact);
        } finally {
            permits.release();
        }
    }

    private static Optional<String> obstacle(
            GuardedSession session, ReviewedStatement statement, Execution<?> execution) throws SQLException {
        Connection connection = session.connection();
        if (!execution.repeatable()) {
            return Optional.of("it can be sent once only");
        }
        if (connection.isReadOnly()) {
            return Optional.of("the connection is read-only");
        }
        boolean joins = session.inTransaction() && !session.idleAtTurn();
        if (joins && connection.getTransactionIsolation() > Connection.TRANSACTION_READ_COMMITTED) {
            return Optional.of("its transaction would keep what it has read");
        }
        if (!PreviewObstacle.isScopedWrite(text(session, statement, execution), session.standardConformingStrings())) {
            return Optional.of("one of its values cannot be written as text");
        }
        if (execution.statement() instanceof PreparedStatement && !session.standardConformingStrings()) {
            return Optional.of("its values cannot be written as text while standard_conforming_strings is off");
        }
        Optional<String> reached = PreviewObstacle.in(
                statement.assessment(),
                statement.sql(),
                ReachedCode.of(session.connection(), statement.assessment(), statement.sql()));
        if (reached.isEmpty() && !ChangeCounters.areKept(connection)) {
            reached = Optional.of("the server does not count rows while track_counts is off");
        }
        session.endOwnTransaction();
        return reached;
    }

    /** As pgjdbc sends it, with the values that are bound; where it cannot write one, a placeholder stays. */
    private static String text(GuardedSession session, ReviewedStatement statement, Execution<?> execution)
            throws SQLException {
        return execution.statement() instanceof PreparedStatement prepared
                ? prepared.unwrap(PGStatement.class).toString()
                : session.sent(statement.sql());
    }

    private static ExpectedImpact run(
            GuardedSession session,
            ReviewedStatement statement,
            Execution<?> execution,
            Policy policy,
            ExpectedImpact impact)
            throws SQLException {
        String text = text(session, statement, execution);
        long timeout = STATEMENT_TIMEOUT.toMillis();
        int seconds = execution.statement().getQueryTimeout();
        if (seconds > 0) {
            timeout = Math.min(timeout, Duration.ofSeconds(seconds).toMillis());
        }
        boolean begins = !session.inTransaction() || session.idleAtTurn();
        StatementTransaction transaction = StatementTransaction.around(session);
        ExpectedImpact found;
        try {
            if (begins) {
                // Whatever it reads is forgotten with it, so that nobody's serializable transaction conflicts with it.
                transaction.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
            }
            transaction.execute(LIMITS.formatted(LOCK_TIMEOUT.toMillis(), timeout));
            found = counted(session, statement.assessment(), text, policy, impact, begins);
        } catch (SQLException e) {
            found = impact.noting("run beforehand, it failed with " + e.getSQLState());
        } catch (RuntimeException | Error e) {
            transaction.undo(e);
            throw e;
        }
        transaction.undoWhole();
        return found;
    }

    private static ExpectedImpact counted(
            GuardedSession session,
            Assessment assessment,
            String text,
            Policy policy,
            ExpectedImpact impact,
            boolean alone)
            throws SQLException {
        Connection connection = session.connection();
        long expected = expectedRows(connection, text);
        if (expected > MOST_ROWS) {
            return impact.noting("not run beforehand: the server expects about " + expected + " rows");
        }
        Optional<SampledRun> sampled = sampled(session, assessment, text, policy);
        ChangeCounters before = ChangeCounters.of(connection);
        session.send("SAVEPOINT backstop_preview");
        if (sampled.isPresent()) {
            sampled.get().run(policy.disclosure().sampleRows());
        } else {
            execute(connection, text);
        }
        if (alone) {
            session.send(
                    "SET CONSTRAINTS ALL IMMEDIATE"); // else those of the caller's earlier statements would fire too
        }
        List<TableChange> changes = ChangeCounters.of(connection).since(before);
        session.send("ROLLBACK TO SAVEPOINT backstop_preview");
        List<SampleRow> rows = sampled.isPresent() ? sampled.get().rows() : List.of();
        return impact.with(changes, rows);
    }

    /** What the planner expects below the node that changes the rows; 0 where it plans no such node. */
    private static long expectedRows(Connection connection, String text) throws SQLException {
        StringBuilder plan = new StringBuilder();
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute("EXPLAIN (FORMAT JSON) " + text);
            try (ResultSet row = statement.getResultSet()) {
                while (row.next()) {
                    plan.append(row.getString(1));
                }
            }
        }
        return PLAN_ROWS
                .matcher(plan)
                .results()
                .skip(1) // of the node that changes them
                .findFirst()
                .map(rows -> Long.parseLong(rows.group(1)))
                .orElse(0L);
    }

    /** Sent as it is: JDBC's escapes were rewritten before. */
    private static void execute(Connection connection, String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute(text);
        }
    }

    private static Optional<SampledRun> sampled(
            GuardedSession session, Assessment assessment, String text, Policy policy) throws SQLException {
        if (policy.disclosure().sampleRows() == 0 || session.sendsPlainText()) {
            return Optional.empty(); // the driver would fetch all rows
        }
        Optional<ReturningRows> statement = ReturningRows.of(text, session.standardConformingStrings());
        if (statement.isEmpty()) {
            return Optional.empty();
        }
        Set<String> written = assessment.statements().stream()
                .flatMap(each -> each.columnsWritten().stream())
                .collect(Collectors.toSet());
        return SampleTarget.of(
                        session.connection(),
                        statement.get().target(),
                        policy.impact().protectedColumns())
                .map(target -> new SampledRun(session.connection(), statement.get(), target, written));
    }
}
