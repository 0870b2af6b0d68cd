package io.backstop.api.error;

/** Reports that the policy blocks the statement; no approval lets it run (SQLSTATE ZB001). */
public final class StatementBlockedException extends BackstopException {
    public static final String SQL_STATE = "ZB001";
    private static final long serialVersionUID = 1L;

    public StatementBlockedException(String problem, String hint) {
        super(SQL_STATE, problem, hint);
    }

    public StatementBlockedException(String problem, String hint, Throwable cause) {
        super(SQL_STATE, problem, hint, cause);
    }
}
