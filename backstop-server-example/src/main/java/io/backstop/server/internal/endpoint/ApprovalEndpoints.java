package io.backstop.server.internal.endpoint;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.server.internal.http.ErrorResponse;
import io.backstop.server.internal.http.JsonBody;
import io.backstop.server.internal.http.QueryParameters;
import io.backstop.server.internal.http.RequestRefusedException;
import io.backstop.server.token.Caller;
import io.javalin.http.Context;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** What waits for a human, and the human's answer. Thread-safe. */
public final class ApprovalEndpoints {
    private final ApprovalStore approvals;

    public ApprovalEndpoints(ApprovalStore approvals) {
        this.approvals = approvals;
    }

    public Pending pending(Context request, Caller caller)
            throws RequestRefusedException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        return new Pending(approvals.list(ApprovalState.PENDING).stream()
                .map(ApprovalView::of)
                .toList());
    }

    public ApprovalView approve(Context request, Caller caller)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        return decide(request, caller, true);
    }

    public ApprovalView deny(Context request, Caller caller)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        return decide(request, caller, false);
    }

    private ApprovalView decide(Context request, Caller caller, boolean approve)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        JsonBody.none(request);
        return ApprovalView.of(decide(request.pathParam("id"), caller, approve));
    }

    // One decision at a time: the store says what a request is after the call, not whether this call made it so.
    private synchronized Approval decide(String id, Caller caller, boolean approve)
            throws RequestRefusedException, ControlStoreUnavailableException {
        Approval before = approvals.find(id).orElseThrow(() -> unknown(id));
        if (approve && caller.isAgent(before.request().agentId())) {
            String message = "the token " + caller.id() + " belongs to the agent that made the request " + id
                    + "; an agent cannot approve for itself";
            throw new RequestRefusedException(403, ErrorResponse.of("own_request", message));
        }
        if (before.state() != ApprovalState.PENDING) {
            throw decided(before);
        }
        Approval after = approvals.decide(id, approve, caller.id()).orElseThrow(() -> unknown(id));
        ApprovalState wanted = approve ? ApprovalState.APPROVED : ApprovalState.DENIED;
        if (after.state() != wanted
                || !after.decidedBy().filter(caller.id()::equals).isPresent()) {
            throw decided(after); // by another process, in between
        }
        return after;
    }

    private static RequestRefusedException unknown(String id) {
        return new RequestRefusedException(
                404,
                ErrorResponse.of("not_found", "there is no request " + id + "; GET /pending lists those that wait"));
    }

    private static RequestRefusedException decided(Approval approval) {
        String message = "request " + approval.id() + " is not undecided, it is "
                + approval.state().name().toLowerCase(Locale.ROOT)
                + approval.decidedBy()
                        .map(operator -> ", decided by " + operator)
                        .orElse("");
        return new RequestRefusedException(409, ErrorResponse.of("already_decided", message));
    }

    /** What waits, oldest first. */
    public record Pending(List<ApprovalView> pending) {}
}
