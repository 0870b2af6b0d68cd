package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.approval.ExpectedImpact;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.PausedException;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.preview.PreviewObstacle;
import io.backstop.jdbc.internal.pipeline.preview.ReachedCode;
import io.backstop.jdbc.internal.pipeline.preview.StatementPreview;
import io.backstop.jdbc.internal.pipeline.secure.SecuredExecution;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.policy.SessionState;

import java.sql.SQLException;
import java.util.Optional;

/** Has a held statement approved, and gives an approval back that was not used. Thread-safe. */
final class ApprovalStep {
    private final ApprovalGate approvals;
    private final SecuredExecution secured;
    private final Refusals refusals;
    private final AuditTrail audit;
    private final StatementPreview previews = new StatementPreview();

    ApprovalStep(ApprovalGate approvals, SecuredExecution secured, Refusals refusals, AuditTrail audit) {
        this.approvals = approvals;
        this.secured = secured;
        this.refusals = refusals;
        this.audit = audit;
    }

    /** The approval that the statement has used up. */
    ApprovalGate.Approved approve(StatementRun<?> run, ReviewedStatement statement, Verdict.Hold hold)
            throws SQLException {
        try {
            Optional<SnapshotMode> snapshot = secured.applies(hold, statement)
                    ? Optional.of(run.policy().recovery().snapshotMode())
                    : Optional.empty();
            ApprovalGate.Approved approved =
                    approvals.obtain(run.session(), statement, hold, snapshot, () -> preview(run, statement));
            run.execution().startOver();
            lookForLastingEffects(run, statement, approved.id());
            refuseIfPausedMeanwhile(statement, approved.id());
            return approved;
        } catch (BackstopException e) {
            if (e instanceof ApprovalRequiredException held) {
                run.events().held(held.approvalId());
            }
            if (!(e instanceof ApprovalRequiredException) || !approvals.waits()) {
                recordRefusal(run, statement, e);
            }
            throw e;
        }
    }

    /** Before it runs: what failed in a transaction can ask nothing any more. */
    private void lookForLastingEffects(StatementRun<?> run, ReviewedStatement statement, String approvalId)
            throws SQLException {
        try {
            ReachedCode reached = ReachedCode.of(run.session().connection(), statement.assessment(), statement.sql());
            run.session().endOwnTransaction();
            if (!PreviewObstacle.outlivesRollback(statement.assessment(), statement.sql(), reached)) {
                run.execution().markUndoable();
            }
        } catch (SQLException e) {
            approvals.release(approvalId, e);
            throw e;
        }
    }

    private void recordRefusal(StatementRun<?> run, ReviewedStatement statement, BackstopException refusal)
            throws SQLException {
        audit.record(Kind.REFUSAL, run.session(), statement, refusal.getSQLState(), ApprovalGate.links(refusal));
        if (ApprovalGate.isDenial(refusal)) {
            refusals.count(run.session(), run.policy(), statement);
        }
    }

    /** What an operator is shown; a run that is rolled back is on the record as well. */
    private ExpectedImpact preview(StatementRun<?> run, ReviewedStatement statement) throws SQLException {
        SessionState state = refusals.state(run.session());
        boolean stopped = state.pause().isPresent() || state.quarantine().isPresent();
        ExpectedImpact impact = previews.look(run.session(), statement, run.execution(), run.policy(), stopped);
        run.execution().requireNotStopped();
        impact.rows()
                .ifPresent(rows -> audit.outcome(
                        run.session(),
                        statement,
                        "run beforehand and rolled back: " + rows + " rows",
                        AuditTrail.Links.NONE));
        return impact;
    }

    private void refuseIfPausedMeanwhile(ReviewedStatement statement, String approvalId) throws BackstopException {
        Optional<PausedException> refusal = refusals.paused(statement);
        if (refusal.isPresent()) {
            approvals.release(approvalId, refusal.get());
            throw refusal.get();
        }
    }

    /** Gives back the approval of a statement that certainly did not run; a statement that may have run has spent it. */
    void releaseUnused(
            Optional<String> approvalId, StatementRun<?> run, ReviewedStatement statement, SQLException failure) {
        if (approvalId.isPresent() && NotRunProof.holds(failure, statement.assessment(), run.execution())) {
            approvals.release(approvalId.get(), failure);
        }
    }

    /** Whether this refusal's request can still be decided, and its caller waits for that. */
    boolean waitsFor(BackstopException refusal) {
        return approvals.waits() && held(refusal).isPresent();
    }

    /**
     * Returns when the request was approved that the refusal is about.
     *
     * @throws SQLException the refusal itself where nobody waits, or why the wait ended without an approval
     */
    void awaitDecision(StatementRun<?> run, ReviewedStatement statement, BackstopException refusal)
            throws SQLException {
        Optional<ApprovalRequiredException> held = held(refusal);
        if (held.isEmpty() || !approvals.waits()) {
            throw refusal;
        }
        try {
            approvals.awaitDecision(run.session(), run.execution(), held.get());
        } catch (ApprovalRequiredException e) {
            throw e; // it is held, and that was told
        } catch (BackstopException e) {
            run.events().refused(e);
            if (!(e instanceof ControlStoreUnavailableException)) {
                recordRefusal(run, statement, e);
            }
            throw e;
        } catch (SQLException e) {
            run.events().failed(e);
            throw e;
        }
    }

    /** The request that a refusal is about, if an operator can still decide it. */
    private static Optional<ApprovalRequiredException> held(BackstopException refusal) {
        if (refusal instanceof ApprovalRequiredException held) {
            return Optional.of(held);
        }
        return refusal instanceof ImpactLimitException && refusal.getCause() instanceof ApprovalRequiredException held
                ? Optional.of(held)
                : Optional.empty();
    }
}
