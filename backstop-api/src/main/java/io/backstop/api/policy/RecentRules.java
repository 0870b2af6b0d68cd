package io.backstop.api.policy;

import java.time.Duration;

/**
 * The conditions under which a destructive statement may run in mode {@link SnapshotMode#RECENT}. Immutable,
 * thread-safe.
 *
 * @param maxSnapshotAge how long ago the rows of a snapshot may have been read; positive
 * @param requireHeartbeat whether the sidecar, which takes the snapshots, has to be alive
 * @param maxHeartbeatAge how long ago it may have been heard of last; positive
 */
public record RecentRules(Duration maxSnapshotAge, boolean requireHeartbeat, Duration maxHeartbeatAge) {
    public RecentRules {
        if (maxSnapshotAge.isNegative() || maxSnapshotAge.isZero()) {
            throw new IllegalArgumentException("max_snapshot_age_seconds has to be at least 1");
        }
        if (maxHeartbeatAge.isNegative() || maxHeartbeatAge.isZero()) {
            throw new IllegalArgumentException("max_sidecar_heartbeat_seconds has to be at least 1");
        }
    }

    public static RecentRules defaults() {
        return new RecentRules(Duration.ofMinutes(5), true, Duration.ofMinutes(2));
    }
}
