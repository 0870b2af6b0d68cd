package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.restore.AbandonedStagingTables;
import io.backstop.recovery.internal.restore.LoggedRestoreProgress;
import io.backstop.recovery.internal.restore.StagedTable;
import io.backstop.recovery.internal.restore.StagedTables;
import io.backstop.recovery.internal.restore.StagingArea;
import io.backstop.recovery.internal.restore.TableFailures;
import io.backstop.recovery.internal.restore.TableRestore;
import io.backstop.recovery.internal.restore.TargetTables;
import io.backstop.recovery.internal.schema.StoredObjects;
import io.backstop.recovery.internal.select.JoinedDefinitions;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerCapabilities;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.FreeNames;
import io.backstop.recovery.internal.validate.PartMatcher;
import io.backstop.recovery.internal.validate.TableValidator;
import io.backstop.recovery.model.ExistingTarget;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.SequenceOwnership;
import io.backstop.recovery.model.Validation;
import io.backstop.snapshot.archive.CorruptSnapshotException;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.schema.TableDescription;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Makes tables from snapshots: complete, compared with what was stored, and visible only by the last step. If it stops
 * before, nothing of them exists. Tables that Backstop did not make are never changed. Thread-safe; a connection belongs to one restore
 * at a time.
 */
public final class Restore {
    private static final String SUFFIX = "_recovered";

    /** What two connections load and index while others wait is worth more than the steps that it takes. */
    private static final long STAGED_FROM = 16L << 20;

    private final SnapshotArchive archive;
    private final Connections connections;
    private final RowVerification thoroughness;
    private final long stagedFrom;
    private final boolean replacing;
    private final Map<SnapshotManifest, SnapshotManifest> definitions;
    private final StoredObjects objects;

    /** Restores over one connection, and reads every row back. */
    public Restore(SnapshotArchive archive) {
        this(archive, Connections.NONE, RowVerification.EVERY_ROW);
    }

    /**
     * @param connections where a second connection may come from, which halves the time of large tables; where none is to
     *     be had, one does it all
     */
    public Restore(SnapshotArchive archive, Connections connections, RowVerification thoroughness) {
        this(archive, connections, thoroughness, STAGED_FROM, false, Map.of(), StoredObjects.NONE);
    }

    /** @param stagedFrom the stored bytes from which on a table is worth a second connection */
    Restore(SnapshotArchive archive, Connections connections, RowVerification thoroughness, long stagedFrom) {
        this(archive, connections, thoroughness, stagedFrom, false, Map.of(), StoredObjects.NONE);
    }

    private Restore(
            SnapshotArchive archive,
            Connections connections,
            RowVerification thoroughness,
            long stagedFrom,
            boolean replacing,
            Map<SnapshotManifest, SnapshotManifest> definitions,
            StoredObjects objects) {
        this.definitions = definitions;
        this.objects = objects;
        this.archive = Objects.requireNonNull(archive, "archive");
        this.connections = Objects.requireNonNull(connections, "connections");
        this.thoroughness = Objects.requireNonNull(thoroughness, "thoroughness");
        this.stagedFrom = stagedFrom;
        this.replacing = replacing;
    }

    /**
     * The same, but a target that Backstop made is dropped and made anew, unless it still is what the snapshot holds. The
     * change of one into the other is visible by the last step.
     */
    public Restore replacing() {
        return new Restore(archive, connections, thoroughness, stagedFrom, true, definitions, objects);
    }

    /** The same, but the rows of these snapshots get the definitions that earlier ones of their tables hold. */
    Restore defining(Map<SnapshotManifest, SnapshotManifest> earlier) {
        return new Restore(archive, connections, thoroughness, stagedFrom, replacing, Map.copyOf(earlier), objects);
    }

    /** The same, but what is missing of these is made before the tables, which may need them unseen. */
    Restore with(StoredObjects others) {
        return new Restore(archive, connections, thoroughness, stagedFrom, replacing, definitions, others);
    }

    /**
     * The default target of a snapshot: {@code <table>_recovered} in the schema that it came from, or in
     * {@code public} where the table was temporary: its schema ended with its session.
     */
    public static RelationName defaultTarget(SnapshotManifest manifest) {
        return RelationName.of(schema(manifest), FreeNames.withEnd(manifest.table(), SUFFIX));
    }

