package io.backstop.api.error;

/** A way around the guard was tried. */
public final class UnguardedAccessException extends BackstopException {
    public static final String SQL_STATE = "ZB009";
    private static final long serialVersionUID = 1L;

    public UnguardedAccessException(String problem, String hint) {
        super(SQL_STATE, problem, hint);
    }

    public UnguardedAccessException(String problem, String hint, Throwable cause) {
        super(SQL_STATE, problem, hint, cause);
    }
}
