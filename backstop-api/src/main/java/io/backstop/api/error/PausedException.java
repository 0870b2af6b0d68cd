package io.backstop.api.error;

/** Reports that an operator paused everything that is not SAFE (SQLSTATE ZB005). */
public final class PausedException extends BackstopException {
    public static final String SQL_STATE = "ZB005";
    private static final long serialVersionUID = 1L;

    public PausedException(String problem, String hint) {
        super(SQL_STATE, problem, hint);
    }

    public PausedException(String problem, String hint, Throwable cause) {
        super(SQL_STATE, problem, hint, cause);
    }
}