    /** The same for snapshots that are restored together: long names that begin alike are numbered. */
    static Map<SnapshotManifest, RelationName> defaultTargets(List<SnapshotManifest> together) {
        Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
        for (SnapshotManifest manifest : together) {
            RelationName target = defaultTarget(manifest);
            for (int i = 1; targets.containsValue(target); i++) {
                target = RelationName.of(schema(manifest), FreeNames.withEnd(manifest.table(), SUFFIX + "_" + i));
            }
            targets.put(manifest, target);
        }
        return targets;
    }

    /** A name as somebody typed it, with its schema: where none is named, that of {@link #defaultTarget}. */
    public static RelationName target(SnapshotManifest manifest, RelationName typed) {
        return RelationName.of(typed.schema().orElse(schema(manifest)), typed.name());
    }

    /**
     * Makes one table.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit, of the one who will own the table; left so
     * @param target the table to make; without a schema, that of {@link #defaultTarget}
     * @return the table; where it was made from this snapshot before and still is what that holds, that one, with a new
     *     comparison
     * @throws RecoveryException where the snapshot is not whole, another target exists, or the database refuses a part; it
     *     is then as it was
     */
    public RestoredTable restore(
            Connection connection, SnapshotManifest manifest, RelationName target, RestoreProgress progress)
            throws RecoveryException {
        return restoreTogether(connection, Map.of(manifest, target), progress).get(0);
    }

