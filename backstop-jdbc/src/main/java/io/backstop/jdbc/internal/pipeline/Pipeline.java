package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Pause;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.PausedException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.api.policy.Verdict;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Case;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Links;
import io.backstop.jdbc.internal.pipeline.audit.BackgroundRecorder;
import io.backstop.jdbc.internal.pipeline.impact.LimitedExecution;
import io.backstop.jdbc.internal.pipeline.impact.VolatileCode;
import io.backstop.jdbc.internal.pipeline.impact.VolatileNames;
import io.backstop.jdbc.internal.pipeline.secure.SecuredExecution;
import io.backstop.jdbc.internal.pipeline.secure.SidecarReadiness;
import io.backstop.jdbc.internal.pipeline.session.CancellableExecution;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.QueryTimeouts;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.Submission;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.PolicySource;
import io.backstop.jdbc.policy.SessionState;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.util.Optional;

/**
 * The one path of a statement, and the only caller of the parts: analyse, judge, record, approve, snapshot, execute,
 * record the outcome. Thread-safe; each execution belongs to one session.
 */
public final class Pipeline implements AutoCloseable {
    private final SqlAnalyzer analyzer;
    private final PolicySource policies;
    private final Judge judge = new Judge();
    private final ControlStore store;
    private final BackgroundRecorder background;
    private final AuditTrail audit;
    private final ApprovalGate approvals;
    private final SecuredExecution secured;
    private final LimitedExecution limited = new LimitedExecution();
    private final VolatileCode volatileCode;
    private final QueryTimeouts timeouts = new QueryTimeouts();

    public Pipeline(PipelineParts parts) {
        this.analyzer = parts.analyzer();
        this.policies = parts.policies();
        this.store = parts.store();
        this.background = new BackgroundRecorder(store.audit());
        this.audit = new AuditTrail(store.audit(), background, parts.clock());
        this.volatileCode = new VolatileCode(parts.clock());
        this.approvals = new ApprovalGate(parts.approvals());
        this.secured = new SecuredExecution(
                parts.snapshots(),
                store.snapshots(),
                new SidecarReadiness(store.heartbeats(), parts.clock()),
                parts.progress());
    }

    /**
     * What the text does: as it was written, and as pgjdbc sends it where it rewrites it; the worse of the two. Cached, and
     * cheap enough to be called at prepare.
     */
    public Assessment assess(String sql, GuardedSession session) throws SQLException {
        Assessment written = analyzer.assess(sql, session.standardConformingStrings());
        String sent = session.sent(sql);
        if (sent.equals(sql)) {
            return written;
        }
        Assessment asSent = analyzer.assess(sent, session.standardConformingStrings());
        return asSent.risk().atLeast(written.risk()) ? asSent : written;
    }

    /**
     * Runs the statement if it may run, with everything that has to be done before and after.
     *
     * @throws BackstopException where it is refused; it did not run then, or was rolled back
     */
    public <T extends @Nullable Object> T run(GuardedSession session, Submission submission, Execution<T> execution)
            throws SQLException {
        session.turn().lock();
        try {
            return inTurn(session, submission, execution);
        } finally {
            session.uncommitted().settle(); // where it was a ROLLBACK
            session.turn().unlock();
        }
    }

    private <T extends @Nullable Object> T inTurn(GuardedSession session, Submission submission, Execution<T> execution)
            throws SQLException {
        session.beginTurn();
        Assessment assessment = volatileCode.weigh(session, submission);
        if (assessment.risk() == RiskLevel.SAFE
                && !policies.latest().quarantine().blocksSafeQueries()) {
            audit.safe(session, submission);
            return execution.run();
        }
        Policy policy = policies.current();
        Case statement = Case.of(submission, judge.weigh(assessment, policy));
        CancellableExecution<T> cancellable = session.begin(execution);
        try {
            return policy.enforcement() == Enforcement.MONITOR
                    ? observe(session, statement, policy, cancellable)
                    : review(session, statement, policy, cancellable);
        } finally {
            session.end(cancellable);
        }
    }

    private <T extends @Nullable Object> T review(
            GuardedSession session, Case statement, Policy policy, CancellableExecution<T> execution)
            throws SQLException {
        Verdict verdict = judge.decide(statement.assessment(), policy, state(session));
        audit.record(
                Kind.DECISION, session, statement, AuditTrail.words(verdict), Links.NONE); // refusals are history too
        if (verdict instanceof Verdict.Block block) {
            throw blocked(session, statement, policy, block);
        }
        Optional<String> approvalId = Optional.empty();
        if (verdict instanceof Verdict.Hold hold) {
            if (takesSnapshot(hold, statement)) {
                secured.checked(statement, policy.recovery());
            }
            approvalId = Optional.of(approve(session, statement, policy, hold));
        }
        if (takesSnapshot(verdict, statement)) {
            return secure(session, statement, policy, approvalId, execution);
        }
        if (approvalId.isEmpty() && LimitedExecution.applies(statement.assessment(), policy.impact())) {
            return limit(session, statement, policy, execution);
        }
        return perform(session, statement, new Links(approvalId, Optional.empty()), execution);
    }

    private SessionState state(GuardedSession session) throws BackstopException {
        return new SessionState(store.pause().current(), store.quarantine().until(session.agentId()));
    }

    private BackstopException blocked(GuardedSession session, Case statement, Policy policy, Verdict.Block block)
            throws BackstopException {
        String problem = statement.assessment().operation() + " is refused: " + block.reason();
        if (block.rule().equals(Judge.PAUSED)) {
            return paused(statement, block.reason());
        }
        if (block.rule().equals(Judge.QUARANTINED)) {
            return new AgentQuarantinedException(
                    problem, "wait until then, or ask an operator what the agent was doing");
        }
        store.quarantine().refused(session.agentId(), policy.quarantine());
        return new StatementBlockedException(
                problem + " [" + block.rule() + "]",
                "no approval lets it run; policy " + policy.name() + " would have to be changed");
    }

