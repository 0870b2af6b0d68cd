package io.backstop.api.error;

/** The control store cannot be reached, so nothing but SAFE statements runs. */
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
