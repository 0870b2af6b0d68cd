package io.backstop.api.control;

import java.time.Instant;
import java.util.Objects;

/** A pause in force: its reason, its operator, its beginning. Immutable, thread-safe. */
public record Pause(String reason, String operator, Instant since) {
    public Pause {
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(operator, "operator");
        Objects.requireNonNull(since, "since");
    }
}
