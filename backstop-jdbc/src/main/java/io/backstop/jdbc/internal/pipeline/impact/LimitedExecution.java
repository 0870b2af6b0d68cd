package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Runs a statement and keeps it only if it changed no more rows than the policy allows, by the server's own count after the
 * fact, and took no table or column away unseen. Stateless, thread-safe.
 */
public final class LimitedExecution {
    static final RuleId IMPACT_LIMIT = new RuleId("impact-limit");

    /** invalid_transaction_termination (PostgreSQL documentation, appendix A). */
    private static final String TERMINATION = "2D000";

    /** Statements that run what cannot be read here, within one transaction. */
    private static final Set<CommandTag> UNSEEN = Set.of(CommandTag.DO, CommandTag.EXECUTE);

    /** What would end the transaction in which rows are counted, or move the savepoint to which they are rolled back. */
    private static final Set<CommandTag> TRANSACTION_CONTROL = Set.of(
            CommandTag.BEGIN,
            CommandTag.START_TRANSACTION,
            CommandTag.COMMIT,
            CommandTag.COMMIT_PREPARED,
            CommandTag.ROLLBACK,
            CommandTag.ROLLBACK_PREPARED,
            CommandTag.ROLLBACK_TO_SAVEPOINT,
            CommandTag.SAVEPOINT,
            CommandTag.RELEASE_SAVEPOINT,
            CommandTag.PREPARE_TRANSACTION);

    /** Whether the rows are counted: of a write that updates or deletes, whatever stands beside it, and of unseen code. */
    public static boolean applies(Assessment assessment, ImpactRules rules) {
        return rules.enabled() && (isScopedWrite(assessment) || runsUnseenCode(assessment));
    }

    private static boolean isScopedWrite(Assessment assessment) {
        return switch (assessment.risk()) {
            case WRITE -> !assessment.destructions().isEmpty();
            case HIGH ->
                assessment.destructions().stream()
                        .map(Destruction::kind)
                        .anyMatch(kind -> kind == Kind.UPDATE || kind == Kind.DELETE);
            default -> false; // nothing to count, or a snapshot is taken
        };
    }

    /** What ends the transaction by itself cannot be undone when it was counted. */
    private static void refuseTransactionControl(Assessment assessment) throws ImpactLimitException {
        for (StatementAssessment each : assessment.statements()) {
            if (TRANSACTION_CONTROL.contains(each.tag())) {
                throw new ImpactLimitException(
                        each.operation() + " stands in one text with a write whose rows have to be counted,"
                                + " and would keep it before they are; nothing was run",
                        "send the statements one at a time");
            }
        }
    }

    /** Not what was counted and undone already: it runs for good where the policy lets it nevertheless. */
    private static boolean runsUnseenCode(Assessment assessment) {
        return assessment.statements().stream()
                        .anyMatch(statement -> statement.holdsAny(UNSEEN)
                                || statement.findings().stream().anyMatch(found(VolatileCode.RULE)))
                && assessment.findings().stream().noneMatch(found(IMPACT_LIMIT));
    }

    private static Predicate<Finding> found(RuleId rule) {
        return finding -> finding.rule().equals(rule);
    }

    /** The query of a cursor runs when it is fetched from, or at the COMMIT: after the count. */
    private static void refuseCursor(Assessment assessment) throws ImpactLimitException {
        for (StatementAssessment each : assessment.statements()) {
            if (each.tag() == CommandTag.DECLARE_CURSOR
                    && each.findings().stream().anyMatch(found(VolatileCode.RULE))) {
                throw new ImpactLimitException(
                        "DECLARE CURSOR of a query that runs code of the user's: what it changes could not be counted,"
                                + " because it runs when the cursor is fetched from; nothing was run",
                        "send the query itself, or declare the function STABLE if it changes nothing");
            }
        }
    }

