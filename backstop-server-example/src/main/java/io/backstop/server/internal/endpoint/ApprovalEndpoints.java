package io.backstop.server.internal.endpoint;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.approval.ApprovalService;
import io.backstop.jdbc.approval.Decider;
import io.backstop.server.internal.http.ErrorResponse;
import io.backstop.server.internal.http.JsonBody;
import io.backstop.server.internal.http.QueryParameters;
import io.backstop.server.internal.http.RequestRefusedException;
import io.backstop.server.token.Caller;
import io.javalin.http.Context;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** The endpoints for approvals: list the pending requests, approve, deny. Thread-safe. */
public final class ApprovalEndpoints {
    private final ApprovalStore approvals;
    private final ApprovalService service;

    public ApprovalEndpoints(ApprovalStore approvals) {
        this.approvals = approvals;
        this.service = new ApprovalService(approvals);
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

    private Approval decide(String id, Caller caller, boolean approve)
            throws RequestRefusedException, ControlStoreUnavailableException {
        Decider decider = new Decider(caller.id(), caller.agentId());
        ApprovalDecision decision =
                (approve ? service.approve(id, decider) : service.deny(id, decider)).orElseThrow(() -> unknown(id));
        if (decision instanceof ApprovalDecision.Decided decided) {
            return decided.approval();
        }
        throw decision instanceof ApprovalDecision.NotYours
                ? ownRequest(decision.approval(), caller)
                : alreadyDecided(decision.approval());
    }

    private static RequestRefusedException ownRequest(Approval approval, Caller caller) {
        boolean held =
                caller.agentId().filter(approval.request().agentId()::equals).isPresent();
        String message = "the token " + caller.id() + (held ? " belongs to" : " has the name of")
                + " the agent that made the request " + approval.id() + "; an agent cannot approve for itself";
        return new RequestRefusedException(403, ErrorResponse.of("own_request", message));
    }

    private static RequestRefusedException unknown(String id) {
        return new RequestRefusedException(
                404,
                ErrorResponse.of("not_found", "there is no request " + id + "; GET /pending lists those that wait"));
    }

    private static RequestRefusedException alreadyDecided(Approval approval) {
        String message = "request " + approval.id() + " is not undecided, it is "
                + approval.state().name().toLowerCase(Locale.ROOT)
                + approval.decidedBy()
                        .map(operator -> ", decided by " + operator)
                        .orElse("");
        return new RequestRefusedException(409, ErrorResponse.of("already_decided", message));
    }

    /** The pending requests, oldest first. */
    public record Pending(List<ApprovalView> pending) {}
}
