package io.backstop.api.error;

/** No verified snapshot of the rows could be had, so the statement did not run. */
public final class RecoveryNotReadyException extends BackstopException {
    public static final String SQL_STATE = "ZB007";
    private static final long serialVersionUID = 1L;

    public RecoveryNotReadyException(String problem, String hint) {
        super(SQL_STATE, problem, hint);
    }

    public RecoveryNotReadyException(String problem, String hint, Throwable cause) {
        super(SQL_STATE, problem, hint, cause);
    }
}
