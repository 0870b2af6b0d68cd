package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.api.snapshot.RowsSince;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.describe.TableIdentities;
import io.backstop.snapshot.internal.copy.ColumnNumbers;
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
 * Finds, and does not verify, the snapshots that were taken beforehand of tables that a statement is about to destroy. Rows
 * written since are not in them: whoever chooses this chose that; about how many there are is told. Everything else has to
 * hold as if they had just been taken: of this server in its present history, of this database and this table, not only of
 * their names, valid, and with the columns that it has now; and where the table itself goes, with all the definitions that
 * go with it.
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
        if (radius.relations().isEmpty()) {
            return new Covering(List.of(), new RowsSince(0, false));
        }
        // A transaction that has looked at statistics before would be told these again (monitoring statistics, 27.2.2).
        session.value("SELECT pg_catalog.pg_stat_clear_snapshot()");
        Map<Long, TableDescription> descriptions = new TableDescriber()
                .describe(session.connection(), radius.tables().keySet());
        Map<Long, TableIdentity> identities =
                TableIdentities.read(session, radius.tables().keySet());
        ServerIdentity server = server(session);
        ColumnNumbers numbers = ColumnNumbers.read(session, radius.tables().keySet());
        List<SnapshotManifest> covering = new ArrayList<>();
        RowsSince since = new RowsSince(0, false);
        for (Relation relation : radius.relations()) {
            TableIdentity identity = identities.get(relation.oid());
            SnapshotManifest newest = newest(relation, database, identity, server);
            long age = Duration.between(newest.createdAt(), clock.instant()).toSeconds();
            if (newest.createdAt().isBefore(clock.instant().minus(maxAge))) {
                throw new RecoveryNotReadyException(
                        "the newest snapshot of table " + relation.name() + ", " + newest.snapshotId() + ", is " + age
                                + " seconds old, more than the " + maxAge.toSeconds() + " that the policy allows",
                        HINT);
            }
            TableDescription description = descriptions.get(relation.oid());
            if (description == null
                    || !numbers.columns(relation.oid(), description).equals(newest.columns())) {
                throw new RecoveryNotReadyException(
                        "table " + relation.name() + " has other columns than its newest snapshot "
                                + newest.snapshotId() + ", or one was dropped and added again since",
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

    /** The server and its history, without which nothing is known to be of it. */
    private static ServerIdentity server(CallerSession session) throws SQLException, RecoveryNotReadyException {
        ServerIdentity server = ServerIdentities.read(session.connection())
                .orElseThrow(() -> new RecoveryNotReadyException(
                        "the role may not ask which server this is, so no snapshot is known to be of it",
                        "grant the role EXECUTE on pg_control_system(), or let the policy say"
                                + " \"snapshot_mode\": \"inline\""));
        if (server.timeline().isEmpty()) {
            throw new RecoveryNotReadyException(
                    "the role may not ask for the timeline of the server, so no snapshot is known to be of it",
                    "grant the role EXECUTE on pg_current_wal_lsn() and pg_walfile_name(pg_lsn), or let the policy say"
                            + " \"snapshot_mode\": \"inline\"");
        }
        return server;
    }

    private SnapshotManifest newest(
            Relation relation, String database, @Nullable TableIdentity identity, ServerIdentity server)
            throws IOException, RecoveryNotReadyException {
        Instant now = clock.instant();
        Predicate<SnapshotManifest> named = manifest -> manifest.coverage() == SnapshotManifest.Coverage.TABLE
                && manifest.database().equals(database)
                // A clock that runs ahead elsewhere must not make an old snapshot look young for ever.
                && !manifest.createdAt().isAfter(now);
        Optional<SnapshotManifest> same = newest(
                relation,
                named.and(manifest -> manifest.server().filter(server::isSameAs).isPresent()
                        && identity != null
                        && manifest.identity().filter(identity::isSameAs).isPresent()));
        if (same.isPresent()) {
            return same.get();
        }
        Optional<SnapshotManifest> other = newest(relation, named);
        throw new RecoveryNotReadyException(
                other.isPresent()
                        ? "the newest snapshot of table " + relation.name() + ", "
                                + other.get().snapshotId() + ", " + difference(other.get(), server)
                        : "there is no snapshot of table " + relation.name() + " of database " + database,
                HINT);
    }

    /** Why a snapshot is not one of this very table. */
    private static String difference(SnapshotManifest other, ServerIdentity server) {
        if (other.server().isEmpty()) {
            return "does not say which server it is of: it was taken by an earlier version, or in a role that may not"
                    + " execute pg_control_system()";
        }
        ServerIdentity taken = other.server().get();
        if (!taken.systemIdentifier().equals(server.systemIdentifier())) {
            return "is of another server under the same host, port and name: of " + taken + ", and this is " + server;
        }
        if (taken.timeline().isEmpty()) {
            return "does not say which timeline it is of: it was taken on a standby, or in a role that may not execute"
                    + " pg_current_wal_lsn() and pg_walfile_name(pg_lsn)";
        }
        if (!taken.isSameAs(server)) {
            return "is of another history of this server: of " + taken + ", and this is " + server;
        }
        return "is of another table of that name, or was taken before the table was emptied or rewritten";
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

        /** This, and these that cover something else. */
        Covering and(List<SnapshotManifest> others) {
            List<SnapshotManifest> all = new ArrayList<>(manifests);
            all.addAll(others);
            return new Covering(all, since);
        }
    }
}
