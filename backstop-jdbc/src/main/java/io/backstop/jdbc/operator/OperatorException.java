package io.backstop.jdbc.operator;

/** Reports that an operator's key or the file of operators cannot be used; the message says which and what to do. */
public final class OperatorException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String problem;

    public OperatorException(String problem, String hint) {
        super(problem + "\nHINT: " + hint);
        this.problem = problem;
    }

    public OperatorException(String problem, String hint, Throwable cause) {
        super(problem + "\nHINT: " + hint, cause);
        this.problem = problem;
    }

    /** The message without the hint. */
    public String problem() {
        return problem;
    }
}