    /** Runs it; where the attempt has an excess, everything that it did was undone. */
    public <T extends @Nullable Object> Attempt<T> run(
            GuardedSession session, Assessment assessment, ImpactRules rules, Execution<T> execution)
            throws SQLException {
        refuseTransactionControl(assessment);
        refuseCursor(assessment);
        Connection connection = session.connection();
        StatementTransaction transaction = StatementTransaction.around(session);
        try {
            TableStates before = TableStates.of(connection);
            LostTables lost = LostTables.since(connection, before);
            T result = transaction.send(execution);
            if (transaction.own()) {
                // Triggers that wait for the commit would change rows after they were counted.
                transaction.execute("SET CONSTRAINTS ALL IMMEDIATE");
            }
            TableStates now = TableStates.of(connection);
            Optional<Finding> excess = lost.find(connection, assessment, now).map(LimitedExecution::excess);
            if (excess.isEmpty()) {
                ChangedRows changed = now.changedSince(before);
                excess = new RowLimits(connection, assessment, rules)
                        .passedBy(changed, execution.batchCounts(result))
                        .map(LimitedExecution::excess);
            }
            if (excess.isPresent()) {
                transaction.undo(new SQLException(excess.get().reason()));
            } else {
                transaction.keep();
            }
            return new Attempt<>(result, excess);
        } catch (SQLException | RuntimeException | Error e) {
            transaction.undo(e);
            if (transaction.own() && e instanceof SQLException failure && TERMINATION.equals(failure.getSQLState())) {
                throw endsItsTransaction(failure);
            }
            throw e;
        }
    }

    /** Without Backstop it would have run: there was no transaction around it. */
    private static ImpactLimitException endsItsTransaction(SQLException failure) {
        return new ImpactLimitException(
                "the code ends its own transaction (COMMIT or ROLLBACK), so what it changes could not be counted before it"
                        + " is kept; it was rolled back",
                "take COMMIT and ROLLBACK out of it; where the policy holds it for approval, or has"
                        + " impact_analysis_enabled off, it runs as it is",
                failure);
    }

    /**
     * The assessment as it is once the count is known. What unseen code would destroy is not known even then, so no snapshot
     * could cover it.
     */
    public static Assessment raised(Assessment assessment, Finding excess) {
        return Assessment.of(assessment.statements().stream()
                .map(statement -> raised(statement, excess))
                .toList());
    }

    private static StatementAssessment raised(StatementAssessment statement, Finding excess) {
        if (statement.risk() == RiskLevel.SAFE) {
            return statement;
        }
        StatementAssessment raised = statement.with(List.of(excess));
        return statement.destructions().isEmpty()
                ? raised.destroying(List.of(new Destruction(Kind.UNRECOVERABLE, List.of(), false, false)))
                : raised;
    }

    /** What the caller is told where the raised statement is refused. */
    public static ImpactLimitException refusal(Finding excess, BackstopException refusal) {
        return new ImpactLimitException("the write was rolled back: " + excess.reason(), refusal.hint(), refusal);
    }

    /** What the caller is told where the statement was undone, and cannot be run again. */
    public static <T extends @Nullable Object> ImpactLimitException unrepeatable(
            Attempt<T> attempt, Execution<T> execution) {
        String reason = attempt.excess().orElseThrow().reason();
        return execution.batchCounts(attempt.result()).length > 0
                ? new ImpactLimitException(
                        "the batch was rolled back: " + reason,
                        "send it in smaller batches, or as one statement that can be approved")
                : new ImpactLimitException(
                        "the statement was rolled back: " + reason
                                + "; it cannot be run again, because one of its values is"
                                + " a stream that has been read",
                        "bind it with setBytes or setString, or change fewer rows at a time");
    }

    private static Finding excess(String reason) {
        return new Finding(IMPACT_LIMIT, RiskLevel.CRITICAL, reason);
    }

    /** What came of it: a result, or why it was undone. */
    public record Attempt<T extends @Nullable Object>(T result, Optional<Finding> excess) {}
}