    private String approve(GuardedSession session, Case statement, Policy policy, Verdict.Hold hold)
            throws SQLException {
        try {
            String approvalId = approvals.obtain(session, statement, hold);
            refuseIfPausedMeanwhile(statement, approvalId);
            return approvalId;
        } catch (BackstopException e) {
            audit.record(Kind.REFUSAL, session, statement, e.getSQLState(), ApprovalGate.links(e));
            if (ApprovalGate.isDenial(e)) {
                store.quarantine().refused(session.agentId(), policy.quarantine());
            }
            throw e;
        }
    }

    /** A pause wins over an approval, also one that was waited for. */
    private void refuseIfPausedMeanwhile(Case statement, String approvalId) throws BackstopException {
        Optional<Pause> pause = store.pause().current();
        if (pause.isPresent()) {
            PausedException refusal =
                    paused(statement, "writes are paused: " + pause.get().reason());
            approvals.release(approvalId, refusal);
            throw refusal;
        }
    }

    private static PausedException paused(Case statement, String reason) {
        return new PausedException(
                statement.assessment().operation() + " is refused: " + reason,
                "reads go on; an operator ends the pause");
    }

    private <T extends @Nullable Object> T secure(
            GuardedSession session,
            Case statement,
            Policy policy,
            Optional<String> approvalId,
            CancellableExecution<T> execution)
            throws SQLException {
        SecuredExecution.Outcome<T> outcome;
        QueryTimeouts.Count timeout = timeouts.of(execution);
        try {
            outcome = secured.run(session, statement, policy.recovery(), approvalId, execution);
        } catch (SQLException e) {
            SQLException failure = execution.told(e);
            releaseUnused(approvalId, failure);
            audit.outcome(session, statement, failure(failure), new Links(approvalId, Optional.empty()));
            throw failure;
        } finally {
            timeout.end();
        }
        Links links = new Links(approvalId, outcome.rows().map(SecuredRows::groupId));
        audit.outcome(session, statement, outcome.words(), links);
        return outcome.result();
    }

    /**
     * Gives back the approval of a statement that was refused, or undone, with certainty: not where the connection broke
     * and nobody knows what the server made of it.
     */
    private void releaseUnused(Optional<String> approvalId, SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        boolean uncertain = state.startsWith("08") || state.startsWith("57P") || state.equals("null");
        if (approvalId.isPresent() && !uncertain) {
            approvals.release(approvalId.get(), failure);
        }
    }

    private <T extends @Nullable Object> T limit(
            GuardedSession session, Case statement, Policy policy, CancellableExecution<T> execution)
            throws SQLException {
        LimitedExecution.Attempt<T> attempt;
        try {
            volatileCode.requireCounts(session, statement.submission().sql());
            attempt = limited.run(session, statement.assessment(), policy.impact(), execution);
        } catch (SQLException e) {
            audit.outcome(session, statement, failure(e), Links.NONE);
            throw e;
        } finally {
            if (!statement.assessment().statements().stream().allMatch(VolatileNames::isQuery)) {
                volatileCode.forget(session);
            }
        }
        if (attempt.excess().isEmpty()) {
            audit.outcome(session, statement, "executed", Links.NONE);
            return attempt.result();
        }
        audit.outcome(
                session, statement, "rolled back: " + attempt.excess().get().reason(), Links.NONE);
        if (!execution.repeatable()) {
            throw LimitedExecution.unrepeatable(attempt, execution);
        }
        Case raised = statement.weighed(
                LimitedExecution.raised(statement.assessment(), attempt.excess().get()));
        try {
            return review(session, raised, policy, execution);
        } catch (BackstopException e) {
            throw LimitedExecution.refusal(attempt.excess().get(), e);
        }
    }

    private <T extends @Nullable Object> T perform(
            GuardedSession session, Case statement, Links links, CancellableExecution<T> execution)
            throws SQLException {
        T result;
        try {
            result = execution.run();
        } catch (SQLException e) {
            if (statement.assessment().statements().size() == 1) {
                releaseUnused(links.approvalId(), e);
            }
            audit.outcome(session, statement, failure(e), links);
            throw e;
        } finally {
            if (statement.assessment().risk().atLeast(RiskLevel.HIGH)) {
                volatileCode.forget(session);
            }
        }
        audit.outcome(session, statement, "executed", links);
        return result;
    }

    private <T extends @Nullable Object> T observe(
            GuardedSession session, Case statement, Policy policy, CancellableExecution<T> execution)
            throws SQLException {
        Verdict verdict = judge.decide(statement.assessment(), policy, SessionState.CLEAR);
        audit.record(Kind.DECISION, session, statement, "monitored, would be " + AuditTrail.words(verdict), Links.NONE);
        return perform(session, statement, Links.NONE, execution);
    }

    /** Rows do not go without a snapshot; a definition alone does, where there is nowhere to keep it. */
    private boolean takesSnapshot(Verdict verdict, Case statement) {
        boolean wanted = (verdict instanceof Verdict.Allow allow && allow.snapshot())
                || (verdict instanceof Verdict.Hold hold && hold.snapshot());
        return wanted && (statement.assessment().risk() == RiskLevel.CRITICAL || secured.hasStorage());
    }

    /** The state of a failure; its text may hold values. */
    private static String failure(SQLException e) {
        return "failed with " + e.getSQLState();
    }

    @Override
    public void close() {
        timeouts.close();
        background.close();
    }
}
