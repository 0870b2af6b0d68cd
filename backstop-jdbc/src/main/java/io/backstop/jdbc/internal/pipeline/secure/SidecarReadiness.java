package io.backstop.jdbc.internal.pipeline.secure;

import io.backstop.api.control.Heartbeats;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.policy.RecoveryRules;
import io.backstop.api.policy.SnapshotMode;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Whether the sidecar is there to have taken the snapshots, where the policy counts on it. Thread-safe. */
public final class SidecarReadiness {
    private static final String HINT =
            "start backstop sidecar, or let the policy say \"require_sidecar_heartbeat\": false";

    private final Heartbeats heartbeats;
    private final Clock clock;

    public SidecarReadiness(Heartbeats heartbeats, Clock clock) {
        this.heartbeats = heartbeats;
        this.clock = clock;
    }

    /** @throws RecoveryNotReadyException where it was never heard of, or too long ago */
    void require(RecoveryRules recovery) throws BackstopException {
        if (recovery.snapshotMode() != SnapshotMode.RECENT || !recovery.recent().requireHeartbeat()) {
            return;
        }
        Optional<Instant> latest = heartbeats.latest();
        if (latest.isEmpty()) {
            throw new RecoveryNotReadyException("no sidecar has ever been heard of", HINT);
        }
        Duration silence = Duration.between(latest.get(), clock.instant());
        if (silence.compareTo(recovery.recent().maxHeartbeatAge()) > 0) {
            throw new RecoveryNotReadyException(
                    "the sidecar was last heard of " + silence.toSeconds() + " seconds ago, longer than the "
                            + recovery.recent().maxHeartbeatAge().toSeconds() + " that the policy allows",
                    HINT);
        }
    }
}
