package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.RestoreProgress.Step;
import io.backstop.snapshot.archive.CorruptSnapshotException;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Makes tables of snapshots: complete, compared with what was stored, and visible by the last step alone; stopped
 * anywhere before, nothing of them exists. Existing tables are never changed. Thread-safe; a connection belongs to one
 * restore at a time.
 */
public final class Restore {
    private static final String SUFFIX = "_recovered";
    private static final int ROOM_FOR_NAME = 63 - SUFFIX.length();

    private final SnapshotArchive archive;

    public Restore(SnapshotArchive archive) {
        this.archive = Objects.requireNonNull(archive, "archive");
    }

    /**
     * Where a snapshot goes where nobody says otherwise: {@code <table>_recovered} in the schema that it came from, or in
     * {@code public} where the table was temporary: its schema ended with its session.
     */
    public static RelationName defaultTarget(SnapshotManifest manifest) {
        return RelationName.of(schema(manifest), FreeNames.shortened(manifest.table(), ROOM_FOR_NAME) + SUFFIX);
    }

    /**
     * Makes one table.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit, of the one who will own the table; left so
     * @param target the table to make; without a schema, that of {@link #defaultTarget}
     * @throws RecoveryException where the snapshot is not whole, the target exists, or the database refuses a part; it
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
     * @param targets the table to make of each snapshot, in the order in which they are made
     * @return the tables, in the same order
     * @throws RecoveryException as for one
     */
    public List<RestoredTable> restoreTogether(
            Connection connection, Map<SnapshotManifest, RelationName> targets, RestoreProgress progress)
            throws RecoveryException {
        Map<SnapshotManifest, TableDescription> verified = new LinkedHashMap<>();
        for (SnapshotManifest manifest : targets.keySet()) {
            verified.put(manifest, verified(manifest));
            progress.reached(Step.VERIFIED, target(manifest, targets), 0, manifest.rowCount());
        }
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            List<TableRestore> work = new ArrayList<>();
            for (Map.Entry<SnapshotManifest, TableDescription> snapshot : verified.entrySet()) {
                RelationName target = target(snapshot.getKey(), targets);
                work.add(new TableRestore(
                        transaction, archive, snapshot.getKey(), snapshot.getValue(), target, progress));
            }
            List<RestoredTable> tables = new ArrayList<>();
            for (TableRestore table : work) {
                table.refuseUnlessTargetIsFree();
                table.create();
                table.load();
                table.constrain();
                tables.add(table.validated());
            }
            commit(transaction, tables, progress);
            return List.copyOf(tables);
        } catch (SQLException e) {
            throw ServerErrors.of("the restore of " + names(targets) + " failed", e);
        }
    }

    /**
     * Compares a table that was restored earlier with its snapshot again, and finds out what its parts are called.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit; left so, and nothing is changed
     * @param target the restored table; without a schema, that of the snapshot
     * @return the table; its validation may not hold
     * @throws RecoveryException where the snapshot is not whole or the table is not there
     */
    public RestoredTable validate(Connection connection, SnapshotManifest manifest, RelationName target)
            throws RecoveryException {
        TableDescription stored = verified(manifest);
        RelationName table = target(manifest, Map.of(manifest, target));
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            TableDescription restored = Validator.describe(transaction, table);
            Recognition parts = Recognition.of(stored, restored, table);
            Validation validation =
                    new Validator(transaction, manifest, stored, parts.names(), parts.open()).validate();
            return new RestoredTable(manifest, stored, parts.names(), parts.open(), List.of(), List.of(), validation);
        } catch (SQLException e) {
            throw ServerErrors.of("the validation of " + table + " failed", e);
        }
    }

    private TableDescription verified(SnapshotManifest manifest) throws RecoveryException {
        try {
            archive.verify(manifest);
            return archive.description(manifest);
        } catch (CorruptSnapshotException e) {
            throw corrupt(manifest, e);
        } catch (IOException e) {
            throw new RecoveryException(
                    "snapshot " + manifest.snapshotId() + " cannot be read: " + e.getMessage(),
                    "see whether the storage can be reached with these credentials; the database was not touched",
                    e);
        }
    }

    static RecoveryException corrupt(SnapshotManifest manifest, IOException e) {
        return new RecoveryException(
                "snapshot " + manifest.snapshotId() + " is damaged: " + e.getMessage(),
                "restore another snapshot of " + manifest.schema() + "." + manifest.table()
                        + ", or bring the object back from the storage's own versions; nothing was kept",
                e);
    }

    private static RelationName target(SnapshotManifest manifest, Map<SnapshotManifest, RelationName> targets) {
        RelationName target = Objects.requireNonNull(targets.get(manifest));
        return RelationName.of(target.schema().orElse(schema(manifest)), target.name());
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
