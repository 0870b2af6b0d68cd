package io.backstop.api.error;

/** The agent was refused too often and has to wait. */
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
