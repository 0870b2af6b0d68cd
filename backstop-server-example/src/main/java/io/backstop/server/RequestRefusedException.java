package io.backstop.server;

/** A request is not answered with what it asked for, but with a problem and a status. */
final class RequestRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final transient Problem problem;

    RequestRefusedException(int status, Problem problem) {
        super(problem.message());
        this.status = status;
        this.problem = problem;
    }

    static RequestRefusedException badRequest(String message) {
        return new RequestRefusedException(400, Problem.of("bad_request", message));
    }

    int status() {
        return status;
    }

    Problem problem() {
        return problem;
    }
}
