package io.backstop.api.control;

import java.time.Instant;
import java.util.Objects;

/** A pause in force: why, by whom, since when. */
public record Pause(String reason, String operator, Instant since) {
    public Pause {
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(operator, "operator");
        Objects.requireNonNull(since, "since");
    }
}
