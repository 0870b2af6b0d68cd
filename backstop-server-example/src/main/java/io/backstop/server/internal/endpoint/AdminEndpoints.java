package io.backstop.server.internal.endpoint;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Pause;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.server.internal.http.JsonBody;
import io.backstop.server.internal.http.QueryParameters;
import io.backstop.server.internal.http.RequestRefusedException;
import io.backstop.server.token.Caller;
import io.javalin.http.Context;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** The endpoints below {@code /admin}: pause, resume, status. Thread-safe. */
public final class AdminEndpoints {
    private static final int MAX_REASON_LENGTH = 1_000;

    private final ControlStore store;

    public AdminEndpoints(ControlStore store) {
        this.store = store;
    }

    public Status pause(Context request, Caller caller)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        JsonNode reason = JsonBody.object(request, Set.of("reason")).get("reason");
        if (reason == null
                || !reason.isString()
                || reason.asString().isBlank()
                || reason.asString().length() > MAX_REASON_LENGTH) {
            throw RequestRefusedException.badRequest("reason has to be a text of 1 to " + MAX_REASON_LENGTH
                    + " characters: everybody who is refused will read it");
        }
        store.pause().pause(reason.asString().strip(), caller.id());
        return status();
    }

    public Status resume(Context request, Caller caller)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        JsonBody.none(request);
        store.pause().resume(caller.id());
        return status();
    }

    public Status status(Context request, Caller caller)
            throws RequestRefusedException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        return status();
    }

    private Status status() throws ControlStoreUnavailableException {
        Optional<Pause> pause = store.pause().current();
        int pending = store.approvals().list(ApprovalState.PENDING).size();
        return new Status(pause.isPresent(), pause, pending);
    }

    /** Whether writes are paused, why, and how many statements wait; {@code backstop status --json} prints the same. */
    public record Status(boolean paused, Optional<Pause> pause, int pending) {}
}
