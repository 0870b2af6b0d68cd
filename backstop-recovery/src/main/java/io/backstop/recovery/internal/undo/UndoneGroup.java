package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.internal.postgres.TransactionIds;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.recovery.internal.undo.UndonePart.Effect;
import io.backstop.recovery.model.ConnectedDatabase;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.archive.CommitMark;
import io.backstop.snapshot.archive.CommitMark.StatementCounts;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.describe.TransactionOutcomes;

import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The snapshots that were taken for one statement, or for one undo, and can be undone here. Immutable.
 *
 * @param id the recovery group
 * @param database {@code host:port/name}, as the snapshots have it
 * @param parts at least one
 * @param notes facts that an operator should know besides
 */
public record UndoneGroup(String id, String database, List<UndonePart> parts, List<String> notes) {
    /** Numbers of transactions come again after 2^32; half of that is far from any mistake. */
    private static final long FAR = 1L << 31;

    /** Numbers mean something else in another database, and on a server that was set back to before the snapshot. */
    private static final String SAME_HISTORY =
            "SELECT ? = (SELECT d.oid::bigint FROM pg_catalog.pg_database d WHERE d.datname ="
                    + " pg_catalog.current_database()) AND pg_catalog.pg_current_wal_insert_lsn() >= ?::pg_lsn,"
                    + " pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text";

    private static final String RECOVER = "`backstop recover` restores the table beside the present one and writes a"
            + " script that says what it would do";

    public UndoneGroup {
        parts = List.copyOf(parts);
        notes = List.copyOf(notes);
    }

    /**
     * @param connection in auto-commit, so that a server that does not know a transaction does no harm
     * @param id of the group, of one of its snapshots, or of the approval under which the statement ran
     * @throws RecoveryException where there is none, or it cannot be undone here
     */
    public static UndoneGroup find(SnapshotArchive archive, Connection connection, String id)
            throws IOException, SQLException, RecoveryException {
        SnapshotArchive.Contents contents = archive.contentsWith(id);
        List<SnapshotManifest> named = contents.valid().stream()
                .filter(manifest -> id.equals(manifest.groupId())
                        || id.equals(manifest.snapshotId())
                        || manifest.approvalId().filter(id::equals).isPresent())
                .toList();
        if (named.isEmpty()) {
            throw new RecoveryException(
                    "there is no change " + id + " in " + archive.address(),
                    "`backstop snapshots list` shows those that there are");
        }
        if (!contents.broken().isEmpty()) {
            throw new RecoveryException(
                    "the storage holds snapshots that cannot be used, and one of them may be of the same change: "
                            + String.join("; ", contents.broken()),
                    "see what `backstop snapshots verify` says of them; `backstop recover` does without them");
        }
        String group = named.get(0).groupId();
        List<SnapshotManifest> manifests = contents.valid().stream()
                .filter(manifest -> manifest.groupId().equals(group))
                .toList();
        List<UndonePart> parts = new ArrayList<>();
        for (SnapshotManifest manifest : manifests) {
            effect(manifest);
            requireThisServer(connection, manifest);
            if (contents.undecided().contains(manifest.snapshotId())) {
                requireCommitted(connection, manifest);
            }
            parts.add(part(archive, connection, manifest));
        }
        requireNothingElse(group, parts);
        List<String> notes = new ArrayList<>();
        Set<String> otherTables = new TreeSet<>();
        for (SnapshotManifest manifest : manifests) {
            otherTables.addAll(archive.mark(manifest).otherTables());
        }
        if (!otherTables.isEmpty()) {
            notes.add("the statement of " + group + " also changed rows of " + String.join(", ", otherTables)
                    + ", through a trigger or a rule; what they were is not stored, and they stay as they are");
        }
        for (String undo : undos(archive, manifests, group)) {
            notes.add(group + " was undone already, as " + undo + "; what that changed is undone by that name");
        }
        if (!manifests.stream().allMatch(archive::isAuthenticated)) {
            notes.add("the snapshots of " + group
                    + " are not authenticated: a writer of the storage may have changed their rows");
        }
        return new UndoneGroup(group, manifests.get(0).database(), parts, notes);
    }

