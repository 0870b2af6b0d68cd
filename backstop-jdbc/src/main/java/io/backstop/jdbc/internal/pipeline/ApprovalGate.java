package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ExpectedImpact;
import io.backstop.api.approval.ImpactPreview;
import io.backstop.api.approval.SessionContext;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalExpiredException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.analysis.RulePages;
import io.backstop.jdbc.internal.analysis.detail.CursorRow;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Links;
import io.backstop.jdbc.internal.pipeline.session.CancellableExecution;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.QueryTimeouts;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** Asks for the approval of exactly this statement in exactly this session. Thread-safe. */
final class ApprovalGate {
    private static final int POLL_MILLIS = 250;

    /** Each asks the control store four times a second. */
    private static final int MOST_WAITING = 100;

    /** Bound like a setting of the session, whose names hold no space. */
    private static final String SNAPSHOT_MODE = "snapshot mode";

    private final ApprovalHook hook;
    private final QueryTimeouts timeouts;
    private final RulePages pages = new RulePages();
    private final Semaphore waiting = new Semaphore(MOST_WAITING);

    ApprovalGate(ApprovalHook hook, QueryTimeouts timeouts) {
        this.hook = hook;
        this.timeouts = timeouts;
    }

    /**
     * The approval that the statement has used up.
     *
     * @param snapshot which snapshot it runs behind, if it does
     * @param preview looks what it would change, where that is to be told
     */
    Approved obtain(
            GuardedSession session,
            ReviewedStatement statement,
            Verdict.Hold hold,
            Optional<SnapshotMode> snapshot,
            ImpactPreview preview)
            throws SQLException {
        Assessment assessment = statement.assessment();
        if (CursorRow.isMeantBy(statement.sql(), session.standardConformingStrings())) {
            throw new StatementBlockedException(
                    assessment.operation()
                            + " is refused: an approval has to name the row, and this one is where a cursor stands",
                    "name the row by its key");
        }
        String sha256 = statement
                .sha256()
                .orElseThrow(() -> new StatementBlockedException(
                        assessment.operation()
                                + " is refused: an approval has to name its values, and one of them is a stream",
                        "bind it with setBytes or setString"));
        if (assessment.statements().stream().anyMatch(each -> each.holds(CommandTag.EXECUTE))) {
            // What it runs is not in its text.
            sha256 = sha256 + ":" + session.preparedStatements();
        }
        List<RuleId> rules = assessment.findings().stream()
                .filter(finding -> finding.risk() == assessment.risk())
                .map(Finding::rule)
                .distinct()
                .toList();
        SessionContext context = ApprovedCode.context(session, statement);
        ApprovalRequest request = new ApprovalRequest(
                statement.maskedSql(),
                sha256,
                session.agentId(),
                session.database(),
                snapshot.filter(SnapshotMode.RECENT::equals).isPresent()
                        ? context.with(SNAPSHOT_MODE, "recent")
                        : context,
                assessment.operation(),
                statement.tables(),
                assessment.risk(),
                snapshot.isPresent(),
                hold.reasons(),
                rules.stream().map(RuleId::value).toList(),
                pages.saferWay(rules),
                ExpectedImpact.UNKNOWN,
                statement.values(),
                false);
        return new Approved(hook.obtain(request, preview), context);
    }

    /** Whether callers wait for the decision. */
    boolean waits() {
        return hook.waits();
    }

    /**
     * Returns when the request is decided, in the session's turn. Meanwhile other threads have theirs on the connection, so what
     * was found out about session and statement has to be found out again; and where the wait ends otherwise while one has it,
     * the turn is not this thread's any more.
     *
     * @throws SQLException where too many wait already, the wait was cancelled or interrupted, took longer than the
     *     statement's query timeout or the request's time, or statement or connection were closed
     */
    void awaitDecision(GuardedSession session, CancellableExecution<?> execution, ApprovalRequiredException held)
            throws SQLException {
        if (!waiting.tryAcquire()) {
            held.addSuppressed(
                    new SQLException(MOST_WAITING + " statements are waiting already, so this one does not"));
            throw held;
        }
        int holds = session.turn().getHoldCount();
        QueryTimeouts.Count timeout = timeouts.of(execution);
        for (int i = 0; i < holds; i++) {
            session.turn().unlock();
        }
        try {
            execution.await(() -> {
                while (hook.undecided(held)) {
                    execution.pause(POLL_MILLIS);
                    requireOpen(session, execution, held);
                }
                while (!session.turn().tryLock(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                    execution.requireNotStopped();
                    requireOpen(session, execution, held);
                }
                requireOpen(session, execution, held); // also of what was decided just after it was closed
            });
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            held.addSuppressed(e);
            throw held;
        } finally {
            timeout.end();
            waiting.release();
            takeTurnBack(session.turn(), holds);
        }
    }

    private static void requireOpen(
            GuardedSession session, CancellableExecution<?> execution, ApprovalRequiredException held)
            throws SQLException {
        if (session.connection().isClosed() || execution.statement().isClosed()) {
            throw new SQLException("the statement was closed while it waited for an approval", "08003", held);
        }
    }

    /** A wait that ends without a decision does not queue behind what another thread has under way in the session. */
    private static void takeTurnBack(ReentrantLock turn, int holds) {
        if (!turn.isHeldByCurrentThread() && !turn.tryLock() && holds == 1) {
            return;
        }
        while (turn.getHoldCount() < holds) {
            turn.lock();
        }
    }

    /** Gives the approval back; that this failed is added to why. */
    void release(String approvalId, Throwable why) {
        try {
            hook.release(approvalId);
        } catch (BackstopException e) {
            why.addSuppressed(e);
        }
    }

    /** What the record of a refusal refers to. */
    static Links links(BackstopException refusal) {
        return new Links(approvalId(refusal), Optional.empty());
    }

    static boolean isDenial(BackstopException refusal) {
        return refusal instanceof ApprovalDeniedException;
    }

    private static Optional<String> approvalId(BackstopException refusal) {
        if (refusal instanceof ApprovalRequiredException required) {
            return Optional.of(required.approvalId());
        }
        if (refusal instanceof ApprovalDeniedException denied) {
            return Optional.of(denied.approvalId());
        }
        if (refusal instanceof ApprovalExpiredException expired) {
            return Optional.of(expired.approvalId());
        }
        return Optional.empty();
    }

    /**
     * The approval that a statement has used up.
     *
     * @param id of the approval
     * @param context for which it was given
     */
    record Approved(String id, SessionContext context) {}
}
