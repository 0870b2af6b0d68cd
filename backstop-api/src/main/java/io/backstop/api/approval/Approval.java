package io.backstop.api.approval;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A request for approval with its present state and decision. Immutable, thread-safe.
 *
 * @param id {@code appr_} and sixteen hexadecimal digits
 * @param request what was asked
 * @param state where it stands
 * @param createdAt when it was asked
 * @param expiresAt until when it can be decided or, once approved, used
 * @param decision who decided it, and how; empty while it is undecided
 */
public record Approval(
        String id,
        ApprovalRequest request,
        ApprovalState state,
        Instant createdAt,
        Instant expiresAt,
        Optional<Decision> decision) {
    public Approval {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(createdAt, "createdAt");
        Objects.requireNonNull(expiresAt, "expiresAt");
        Objects.requireNonNull(decision, "decision");
    }

    /** How long it can be decided and, once approved, used: the same span for both. */
    public Duration lifetime() {
        return Duration.between(createdAt, expiresAt);
    }

    /** Who decided; empty while it is undecided. */
    public Optional<String> decidedBy() {
        return decision.map(Decision::by);
    }

    /** When it was decided; empty while it is undecided. */
    public Optional<Instant> decidedAt() {
        return decision.map(Decision::at);
    }
}
