package io.backstop.server.internal.http;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.http.MethodNotAllowedResponse;
import jakarta.servlet.http.HttpServletResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Writes answers. A failure becomes an {@link ErrorResponse} that tells nothing about the process. Stateless,
 * thread-safe.
 */
public final class ResponseWriter {
    private static final Logger LOG = LoggerFactory.getLogger(ResponseWriter.class);

    private ResponseWriter() {}

    public static void ok(Context request, Object value) {
        write(request, 200, value);
    }

    public static void refused(RequestRefusedException refusal, Context request) {
        if (refusal.status() == 401) {
            request.header("WWW-Authenticate", "Bearer");
        }
        write(request, refusal.status(), refusal.problem());
    }

    /** Answers requests that Javalin itself refuses, mostly for an unknown path or method. */
    public static void refused(HttpResponseException refusal, Context request) {
        if (refusal instanceof MethodNotAllowedResponse) {
            String allowed = refusal.getDetails().get("availableMethods");
            if (allowed != null) {
                request.header("Allow", allowed);
            }
        }
        write(request, refusal.getStatus(), problem(refusal.getStatus()));
    }

    public static void controlStoreUnavailable(ControlStoreUnavailableException failure, Context request) {
        LOG.error("{} {} was not done", request.method(), request.path(), failure);
        write(
                request,
                503,
                ErrorResponse.of(
                        "control_store_unavailable", "the control store cannot be used; the server's log says why"));
    }

    public static void storageUnavailable(IOException failure, Context request) {
        LOG.error("{} {} was not done", request.method(), request.path(), failure);
        write(
                request,
                503,
                ErrorResponse.of(
                        "storage_unavailable", "the snapshot storage cannot be read; the server's log says why"));
    }

    public static void failed(Exception failure, Context request) {
        LOG.error("{} {} failed", request.method(), request.path(), failure);
        write(request, 500, problem(500));
    }

    /**
     * Answers after an {@link Error}, which Javalin does not pass to exception handlers: no memory, a missing class.
     */
    public static void failed(HttpServletResponse response, Error failure) {
        LOG.error("a request failed", failure);
        response.setStatus(500);
        response.setContentType(HttpJson.MEDIA_TYPE);
        try {
            response.getOutputStream().write(HttpJson.bytes(problem(500)));
        } catch (IOException e) {
            LOG.warn("the failure could not be told to the client", e);
        }
    }

    /** The error for a status of which nothing more is known. */
    static ErrorResponse problem(int status) {
        return switch (status) {
            case 404 -> ErrorResponse.of("not_found", "there is nothing under this address");
            case 405 -> ErrorResponse.of("method_not_allowed", "this address does not take this method");
            case 413 -> ErrorResponse.of("content_too_large", "the request is too large");
            case 414, 431 -> ErrorResponse.of("header_too_large", "the address or the headers are too large");
            case 500 -> ErrorResponse.of("internal_error", "the request failed; the server's log says why");
            default ->
                status < 500
                        ? ErrorResponse.of("bad_request", "the request is not one that can be understood")
                        : ErrorResponse.of(
                                "unavailable",
                                "the request cannot be answered now (" + String.format(Locale.ROOT, "%03d", status)
                                        + ")");
        };
    }

    /** What is not JSON. */
    public static void text(Context request, String mediaType, String text) {
        write(request, 200, mediaType, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void write(Context request, int status, Object value) {
        write(request, status, HttpJson.MEDIA_TYPE, HttpJson.bytes(value));
    }

    private static void write(Context request, int status, String mediaType, byte[] content) {
        request.status(status)
                .contentType(mediaType)
                .header("Cache-Control", "no-store")
                .header("X-Content-Type-Options", "nosniff")
                .result(content);
    }
}
