package io.backstop.server.token;

import java.util.Arrays;
import java.util.Optional;

/**
 * A permission of a token. No scope includes another: {@code admin:*} allows everything below {@code /admin} and nothing
 * else, so that the person who may pause need not be the one who may approve. Immutable, thread-safe.
 */
public enum Scope {
    ADMIN("admin:*"),
    APPROVAL_READ("approval:read"),
    APPROVAL_WRITE("approval:write"),
    METADATA_READ("metadata:read"),
    METRICS_READ("metrics:read");

    private final String text;

    Scope(String text) {
        this.text = text;
    }

    /** The scope as token files and answers spell it. */
    public String text() {
        return text;
    }

    static Optional<Scope> of(String text) {
        return Arrays.stream(values()).filter(scope -> scope.text.equals(text)).findFirst();
    }
}
