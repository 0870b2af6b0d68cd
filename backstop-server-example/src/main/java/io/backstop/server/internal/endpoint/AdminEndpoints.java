package io.backstop.server.internal.endpoint;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.control.ControlStatus;
import io.backstop.jdbc.operator.OperatorsFile;
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
    private final Optional<OperatorsFile> operators;

    /** @param operators whose approvals count; empty where no signature is needed */
    public AdminEndpoints(ControlStore store, Optional<OperatorsFile> operators) {
        this.store = store;
        this.operators = operators;
    }

    public ControlStatus pause(Context request, Caller caller)
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

    public ControlStatus resume(Context request, Caller caller)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        JsonBody.none(request);
        store.pause().resume(caller.id());
        return status();
    }

    public ControlStatus status(Context request, Caller caller)
            throws RequestRefusedException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        return status();
    }

    private ControlStatus status() throws ControlStoreUnavailableException {
        return ControlStatus.of(store, ControlStatus.Signatures.of(operators, Optional.empty()));
    }
}
