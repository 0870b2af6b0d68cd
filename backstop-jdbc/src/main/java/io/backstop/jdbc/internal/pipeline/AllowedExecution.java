package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Links;
import io.backstop.jdbc.internal.pipeline.fence.FencedExecution;
import io.backstop.jdbc.internal.pipeline.impact.CodeOnWrite;
import io.backstop.jdbc.internal.pipeline.secure.SecuredExecution;
import io.backstop.jdbc.internal.pipeline.session.QueryTimeouts;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.util.Optional;

/** Runs what may run, with or without a snapshot of what it destroys, and records how it ended. Thread-safe. */
final class AllowedExecution {
    private final SecuredExecution secured;
    private final FencedExecution fenced;
    private final ApprovalStep approvals;
    private final LastJudgement lastJudgement;
    private final CodeOnWrite codeOnWrite;
    private final QueryTimeouts timeouts;
    private final AuditTrail audit;

    AllowedExecution(
            SecuredExecution secured,
            FencedExecution fenced,
            ApprovalStep approvals,
            LastJudgement lastJudgement,
            CodeOnWrite codeOnWrite,
            QueryTimeouts timeouts,
            AuditTrail audit) {
        this.secured = secured;
        this.fenced = fenced;
        this.approvals = approvals;
        this.lastJudgement = lastJudgement;
        this.codeOnWrite = codeOnWrite;
        this.timeouts = timeouts;
        this.audit = audit;
    }

    /** @param measured how it is to be sent, if not as it comes */
    <T extends @Nullable Object> T secure(
            StatementRun<T> run,
            ReviewedStatement statement,
            Optional<String> approvalId,
            Optional<Execution<T>> measured)
            throws SQLException {
        SecuredExecution.Outcome<T> outcome;
        long began = System.nanoTime();
        QueryTimeouts.Count timeout = timeouts.of(run.execution());
        try {
            outcome = secured.run(
                    run.session(),
                    statement,
                    run.policy().recovery(),
                    approvalId,
                    run.policy().impact(),
                    lastJudgement.secured(run, statement, approvalId.isPresent()),
                    measured.orElse(run.execution()));
        } catch (SQLException e) {
            approvals.releaseUnused(approvalId, run, statement, e);
            SQLException failure = run.execution().translate(e);
            audit.outcome(
                    run.session(), statement, AuditTrail.failure(failure), new Links(approvalId, Optional.empty()));
            throw failure;
        } finally {
            timeout.end();
            if (!statement.assessment().definitions().isEmpty()) {
                codeOnWrite.forget(run.session());
            }
        }
        Links links = new Links(approvalId, outcome.rows().map(SecuredRows::groupId));
        // Snapshots that were taken beforehand are of no statement.
        run.session()
                .changed(outcome.rows()
                        .filter(rows -> rows.manifests().stream()
                                .anyMatch(manifest -> manifest.groupId().equals(rows.groupId())))
                        .map(SecuredRows::groupId));
        audit.outcome(run.session(), statement, outcome.words(), links);
        outcome.rows().ifPresent(rows -> run.events().secured(rows, began));
        return outcome.result();
    }

    /** @param measured how it is to be sent within a transaction, if not as it comes */
    <T extends @Nullable Object> T perform(
            StatementRun<T> run,
            ReviewedStatement statement,
            Optional<ApprovalGate.Approved> approved,
            Optional<Execution<T>> measured)
            throws SQLException {
        Links links = new Links(approved.map(ApprovalGate.Approved::id), Optional.empty());
        T result;
        try {
            result = send(run, statement, approved, measured);
        } catch (SQLException e) {
            approvals.releaseUnused(links.approvalId(), run, statement, e);
            audit.outcome(run.session(), statement, AuditTrail.failure(e), links);
            throw e;
        } finally {
            if (statement.assessment().risk().atLeast(RiskLevel.HIGH)) {
                codeOnWrite.forget(run.session());
            }
        }
        audit.outcome(run.session(), statement, "executed", links);
        return result;
    }

    /** The statement as it is sent where nobody looks after it, which follows its settings. */
    <T extends @Nullable Object> Execution<T> following(StatementRun<T> run, Execution<T> execution) {
        return execution.sentBy(() -> fenced.write(run.session(), run.text(), execution));
    }

    /**
     * Sends what neither a limit nor a snapshot looks after. What takes rows away may wait for locks that no snapshot has
     * taken before, and is looked at when it has them; it can still be undone then. So is what was approved: whether it met
     * the code that it was approved with.
     */
    private <T extends @Nullable Object> T send(
            StatementRun<T> run,
            ReviewedStatement statement,
            Optional<ApprovalGate.Approved> approved,
            Optional<Execution<T>> measured)
            throws SQLException {
        Execution<T> execution = measured.orElse(run.execution());
        if (run.policy().enforcement() == Enforcement.MONITOR) {
            return fenced.write(run.session(), run.text(), run.execution());
        }
        LastLook look = lastJudgement.unsecured(run, statement, approved.isPresent());
        if (approved.isPresent()) {
            look.require();
            if (UndoableExecution.onRows(statement.assessment())) {
                return sendApproved(run, statement, approved.get(), look, execution);
            }
        }
        boolean uncounted = !run.policy().impact().enabled() && UndoableExecution.onRows(statement.assessment());
        if (uncounted || UndoableExecution.applies(statement.assessment())) {
            return UndoableExecution.run(run.session(), look, execution);
        }
        Execution<T> following = following(run, execution);
        return measured.isPresent() && run.session().outsideTransaction()
                ? UndoableExecution.run(run.session(), look, following)
                : following.run();
    }

    private static <T extends @Nullable Object> T sendApproved(
            StatementRun<T> run,
            ReviewedStatement statement,
            ApprovalGate.Approved approved,
            LastLook look,
            Execution<T> execution)
            throws SQLException {
        try (ApprovedCode code = ApprovedCode.watch(run.session(), statement, approved.context())) {
            return UndoableExecution.run(
                    run.session(),
                    () -> {
                        look.require();
                        code.requireSame();
                    },
                    execution);
        }
    }
}
