package io.backstop.server;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.MethodNotAllowedResponse;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.util.Locale;

/** Writes answers, and failures as {@link Problem}s that tell nothing about the inside. */
final class Answers {
    private static final Logger LOG = LoggerFactory.getLogger(Answers.class);

    private Answers() {}

    static void ok(Context request, Object value) {
        write(request, 200, value);
    }

    static void refused(RequestRefusedException refusal, Context request) {
        if (refusal.status() == 401) {
            request.header("WWW-Authenticate", "Bearer");
        }
        write(request, refusal.status(), refusal.problem());
    }

    /** What Javalin itself refuses: unknown paths and methods, for the most part. */
    static void refused(HttpResponseException refusal, Context request) {
        if (refusal instanceof MethodNotAllowedResponse) {
            String allowed = refusal.getDetails().get("availableMethods");
            if (allowed != null) {
                request.header("Allow", allowed);
            }
        }
        write(request, refusal.getStatus(), problem(refusal.getStatus()));
    }

    static void controlStoreUnavailable(ControlStoreUnavailableException failure, Context request) {
        LOG.error("{} {} was not done", request.method(), request.path(), failure);
        write(
                request,
                503,
                Problem.of("control_store_unavailable", "the control store cannot be used; the server's log says why"));
    }

    static void storageUnavailable(IOException failure, Context request) {
        LOG.error("{} {} was not done", request.method(), request.path(), failure);
        write(
                request,
                503,
                Problem.of("storage_unavailable", "the snapshot storage cannot be read; the server's log says why"));
    }

    static void failed(Exception failure, Context request) {
        LOG.error("{} {} failed", request.method(), request.path(), failure);
        write(request, 500, problem(500));
    }

    /** What Javalin does not take for a failure of a request: a lack of memory, a class that is not there. */
    static void failed(HttpServletResponse response, Error failure) {
        LOG.error("a request failed", failure);
        response.setStatus(500);
        response.setContentType(Json.MEDIA_TYPE);
        try {
            response.getOutputStream().write(Json.bytes(problem(500)));
        } catch (IOException e) {
            LOG.warn("the failure could not be told to the client", e);
        }
    }

    /** What a status alone tells. */
    static Problem problem(int status) {
        return switch (status) {
            case 404 -> Problem.of("not_found", "there is nothing under this address");
            case 405 -> Problem.of("method_not_allowed", "this address does not take this method");
            case 413 -> Problem.of("content_too_large", "the request is too large");
            case 414, 431 -> Problem.of("header_too_large", "the address or the headers are too large");
            case 500 -> Problem.of("internal_error", "the request failed; the server's log says why");
            default ->
                status < 500
                        ? Problem.of("bad_request", "the request is not one that can be understood")
                        : Problem.of(
                                "unavailable",
                                "the request cannot be answered now (" + String.format(Locale.ROOT, "%03d", status)
                                        + ")");
        };
    }

    private static void write(Context request, int status, Object value) {
        request.status(status)
                .contentType(Json.MEDIA_TYPE)
                .header("Cache-Control", "no-store")
                .header("X-Content-Type-Options", "nosniff")
                .result(Json.bytes(value));
    }
}
