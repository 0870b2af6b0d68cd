package io.backstop.jdbc.approval;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.util.Objects;
import java.util.Optional;

/**
 * Decides requests for approval: an agent cannot approve its own request, and each request is decided once. The command
 * line and the HTTP server both decide through it. Thread-safe.
 */
public final class ApprovalService {
    private final ApprovalStore approvals;

    public ApprovalService(ApprovalStore approvals) {
        this.approvals = Objects.requireNonNull(approvals, "approvals");
    }

    /**
     * Approves a request, so that its statement can run once.
     *
     * @param id the request, {@code appr_…}
     * @return whether this call decided the request, or why not; empty for an unknown id
     */
    public Optional<ApprovalDecision> approve(String id, Decider decider) throws ControlStoreUnavailableException {
        Optional<Approval> request = approvals.find(id);
        if (request.isPresent() && decider.is(request.get().request().agentId())) {
            return Optional.of(new ApprovalDecision.NotYours(request.get()));
        }
        return approvals.decide(id, true, decider.name());
    }

    /**
     * Denies a request. An agent may deny its own, which withdraws it.
     *
     * @param id the request, {@code appr_…}
     * @return whether this call decided the request, or why not; empty for an unknown id
     */
    public Optional<ApprovalDecision> deny(String id, Decider decider) throws ControlStoreUnavailableException {
        return approvals.decide(id, false, decider.name());
    }
}
