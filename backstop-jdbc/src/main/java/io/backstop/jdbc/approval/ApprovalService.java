package io.backstop.jdbc.approval;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.Decision;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.operator.DecisionSeal;
import io.backstop.jdbc.operator.OperatorKey;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;

/**
 * Decides requests for approval: an agent cannot approve its own request, each request is decided once, and with an
 * operator's key each decision is signed. The command line and the HTTP server both decide through it. Thread-safe.
 */
public final class ApprovalService {
    private final ApprovalStore approvals;
    private final Optional<OperatorKey> key;

    /** A service whose decisions are not signed. */
    public ApprovalService(ApprovalStore approvals) {
        this(approvals, Optional.empty());
    }

    /** @param key signs every decision; empty for decisions that count only where no operators are configured */
    public ApprovalService(ApprovalStore approvals, Optional<OperatorKey> key) {
        this.approvals = Objects.requireNonNull(approvals, "approvals");
        this.key = Objects.requireNonNull(key, "key");
    }

    /** The same as {@link #approve(String, Decider, String)}, without a comment. */
    public Optional<ApprovalDecision> approve(String id, Decider decider) throws ControlStoreUnavailableException {
        return approve(id, decider, "");
    }

    /**
     * Approves a request, so that its statement can run once.
     *
     * @param id the request, {@code appr_…}
     * @param comment why, for the audit and the agent; may be empty
     * @return whether this call decided the request, or why not; empty for an unknown id
     */
    public Optional<ApprovalDecision> approve(String id, Decider decider, String comment)
            throws ControlStoreUnavailableException {
        Optional<Approval> request = approvals.find(id);
        if (request.isPresent() && isTheirOwn(request.get(), decider)) {
            return Optional.of(new ApprovalDecision.NotYours(request.get()));
        }
        if (request.isPresent()
                && request.get().request().signatureRequired()
                && request.get().state() == ApprovalState.PENDING
                && key.isEmpty()) {
            return Optional.of(new ApprovalDecision.NotSigned(request.get()));
        }
        return decide(request, true, decider, comment);
    }

    private boolean isTheirOwn(Approval approval, Decider decider) {
        String agent = approval.request().agentId();
        return decider.is(agent)
                || key.filter(own -> own.operator().equals(agent)).isPresent();
    }

    /** The same as {@link #deny(String, Decider, String)}, without a comment. */
    public Optional<ApprovalDecision> deny(String id, Decider decider) throws ControlStoreUnavailableException {
        return deny(id, decider, "");
    }

    /**
     * Denies a request. An agent may deny its own, which withdraws it.
     *
     * @param id the request, {@code appr_…}
     * @param comment why, for the audit and the agent; may be empty
     * @return whether this call decided the request, or why not; empty for an unknown id
     */
    public Optional<ApprovalDecision> deny(String id, Decider decider, String comment)
            throws ControlStoreUnavailableException {
        return decide(approvals.find(id), false, decider, comment);
    }

    private Optional<ApprovalDecision> decide(
            Optional<Approval> request, boolean approve, Decider decider, String comment)
            throws ControlStoreUnavailableException {
        if (request.isEmpty()) {
            return Optional.empty();
        }
        Approval approval = request.get();
        Instant now = approvals.now().truncatedTo(ChronoUnit.MILLIS);
        // An approval lives as long again from the decision, so that a late yes can still be used.
        Decision decision =
                new Decision(approve, decider.name(), now, now.plus(approval.lifetime()), comment, Optional.empty());
        if (key.isPresent()) {
            decision = new DecisionSeal(approvals.storeId()).sign(approval, decision, key.get());
        }
        return approvals.decide(approval.id(), decision);
    }
}