    /** Each of them has a snapshot of a table that the change has one of. */
    private static Set<String> undos(SnapshotArchive archive, List<SnapshotManifest> manifests, String group)
            throws IOException {
        Set<String> undos = new TreeSet<>();
        for (SnapshotManifest manifest : manifests) {
            SnapshotArchive.Contents table = archive.contentsOf(manifest.schema(), manifest.table());
            table.valid().stream()
                    .filter(other -> other.undoOf().filter(group::equals).isPresent()
                            && !table.undecided().contains(other.snapshotId()))
                    .map(SnapshotManifest::groupId)
                    .forEach(undos::add);
        }
        return undos;
    }

    /** An UPDATE that moves rows among partitions inserts as many as it deletes. */
    private static void requireNothingElse(String group, List<UndonePart> parts) throws RecoveryException {
        StatementCounts changed = StatementCounts.NONE;
        long insertedToo = 0;
        long made = 0;
        for (UndonePart part : parts) {
            StatementCounts counts = part.counts().orElse(StatementCounts.NONE);
            if (part.manifest().undoOf().isEmpty() && part.effect() == Effect.CHANGED) {
                changed = changed.plus(counts);
            } else if (part.manifest().undoOf().isEmpty() && part.effect() == Effect.MADE) {
                made += part.manifest().rowCount();
            } else if (part.manifest().undoOf().isEmpty() && part.effect() == Effect.REMOVED) {
                insertedToo += counts.inserted();
            }
        }
        if (insertedToo > made || changed.inserted() - made > changed.deleted()) {
            throw new RecoveryException(
                    "the statement of " + group + " inserted rows into the same table too, which are not known",
                    RECOVER + ": --before " + parts.get(0).manifest().snapshotId());
        }
    }

    /** A part of a transaction can be rolled back, and the rest committed. */
    private static void requireNotRolledBack(Connection connection, SnapshotManifest manifest, CommitMark mark)
            throws SQLException, RecoveryException {
        long top = Long.parseUnsignedLong(manifest.transactionId().orElseThrow());
        Set<String> numbers = new TreeSet<>(mark.rowsTransactionIds());
        numbers.addAll(mark.ownTransactionIds());
        for (String number : numbers) {
            try (PreparedStatement question =
                    connection.prepareStatement("SELECT pg_catalog.pg_xact_status(?::pg_catalog.xid8)")) {
                question.setString(1, Long.toUnsignedString(TransactionIds.notBefore(top, number)));
                try (ResultSet row = question.executeQuery()) {
                    row.next();
                    if ("aborted".equals(row.getString(1))) {
                        throw new RecoveryException(
                                "the statement of " + manifest.snapshotId()
                                        + " was rolled back to a savepoint of its transaction",
                                "there is nothing to undo");
                    }
                }
            }
        }
    }

    private static UndonePart part(SnapshotArchive archive, Connection connection, SnapshotManifest manifest)
            throws IOException, SQLException, RecoveryException {
        Effect effect = effect(manifest);
        CommitMark mark = archive.mark(manifest);
        requireNotRolledBack(connection, manifest, mark);
        Set<String> numbers = mark.ownTransactionIds();
        boolean changed = effect != Effect.REMOVED
                || mark.counts().filter(all -> all.updated() > 0).isPresent();
        if (numbers.isEmpty() && changed && manifest.rowCount() > 0) {
            throw new RecoveryException(
                    "which rows the statement of " + manifest.snapshotId()
                            + " made is not known: "
                            + (mark.rowsTransactionIds().isEmpty()
                                    ? "its process ended before it could say so, or it was not the first of its"
                                            + " transaction"
                                    : "later statements of its transaction may have made rows under the same number"),
                    RECOVER + ": --before " + manifest.snapshotId());
        }
        return new UndonePart(manifest, effect, numbers, mark.counts(), mark.oldestRunning());
    }

