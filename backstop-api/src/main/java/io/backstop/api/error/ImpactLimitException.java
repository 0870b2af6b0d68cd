package io.backstop.api.error;

/**
 * Reports that a write changed more rows than the policy allows and was rolled back, or that its rows cannot be counted
 * (SQLSTATE ZB010). If the write is held for approval, the cause is an {@link ApprovalRequiredException}.
 */
public final class ImpactLimitException extends BackstopException {
    public static final String SQL_STATE = "ZB010";
    private static final long serialVersionUID = 1L;

    public ImpactLimitException(String problem, String hint) {
        super(SQL_STATE, problem, hint);
    }

    public ImpactLimitException(String problem, String hint, Throwable cause) {
        super(SQL_STATE, problem, hint, cause);
    }
}
