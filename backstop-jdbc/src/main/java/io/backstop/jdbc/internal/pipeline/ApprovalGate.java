package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalExpiredException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Links;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.SQLException;
import java.util.Optional;
import java.util.function.Consumer;

/** Asks for the approval of exactly this statement in exactly this session. Thread-safe. */
final class ApprovalGate {
    private final ApprovalHook hook;

    ApprovalGate(ApprovalHook hook) {
        this.hook = hook;
    }

    /**
     * The id of the approval that the statement has used up.
     *
     * @param waiting is given the id of the request where the hook blocks until that is decided
     */
    String obtain(GuardedSession session, ReviewedStatement statement, Verdict.Hold hold, Consumer<String> waiting)
            throws SQLException {
        String sha256 = statement
                .sha256()
                .orElseThrow(() -> new StatementBlockedException(
                        statement.assessment().operation()
                                + " is refused: an approval has to name its values, and one of them is a stream",
                        "bind it with setBytes or setString"));
        GuardedSession.Identity identity = session.identity();
        if (statement.assessment().statements().stream().anyMatch(each -> each.holds(CommandTag.EXECUTE))) {
            // What it runs is not in its text.
            sha256 = sha256 + ":" + session.preparedStatements();
        }
        ApprovalRequest request = new ApprovalRequest(
                statement.maskedSql(),
                sha256,
                session.agentId(),
                session.database(),
                identity.role(),
                identity.searchPath(),
                statement.assessment().operation(),
                statement.tables(),
                statement.assessment().risk(),
                hold.reasons());
        return hook.obtain(request, waiting);
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
}
