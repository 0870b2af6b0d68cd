package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.schema.TableDescription;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds, and does not verify, the snapshots that were taken beforehand of tables that a statement is about to destroy. Rows written since are
 * not in them: whoever chooses this chose that. Everything else has to hold as if they had just been taken: of this
 * database, valid, and with the columns that the table has now.
 */
final class RecentSnapshots {
    private static final String HINT =
            "have the sidecar take it, or take it with backstop snapshots create, and run the statement again";

    private final SnapshotArchive archive;
    private final Clock clock;

    RecentSnapshots(SnapshotArchive archive, Clock clock) {
        this.archive = archive;
        this.clock = clock;
    }

    /**
     * One for each table, which are locked.
     *
     * @param database {@code host:port/name}, as the manifests have to say it too
     */
    List<SnapshotManifest> of(CallerSession session, BlastRadius radius, String database, Duration maxAge)
            throws SQLException, IOException, RecoveryNotReadyException {
        Map<Long, TableDescription> descriptions = new TableDescriber()
                .describe(session.connection(), radius.tables().keySet());
        List<SnapshotManifest> covering = new ArrayList<>();
        for (Relation relation : radius.relations()) {
            SnapshotManifest newest = newest(relation, database);
            long age = Duration.between(newest.createdAt(), clock.instant()).toSeconds();
            if (newest.createdAt().isBefore(clock.instant().minus(maxAge))) {
                throw new RecoveryNotReadyException(
                        "the newest snapshot of table " + relation.name() + ", " + newest.snapshotId() + ", is " + age
                                + " seconds old, more than the " + maxAge.toSeconds() + " that the policy allows",
                        HINT);
            }
            TableDescription description = descriptions.get(relation.oid());
            if (description == null || !TableCopier.columns(description).equals(newest.columns())) {
                throw new RecoveryNotReadyException(
                        "table " + relation.name() + " has other columns than its newest snapshot "
                                + newest.snapshotId(),
                        HINT);
            }
            covering.add(newest);
        }
        return List.copyOf(covering);
    }

    private SnapshotManifest newest(Relation relation, String database) throws IOException, RecoveryNotReadyException {
        Instant now = clock.instant();
        Optional<SnapshotManifest> newest = archive.newest(
                relation.name().schema().orElseThrow(),
                relation.name().name(),
                manifest -> manifest.coverage() == SnapshotManifest.Coverage.TABLE
                        && manifest.database().equals(database)
                        // A clock that runs ahead elsewhere must not make an old snapshot look young for ever.
                        && !manifest.createdAt().isAfter(now));
        return newest.orElseThrow(() -> new RecoveryNotReadyException(
                "there is no snapshot of table " + relation.name() + " of database " + database, HINT));
    }
}
