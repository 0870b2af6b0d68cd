package io.backstop.api.error;

/** Reports a call that would lead around the guard (SQLSTATE ZB009). */
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
