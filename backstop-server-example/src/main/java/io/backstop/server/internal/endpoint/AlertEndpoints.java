package io.backstop.server.internal.endpoint;

import io.backstop.api.control.Alert;
import io.backstop.api.control.Alerts;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.control.AlertView;
import io.backstop.server.internal.http.ErrorResponse;
import io.backstop.server.internal.http.JsonBody;
import io.backstop.server.internal.http.QueryParameters;
import io.backstop.server.internal.http.RequestRefusedException;
import io.backstop.server.token.Caller;
import io.javalin.http.Context;

import java.io.IOException;
import java.util.List;

/** The endpoints for alerts: list, acknowledge. Thread-safe. */
public final class AlertEndpoints {
    private static final int DEFAULT_ALERTS = 100;
    private static final int MOST_ALERTS = 1_000;

    private final Alerts alerts;

    public AlertEndpoints(Alerts alerts) {
        this.alerts = alerts;
    }

    public List<AlertView> list(Context request, Caller caller)
            throws RequestRefusedException, ControlStoreUnavailableException {
        QueryParameters query = QueryParameters.of(request, "limit", "acknowledged");
        int limit = query.number("limit", DEFAULT_ALERTS, MOST_ALERTS);
        return alerts.newest(limit, !query.flag("acknowledged", true)).stream()
                .map(AlertView::of)
                .toList();
    }

    public AlertView acknowledge(Context request, Caller caller)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        QueryParameters.of(request);
        JsonBody.none(request);
        String id = request.pathParam("id");
        Alert alert = alerts.acknowledge(id, caller.operator().orElse(caller.id()))
                .orElseThrow(() -> new RequestRefusedException(
                        404,
                        ErrorResponse.of(
                                "not_found", "there is no alert " + id + "; GET /metadata/alerts lists them")));
        return AlertView.of(alert);
    }
}