    private static Effect effect(SnapshotManifest manifest) throws RecoveryException {
        if (manifest.coverage() == Coverage.MADE) {
            return Effect.MADE;
        }
        if (RestoredTable.wasTemporary(manifest)) {
            throw new RecoveryException(
                    manifest.snapshotId() + " is of a temporary table, which ended with its session",
                    "`backstop recover` restores it as an ordinary one");
        }
        Optional<Destruction.Kind> operation = manifest.operation();
        if (operation.isEmpty()) {
            throw new RecoveryException(
                    manifest.snapshotId()
                            + " does not say what its statement did to the rows: it was taken for none, or for one"
                            + " that changes rows in more than one way",
                    RECOVER + ": --before " + manifest.snapshotId());
        }
        return switch (operation.get()) {
            case DELETE, TRUNCATE -> Effect.REMOVED;
            case UPDATE -> Effect.CHANGED;
            case DROP_TABLE, DROP_SCHEMA, DROP_VIEW, DROP_MATERIALIZED_VIEW, DROP_OBJECT, ALTER_TABLE, UNRECOVERABLE ->
                throw new RecoveryException(
                        manifest.snapshotId() + " was taken for "
                                + operation.get().text() + ", which changes more than rows",
                        RECOVER + ": --before " + manifest.snapshotId());
        };
    }

    private static void requireCommitted(Connection connection, SnapshotManifest manifest)
            throws SQLException, RecoveryException {
        StatementOutcome outcome = TransactionOutcomes.of(connection, manifest);
        if (outcome != StatementOutcome.COMMITTED) {
            throw new RecoveryException(
                    "the statement of " + manifest.snapshotId() + " is not known to be committed: " + outcome.words(),
                    switch (outcome) {
                        case ROLLED_BACK -> "there is nothing to undo";
                        case IN_PROGRESS -> "wait for the end of its transaction";
                        case UNKNOWN, COMMITTED -> RECOVER;
                    });
        }
    }

    private static void requireThisServer(Connection connection, SnapshotManifest manifest)
            throws SQLException, RecoveryException {
        ConnectedDatabase here = ConnectedDatabase.read(connection);
        Optional<TableIdentity> identity = manifest.identity();
        if (identity.isEmpty()
                || manifest.transactionId().isEmpty()
                || here.server()
                        .filter(server ->
                                manifest.server().filter(server::isSameAs).isPresent())
                        .isEmpty()) {
            throw elsewhere(manifest, here.serverInWords());
        }
        try (PreparedStatement question = connection.prepareStatement(SAME_HISTORY)) {
            question.setLong(1, identity.get().databaseOid());
            question.setString(2, manifest.lsn());
            try (ResultSet row = question.executeQuery()) {
                row.next();
                if (!row.getBoolean(1)) {
                    throw elsewhere(manifest, here.serverInWords() + ", database " + here.name());
                }
                long since = Long.parseUnsignedLong(row.getString(2))
                        - Long.parseUnsignedLong(manifest.transactionId().orElseThrow());
                if (since < 0 || since > FAR) {
                    throw new RecoveryException(
                            "the statement of " + manifest.snapshotId()
                                    + " is so long ago that its transaction's number may have come again",
                            RECOVER + ": --before " + manifest.snapshotId());
                }
            }
        }
    }

    private static RecoveryException elsewhere(SnapshotManifest manifest, String here) {
        return new RecoveryException(
                manifest.snapshotId() + " is not known to be of a statement in this database, in the present history"
                        + " of its server: it is of " + manifest.database()
                        + manifest.server().map(server -> " on " + server).orElse("") + ", and this is " + here,
                RECOVER);
    }
}
