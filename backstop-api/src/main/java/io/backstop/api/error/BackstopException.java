package io.backstop.api.error;

import java.sql.SQLNonTransientException;

/**
 * A refusal by Backstop. Its message says in lower case what was refused and names the object, then {@code HINT:} and
 * what to do next; it holds no bind values and no credentials. Connection pools do not take its SQLSTATE class, ZB, for
 * a dead connection.
 */
public abstract class BackstopException extends SQLNonTransientException {
    private static final long serialVersionUID = 1L;

    private final String problem;
    private final String hint;

    protected BackstopException(String sqlState, String problem, String hint, Throwable cause) {
        super(problem + "\nHINT: " + hint, sqlState, cause);
        this.problem = problem;
        this.hint = hint;
    }

    protected BackstopException(String sqlState, String problem, String hint) {
        super(problem + "\nHINT: " + hint, sqlState);
        this.problem = problem;
        this.hint = hint;
    }

    /** The message without its hint: the refused object and the reason. */
    public String problem() {
        return problem;
    }

    /** The hint: what to do next. */
    public String hint() {
        return hint;
    }
}
