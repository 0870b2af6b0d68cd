package io.backstop.server.token;

import java.util.Arrays;
import java.util.Optional;

/**
 * A permission of a token. Each scope stands for itself alone: {@code admin:*} is everything below {@code /admin} and nothing
 * else, so that whoever may pull the brake can be somebody else than whoever may say yes.
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

    /** As token files and answers write it. */
    public String text() {
        return text;
    }

    static Optional<Scope> of(String text) {
        return Arrays.stream(values()).filter(scope -> scope.text.equals(text)).findFirst();
    }
}
