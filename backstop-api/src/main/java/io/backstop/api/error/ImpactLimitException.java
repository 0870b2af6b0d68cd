package io.backstop.api.error;

/** The write changed more rows than the policy allows; it was rolled back and is held. */
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
