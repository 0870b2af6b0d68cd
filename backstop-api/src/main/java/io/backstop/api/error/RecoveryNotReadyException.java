package io.backstop.api.error;

/**
 * Reports that the rows of a statement could not be secured by a verified snapshot; the statement did not run, or was
 * undone (SQLSTATE ZB007).
 */
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
