package io.backstop.api.approval;

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
 * @param decidedBy the operator; empty while it is undecided
 * @param decidedAt the time of the decision; empty while it is undecided
 */
public record Approval(
        String id,
        ApprovalRequest request,
        ApprovalState state,
        Instant createdAt,
        Instant expiresAt,
        Optional<String> decidedBy,
        Optional<Instant> decidedAt) {
    public Approval {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(createdAt, "createdAt");
        Objects.requireNonNull(expiresAt, "expiresAt");
        Objects.requireNonNull(decidedBy, "decidedBy");
        Objects.requireNonNull(decidedAt, "decidedAt");
    }
}
