package io.backstop.api.error;

/**
 * Reports that the agent is in quarantine, because too many of its statements were blocked or denied (SQLSTATE ZB006).
 */
public final class AgentQuarantinedException extends BackstopException {
    public static final String SQL_STATE = "ZB006";
    private static final long serialVersionUID = 1L;

    public AgentQuarantinedException(String problem, String hint) {
        super(SQL_STATE, problem, hint);
    }

    public AgentQuarantinedException(String problem, String hint, Throwable cause) {
        super(SQL_STATE, problem, hint, cause);
    }
}
