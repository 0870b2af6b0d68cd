package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.RowsSince;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.describe.TableIdentities;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.schema.TableDescription;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Finds, and does not verify, the snapshots that were taken beforehand of tables that a statement is about to destroy. Rows written since are
 * not in them: whoever chooses this chose that; about how many there are is told. Everything else has to hold as if they had
 * just been taken: of this database and this table, not only of its name, valid, and with the columns that it has now; and
 * where the table itself goes, with all the definitions that go with it.
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
     * @param dropped whether definitions go too
     */
    Covering of(CallerSession session, BlastRadius radius, String database, Duration maxAge, boolean dropped)
            throws SQLException, IOException, RecoveryNotReadyException {
        // A transaction that has looked at statistics before would be told these again (monitoring statistics, 27.2.2).
        session.value("SELECT pg_catalog.pg_stat_clear_snapshot()");
        Map<Long, TableDescription> descriptions = new TableDescriber()
                .describe(session.connection(), radius.tables().keySet());
        Map<Long, TableIdentity> identities =
                TableIdentities.read(session, radius.tables().keySet());
        List<SnapshotManifest> covering = new ArrayList<>();
        RowsSince since = new RowsSince(0, false);
        for (Relation relation : radius.relations()) {
            TableIdentity identity = identities.get(relation.oid());
            SnapshotManifest newest = newest(relation, database, identity);
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
            if (dropped && !archive.description(newest).definitions().equals(description.definitions())) {
                throw new RecoveryNotReadyException(
                        "table " + relation.name() + ", or what belongs to it, is defined otherwise than in its newest"
                                + " snapshot " + newest.snapshotId(),
                        HINT);
            }
            covering.add(newest);
            since = since.plus(since(newest, identity, relation));
        }
        return new Covering(covering, since);
    }

    /** By the server's counters; where these were reset, all rows of the table may have been written since. */
    private static RowsSince since(SnapshotManifest snapshot, @Nullable TableIdentity identity, Relation relation) {
        long then = snapshot.identity().map(TableIdentity::writes).orElse(Long.MAX_VALUE);
        long now = identity == null ? 0 : identity.writes();
        return now >= then ? new RowsSince(now - then, false) : new RowsSince(relation.estimatedRows(), true);
    }

    private SnapshotManifest newest(Relation relation, String database, @Nullable TableIdentity identity)
            throws IOException, RecoveryNotReadyException {
        Instant now = clock.instant();
        Predicate<SnapshotManifest> named = manifest -> manifest.coverage() == SnapshotManifest.Coverage.TABLE
                && manifest.database().equals(database)
                // A clock that runs ahead elsewhere must not make an old snapshot look young for ever.
                && !manifest.createdAt().isAfter(now);
        Optional<SnapshotManifest> same = newest(
                relation,
                named.and(manifest -> identity != null
                        && manifest.identity().filter(identity::isSameAs).isPresent()));
        if (same.isPresent()) {
            return same.get();
        }
        Optional<SnapshotManifest> other = newest(relation, named);
        throw new RecoveryNotReadyException(
                other.isPresent()
                        ? "the newest snapshot of table " + relation.name() + ", "
                                + other.get().snapshotId()
                                + ", is of another table of that name, or was taken before the table was emptied or"
                                + " rewritten"
                        : "there is no snapshot of table " + relation.name() + " of database " + database,
                HINT);
    }

    private Optional<SnapshotManifest> newest(Relation relation, Predicate<SnapshotManifest> wanted)
            throws IOException {
        return archive.newest(
                relation.name().schema().orElseThrow(), relation.name().name(), wanted);
    }

    /** Snapshots of all the tables, and how many rows they do not hold. */
    record Covering(List<SnapshotManifest> manifests, RowsSince since) {
        Covering {
            manifests = List.copyOf(manifests);
        }
    }
}
