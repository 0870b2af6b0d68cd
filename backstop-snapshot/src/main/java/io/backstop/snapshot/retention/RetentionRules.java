package io.backstop.snapshot.retention;

import java.time.Duration;

/**
 * The times for which snapshots are kept. Immutable, thread-safe.
 *
 * @param olderThan what is older is removed unless something keeps it; not negative
 * @param approvalRetention how long an approval keeps the snapshots of its statement, and a use those that a statement
 *     relied on, the latter for at least {@link #SHORTEST_FOR_UNFINISHED}; not negative
 */
public record RetentionRules(Duration olderThan, Duration approvalRetention) {
    public static final Duration DEFAULT_APPROVAL_RETENTION = Duration.ofDays(30);

    /**
     * How long nothing was stored for a snapshot before it counts as given up. The tables of a group are published
     * together, so a small one may wait for a large one.
     */
    public static final Duration SHORTEST_FOR_UNFINISHED = Duration.ofDays(1);

    public RetentionRules {
        if (olderThan.isNegative() || approvalRetention.isNegative()) {
            throw new IllegalArgumentException("a time to keep snapshots cannot be negative");
        }
    }

    /** How long a use keeps the snapshots that a statement relied on; never shorter than the statement may still run. */
    Duration uses() {
        return approvalRetention.compareTo(SHORTEST_FOR_UNFINISHED) < 0 ? SHORTEST_FOR_UNFINISHED : approvalRetention;
    }

    Duration unfinished() {
        return olderThan.compareTo(SHORTEST_FOR_UNFINISHED) < 0 ? SHORTEST_FOR_UNFINISHED : olderThan;
    }
}
