package io.backstop.api.audit;

import io.backstop.api.analysis.RiskLevel;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * Selects audit records: those that pass every filter that is set. Immutable, thread-safe.
 *
 * @param limit at most how many records; 0 or more
 * @param risk only those of exactly this risk
 * @param agentId only what this agent sent or this operator did
 * @param since only what happened then or later
 */
public record AuditQuery(int limit, Optional<RiskLevel> risk, Optional<String> agentId, Optional<Instant> since) {
    public AuditQuery {
        if (limit < 0) {
            throw new IllegalArgumentException("the limit has to be 0 or more, it is " + limit);
        }
        Objects.requireNonNull(risk, "risk");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(since, "since");
    }

    /** All records, at most {@code limit}. */
    public static AuditQuery unfiltered(int limit) {
        return new AuditQuery(limit, Optional.empty(), Optional.empty(), Optional.empty());
    }
}
