package io.backstop.server.internal.endpoint;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.approval.ApprovalFilter;
import io.backstop.jdbc.approval.ApprovalService;
import io.backstop.jdbc.approval.ApprovalView;
import io.backstop.jdbc.approval.Decider;
import io.backstop.jdbc.operator.OperatorKey;
import io.backstop.server.internal.http.ErrorResponse;
import io.backstop.server.internal.http.JsonBody;
import io.backstop.server.internal.http.QueryParameters;
import io.backstop.server.internal.http.RequestRefusedException;
import io.backstop.server.token.Caller;
import io.javalin.http.Context;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The endpoints for approvals: list the pending requests, show one, approve, deny. Thread-safe. */
public final class ApprovalEndpoints {
    private static final int MOST_LISTED = 1_000;
    private static final int MAX_REASON_LENGTH = 1_000;

    private final ApprovalStore approvals;
    private final ApprovalService service;

    /** @param key signs every decision; empty for decisions that nobody signs */
    public ApprovalEndpoints(ApprovalStore approvals, Optional<OperatorKey> key) {
        this.approvals = approvals;
        this.service = new ApprovalService(approvals, key);
    }

    public Pending pending(Context request, Caller caller)
            throws RequestRefusedException, ControlStoreUnavailableException {
        QueryParameters parameters = QueryParameters.of(request, "agent_id", "risk", "table", "limit");
        ApprovalFilter filter =
                new ApprovalFilter(parameters.text("agent_id"), parameters.risk("risk"), parameters.text("table"));
        return new Pending(approvals.list(ApprovalState.PENDING).stream()
                .filter(filter)
                .limit(parameters.number("limit", MOST_LISTED, MOST_LISTED))
                .map(ApprovalView::of)
                .toList());
    }

    public ApprovalView show(Context request, Caller caller)
            throws RequestRefusedException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        String id = request.pathParam("id");
        return ApprovalView.of(approvals.find(id).orElseThrow(() -> unknown(id)));
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
        return ApprovalView.of(decide(request.pathParam("id"), caller, approve, reason(request)));
    }

    private static String reason(Context request) throws RequestRefusedException, IOException {
        @Nullable
        JsonNode reason = JsonBody.optional(request, Set.of("reason"))
                .map(body -> body.get("reason"))
                .orElse(null);
        if (reason == null) {
            return "";
        }
        if (!reason.isString() || reason.asString().length() > MAX_REASON_LENGTH) {
            throw RequestRefusedException.badRequest(
                    "reason has to be a text of at most " + MAX_REASON_LENGTH + " characters");
        }
        return reason.asString().strip();
    }

    private Approval decide(String id, Caller caller, boolean approve, String reason)
            throws RequestRefusedException, ControlStoreUnavailableException {
        Decider decider = new Decider(caller.operator().orElse(caller.id()), caller.agentId());
        ApprovalDecision decision = (approve ? service.approve(id, decider, reason) : service.deny(id, decider, reason))
                .orElseThrow(() -> unknown(id));
        if (decision instanceof ApprovalDecision.Decided decided) {
            return decided.approval();
        }
        if (decision instanceof ApprovalDecision.NotYours) {
            throw ownRequest(decision.approval(), caller);
        }
        if (decision instanceof ApprovalDecision.NotSigned) {
            throw notSigned(decision.approval());
        }
        throw alreadyDecided(decision.approval());
    }

    private static RequestRefusedException notSigned(Approval approval) {
        return new RequestRefusedException(
                403,
                ErrorResponse.of(
                        "signature_required",
                        "request " + approval.id()
                                + " can only be approved with an operator's signature, and this server"
                                + " was started without --operator-key"));
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
