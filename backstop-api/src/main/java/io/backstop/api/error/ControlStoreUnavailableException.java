package io.backstop.api.error;

/** Reports that the control store cannot be reached, so that only SAFE statements run (SQLSTATE ZB008). */
public final class ControlStoreUnavailableException extends BackstopException {
    public static final String SQL_STATE = "ZB008";
    private static final long serialVersionUID = 1L;

    public ControlStoreUnavailableException(String problem, String hint) {
        super(SQL_STATE, problem, hint);
    }

    public ControlStoreUnavailableException(String problem, String hint, Throwable cause) {
        super(SQL_STATE, problem, hint, cause);
    }
}
