package io.backstop.recovery.model;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * A recovery that did not happen; the database is as it was. Its message says in lower case what could not be done and
 * names the object, then {@code HINT:} and what to do; it holds no values of rows and no credentials.
 */
public final class RecoveryException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String problem;
    private final String hint;

    public RecoveryException(String problem, String hint) {
        this(problem, hint, null);
    }

    public RecoveryException(String problem, String hint, @Nullable Throwable cause) {
        super(problem + "\nHINT: " + hint, cause);
        this.problem = problem;
        this.hint = hint;
    }

    /** The same with what went before it and may be why. */
    public RecoveryException after(List<String> reasons) {
        return reasons.isEmpty()
                ? this
                : new RecoveryException(problem + "; " + String.join("; ", reasons), hint, getCause());
    }

    /** What to do about it. */
    public String hint() {
        return hint;
    }
}
