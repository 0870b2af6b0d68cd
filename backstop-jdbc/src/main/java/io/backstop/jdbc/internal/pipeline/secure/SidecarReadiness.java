package io.backstop.jdbc.internal.pipeline.secure;

import io.backstop.api.control.Heartbeat;
import io.backstop.api.control.Heartbeats;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.policy.RecoveryRules;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.snapshot.DatabaseIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
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

    /**
     * To be asked before anything else is done for a statement.
     *
     * @param database {@code host:port/name}
     * @throws RecoveryNotReadyException where no sidecar of this database was ever heard of, or too long ago
     */
    void require(RecoveryRules recovery, String database) throws BackstopException {
        if (!applies(recovery)) {
            return;
        }
        if (heartbeats.latest().isEmpty()) {
            throw new RecoveryNotReadyException("no sidecar has ever been heard of", HINT);
        }
        List<Instant> beats =
                heartbeats.of(database).stream().map(Heartbeat::at).toList();
        Instant latest = beats.stream()
                .max(Comparator.naturalOrder())
                .orElseThrow(() -> new RecoveryNotReadyException(
                        "no sidecar of database " + database + " has ever been heard of", HINT));
        if (beats.stream().noneMatch(at -> isAlive(at, recovery))) {
            Duration ahead = Duration.between(clock.instant(), latest);
            if (ahead.compareTo(recovery.recent().maxHeartbeatAge()) > 0) {
                throw new RecoveryNotReadyException(
                        "the sidecar's last heartbeat is dated " + ahead.toSeconds()
                                + " seconds in the future, so it says nothing about now",
                        "set the clocks of the sidecar and of this process to the same time, and " + HINT);
            }
            throw new RecoveryNotReadyException(
                    "the sidecar was last heard of "
                            + Duration.between(latest, clock.instant()).toSeconds()
                            + " seconds ago, longer than the "
                            + recovery.recent().maxHeartbeatAge().toSeconds() + " that the policy allows",
                    HINT);
        }
    }

    /**
     * To be asked when it is known, under lock, what the statement relies on.
     *
     * @param relied snapshots that were taken beforehand
     * @throws RecoveryNotReadyException where no living sidecar stores one of the tables
     */
    void requireCovers(RecoveryRules recovery, String database, List<SnapshotManifest> relied)
            throws BackstopException {
        if (!applies(recovery) || relied.isEmpty()) {
            return;
        }
        List<Heartbeat> alive = heartbeats.of(database).stream()
                .filter(heartbeat -> isAlive(heartbeat.at(), recovery))
                .toList();
        for (SnapshotManifest manifest : relied) {
            if (!covers(alive, manifest)) {
                throw new RecoveryNotReadyException(
                        "no sidecar that is alive stores table " + manifest.schema() + "." + manifest.table()
                                + " of database " + database
                                + manifest.server()
                                        .map(server -> " of " + server)
                                        .orElse("") + elsewhere(alive, manifest),
                        "give backstop sidecar the table too, or let the policy say"
                                + " \"require_sidecar_heartbeat\": false");
            }
        }
    }

    /** The snapshots are known to be of the session's own server and database. */
    private static boolean covers(List<Heartbeat> alive, SnapshotManifest manifest) {
        return DatabaseIdentity.of(manifest)
                .filter(of -> manifest.identity()
                        .map(TableIdentity::tableOid)
                        .filter(table -> alive.stream().anyMatch(heartbeat -> heartbeat.covers(of, table)))
                        .isPresent())
                .isPresent();
    }

    /** Why a sidecar that stores a table of that name does not count. */
    private static String elsewhere(List<Heartbeat> alive, SnapshotManifest manifest) {
        if (alive.stream().anyMatch(heartbeat -> heartbeat.identity().isEmpty())) {
            return "; one does not say of which server its tables are: it is of an earlier version, or its role may not"
                    + " execute pg_control_system()";
        }
        return alive.stream()
                .flatMap(heartbeat -> heartbeat.identity().stream())
                .map(DatabaseIdentity::server)
                .filter(server -> !manifest.server().equals(Optional.of(server)))
                .findFirst()
                .map(server -> "; one is there for a database of that name of " + server)
                .orElse("");
    }

    private static boolean applies(RecoveryRules recovery) {
        return recovery.snapshotMode() == SnapshotMode.RECENT
                && recovery.recent().requireHeartbeat();
    }

    /** A clock that runs ahead elsewhere must not keep a sidecar alive that is gone; a little ahead is no harm. */
    private boolean isAlive(Instant at, RecoveryRules recovery) {
        return Duration.between(at, clock.instant())
                        .abs()
                        .compareTo(recovery.recent().maxHeartbeatAge())
                <= 0;
    }
}
