package io.backstop.server.internal.http;

/** An endpoint refuses a request. Carries the status and the body of the answer. */
public final class RequestRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final transient ErrorResponse problem;

    public RequestRefusedException(int status, ErrorResponse problem) {
        super(problem.message());
        this.status = status;
        this.problem = problem;
    }

    public static RequestRefusedException badRequest(String message) {
        return new RequestRefusedException(400, ErrorResponse.of("bad_request", message));
    }

    int status() {
        return status;
    }

    ErrorResponse problem() {
        return problem;
    }
}