    /**
     * Makes several tables in one transaction: all of them or none.
     *
     * @param targets the table to make of each snapshot; made in this order, but that what owns a sequence comes before what
     *     draws from it
     * @return the tables, in the same order
     * @throws RecoveryException as for one
     */
    public List<RestoredTable> restoreTogether(
            Connection connection, Map<SnapshotManifest, RelationName> targets, RestoreProgress listener)
            throws RecoveryException {
        RestoreProgress progress = LoggedRestoreProgress.of(listener);
        Map<SnapshotManifest, TableDescription> verified = new LinkedHashMap<>();
        for (SnapshotManifest manifest : targets.keySet()) {
            if (manifest.holdsObject()) {
                throw new RecoveryException(
                        "snapshot " + manifest.snapshotId() + " of " + manifest.schema() + "." + manifest.table()
                                + " is of no table",
                        "`backstop recover --schema " + manifest.schema() + " --before " + manifest.snapshotId()
                                + "` brings back what it is of");
            }
            verified.put(manifest, TableFailures.named(manifest, target(manifest, targets), () -> verified(manifest)));
            progress.reached(Step.VERIFIED, target(manifest, targets), 0, manifest.rowCount());
        }
        try (StagingArea staging = new StagingArea(connection, connections)) {
            fit(connection, verified);
            Map<SnapshotManifest, ExistingTarget> existing = existing(connection, verified, targets);
            if (existing.size() == targets.size()
                    && existing.values().stream().allMatch(ExistingTarget::isRestoredAlready)) {
                return existing.values().stream()
                        .map(there -> there.copy().orElseThrow())
                        .toList();
            }
            for (ExistingTarget there : existing.values()) {
                if (!replacing || !there.isReplaceable()) {
                    throw there.refusal();
                }
            }
            for (String schema : schemas(targets)) {
                AbandonedStagingTables.remove(connection, schema);
            }
            Map<SnapshotManifest, StagedTable> staged = stage(staging, verified, targets, existing.keySet(), progress);
            try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
                TargetTables.drop(transaction, existing.values());
                objects.beforeDefinitions().create(transaction);
                Map<SnapshotManifest, RestoredTable> restored = new HashMap<>();
                SequenceOwnership before = new SequenceOwnership();
                for (Map.Entry<SnapshotManifest, TableDescription> snapshot :
                        SequenceOwnership.first(verified.entrySet(), Map.Entry::getValue)) {
                    SnapshotManifest manifest = snapshot.getKey();
                    TableRestore table = new TableRestore(
                            transaction,
                            archive,
                            manifest,
                            snapshot.getValue(),
                            target(manifest, targets),
                            progress,
                            thoroughness);
                    refuseIfTaken(transaction, manifest, target(manifest, targets));
                    RestoredTable done = TableFailures.named(
                            manifest,
                            target(manifest, targets),
                            () -> restored(table, before, Optional.ofNullable(staged.get(manifest))));
                    before.add(done);
                    restored.put(manifest, done);
                }
                List<RestoredTable> tables = verified.keySet().stream()
                        .map(manifest -> Objects.requireNonNull(restored.get(manifest)))
                        .toList();
                commit(transaction, tables, progress);
                staging.published();
                return tables;
            }
        } catch (SQLException e) {
            throw ServerErrors.of("the restore of " + names(targets) + " failed", e);
        }
    }

    private static void fit(Connection connection, Map<SnapshotManifest, TableDescription> tables)
            throws SQLException, RecoveryException {
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            for (Map.Entry<SnapshotManifest, TableDescription> table : tables.entrySet()) {
                table.setValue(ServerCapabilities.fitted(transaction, table.getValue()));
            }
        }
    }

    private static RestoredTable restored(TableRestore table, SequenceOwnership before, Optional<StagedTable> staged)
            throws SQLException, RecoveryException {
        if (staged.isPresent()) {
            table.takeOver(staged.get());
        } else {
            table.make(before);
        }
        return table.validated();
    }

    /**
     * Loads and indexes tables before the transaction that publishes them, where that is worth it and possible: what a table
     * needs has to be there, for only one transaction can make that together with the table or not at all.
     */
    private Map<SnapshotManifest, StagedTable> stage(
            StagingArea staging,
            Map<SnapshotManifest, TableDescription> verified,
            Map<SnapshotManifest, RelationName> targets,
            Set<SnapshotManifest> replaced,
            RestoreProgress progress)
            throws SQLException, RecoveryException {
        StagedTables tables = new StagedTables(staging, archive, stagedFrom, progress);
        List<StagedTables.Candidate> prepared = new ArrayList<>();
        for (StagedTables.Candidate table : tables.worthwhile(verified.entrySet().stream()
                .filter(snapshot -> !snapshot.getKey().columns().isEmpty()
                        && snapshot.getValue().partitionKey().isEmpty())
                .map(snapshot -> new StagedTables.Candidate(
                        snapshot.getKey(), snapshot.getValue(), target(snapshot.getKey(), targets)))
                .toList())) {
            if (TableFailures.named(
                    table.manifest(),
                    table.target(),
                    () -> isPrepared(staging.first(), table, replaced.contains(table.manifest())))) {
                prepared.add(table);
            }
        }
        return tables.make(tables.worthwhile(prepared));
    }

    private static boolean isPrepared(Connection connection, StagedTables.Candidate table, boolean replaced)
            throws SQLException, RecoveryException {
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            if (!replaced) {
                refuseIfTaken(transaction, table.manifest(), table.target());
            }
            for (TableDescription.Prerequisite prerequisite :
                    table.description().prerequisites()) {
                if (!transaction.has(prerequisite)) {
                    return false;
                }
            }
            return true;
        }
    }

    private static void refuseIfTaken(RecoveryTransaction transaction, SnapshotManifest manifest, RelationName target)
            throws SQLException, RecoveryException {
        if (TargetTables.isTaken(transaction, target)) {
            throw new ExistingTarget(manifest, target, Optional.empty(), Optional.empty()).refusal();
        }
    }

    private Map<SnapshotManifest, ExistingTarget> existing(
            Connection connection,
            Map<SnapshotManifest, TableDescription> verified,
            Map<SnapshotManifest, RelationName> targets)
            throws SQLException, RecoveryException {
        Map<SnapshotManifest, ExistingTarget> existing = new LinkedHashMap<>();
        for (Map.Entry<SnapshotManifest, TableDescription> snapshot : verified.entrySet()) {
            SnapshotManifest manifest = snapshot.getKey();
            existing(connection, manifest, snapshot.getValue(), target(manifest, targets))
                    .ifPresent(there -> existing.put(manifest, there));
        }
        return existing;
    }

    private Optional<ExistingTarget> existing(
            Connection connection, SnapshotManifest manifest, TableDescription description, RelationName target)
            throws SQLException, RecoveryException {
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            if (!TargetTables.isTaken(transaction, target)) {
                return Optional.empty();
            }
            Optional<String> madeFrom = TargetTables.madeFrom(transaction, target);
            Optional<RestoredTable> copy = Optional.empty();
            if (madeFrom.filter(manifest.snapshotId()::equals).isPresent()) {
                copy = Optional.of(compared(transaction, manifest, description, target));
            }
            return Optional.of(new ExistingTarget(manifest, target, madeFrom, copy));
        }
    }

    /**
     * What has the name of the table that a restore would make.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit; left so, and nothing is changed
     * @throws RecoveryException where the snapshot is not whole
     */
    public Optional<ExistingTarget> existing(Connection connection, SnapshotManifest manifest, RelationName target)
            throws RecoveryException {
        RelationName name = target(manifest, target);
        try {
            try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
                if (!TargetTables.isTaken(transaction, name)) {
                    return Optional.empty();
                }
            }
            TableDescription whole = verified(manifest);
            TableDescription stored;
            try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
                stored = ServerCapabilities.fitted(transaction, whole);
            }
            return existing(connection, manifest, stored, name);
        } catch (SQLException e) {
            throw ServerErrors.of("the database could not be looked at for the restore of " + target, e);
        }
    }

    private static Set<String> schemas(Map<SnapshotManifest, RelationName> targets) {
        return targets.keySet().stream()
                .map(manifest -> target(manifest, targets).schema().orElseThrow())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * Compares a table that was restored earlier with its snapshot again, and finds out what its parts are called.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit; left so, and nothing is changed
     * @param target the restored table; without a schema, that of {@link #defaultTarget}
     * @return the table; its validation may not hold
     * @throws RecoveryException where the snapshot is not whole or the table is not there
     */
    public RestoredTable validate(Connection connection, SnapshotManifest manifest, RelationName target)
            throws RecoveryException {
        TableDescription whole = verified(manifest);
        RelationName table = target(manifest, target);
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            TableDescription stored = ServerCapabilities.fitted(transaction, whole);
            return compared(transaction, manifest, stored, table);
        } catch (SQLException e) {
            throw ServerErrors.of("the validation of " + table + " failed", e);
        }
    }

    private RestoredTable compared(
            RecoveryTransaction transaction, SnapshotManifest manifest, TableDescription stored, RelationName table)
            throws SQLException, RecoveryException {
        PartMatcher parts = PartMatcher.of(stored, TableValidator.describe(transaction, table), table);
        Validation validation =
                new TableValidator(transaction, manifest, stored, parts.names(), parts.open()).validate();
        return new RestoredTable(
                manifest,
                stored,
                parts.names(),
                parts.open(),
                List.of(),
                List.of(),
                validation,
                true,
                TableRestore.mark(archive, manifest));
    }

    private TableDescription verified(SnapshotManifest manifest) throws RecoveryException {
        TableDescription rows = verified(archive, manifest);
        @Nullable SnapshotManifest earlier = definitions.get(manifest);
        return earlier == null ? rows : JoinedDefinitions.join(verified(archive, earlier), rows);
    }

    /** What a snapshot says of its table, once all of it was read and found whole. */
    static TableDescription verified(SnapshotArchive archive, SnapshotManifest manifest) throws RecoveryException {
        try {
            archive.verify(manifest);
            return archive.description(manifest);
        } catch (CorruptSnapshotException e) {
            throw RecoveryException.damaged(manifest, e);
        } catch (KeyException e) {
            throw new RecoveryException(e.problem(), e.hint(), e);
        } catch (IOException e) {
            throw new RecoveryException(
                    "snapshot " + manifest.snapshotId() + " cannot be read: " + e.getMessage(),
                    "see whether the storage can be reached with these credentials; the database was not touched",
                    e);
        }
    }

    private static RelationName target(SnapshotManifest manifest, Map<SnapshotManifest, RelationName> targets) {
        return target(manifest, Objects.requireNonNull(targets.get(manifest)));
    }

    private static String schema(SnapshotManifest manifest) {
        return RestoredTable.wasTemporary(manifest) ? "public" : manifest.schema();
    }

    private static void commit(RecoveryTransaction transaction, List<RestoredTable> tables, RestoreProgress progress)
            throws RecoveryException {
        try {
            transaction.commit();
        } catch (SQLException e) {
            throw new RecoveryException(
                    "whether the restore was committed is not known: " + ServerErrors.sentence(e),
                    "see whether " + tables.get(0).target() + " exists: it is complete then, else restore again",
                    e);
        }
        tables.forEach(t -> progress.reached(
                Step.COMMITTED,
                t.target(),
                t.manifest().rowCount(),
                t.manifest().rowCount()));
    }

    private static String names(Map<SnapshotManifest, RelationName> targets) {
        return String.join(
                ", ",
                targets.keySet().stream().map(m -> m.schema() + "." + m.table()).toList());
    }
}
