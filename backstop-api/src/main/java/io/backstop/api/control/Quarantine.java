package io.backstop.api.control;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * An agent's quarantine. Immutable, thread-safe.
 *
 * @param agentId the agent
 * @param since when it began
 * @param until when it ends
 * @param statements the refused statements that led to it, oldest first, secrets in them masked and long ones cut
 */
public record Quarantine(String agentId, Instant since, Instant until, List<String> statements) {
    public Quarantine {
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(since, "since");
        Objects.requireNonNull(until, "until");
        statements = List.copyOf(statements);
    }
}
