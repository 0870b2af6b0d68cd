package io.backstop.jdbc.policy;

/** Reports a policy that cannot be used. The message names the file, the key and the line, and what would be right. */
public final class InvalidPolicyException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidPolicyException(String message) {
        super(message);
    }

    InvalidPolicyException(String message, Throwable cause) {
        super(message, cause);
    }
}
