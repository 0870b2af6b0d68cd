package io.backstop.jdbc.approval;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.util.Objects;
import java.util.Optional;

/**
 * Decides requests for approval, by the rules that hold whoever calls: nobody approves a request of their own, and each
 * request is decided once. Thread-safe.
 */
public final class ApprovalService {
    private final ApprovalStore approvals;

    public ApprovalService(ApprovalStore approvals) {
        this.approvals = Objects.requireNonNull(approvals, "approvals");
    }

    /**
     * Lets the statement of a request run, once.
     *
     * @param id the request, {@code appr_…}
     * @return what came of it; empty where there is no such request
     */
    public Optional<ApprovalDecision> approve(String id, Decider decider) throws ControlStoreUnavailableException {
        Optional<Approval> request = approvals.find(id);
        if (request.isPresent() && decider.is(request.get().request().agentId())) {
            return Optional.of(new ApprovalDecision.NotYours(request.get()));
        }
        return approvals.decide(id, true, decider.name());
    }

    /**
     * Refuses the statement of a request. An agent may withdraw its own in this way.
     *
     * @param id the request, {@code appr_…}
     * @return what came of it; empty where there is no such request
     */
    public Optional<ApprovalDecision> deny(String id, Decider decider) throws ControlStoreUnavailableException {
        return approvals.decide(id, false, decider.name());
    }
}
