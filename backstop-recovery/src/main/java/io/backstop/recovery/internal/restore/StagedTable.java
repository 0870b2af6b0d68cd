package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Chunk;
import io.backstop.recovery.internal.restore.TableDdl.Ddl;
import io.backstop.recovery.internal.sql.NamesInUse;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.validate.RowVerifier;
import io.backstop.recovery.internal.validate.TableValidator;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.Validation.Check;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A table that is filled and indexed under a staging name, over two connections and so in several transactions, and gets
 * its own name in the one that publishes it. Its maker's alone from the beginning. Used by one thread.
 */
public final class StagedTable {
    /** A vacuum of half a table helps nobody, and would make the building of an index wait. */
    private static final String AUTOVACUUM = "autovacuum_enabled";

    private final StagingArea staging;
    private final SnapshotManifest manifest;
    private final TableDescription description;
    private final RelationName target;
    private final RestoredNames names;
    private final AtomicLong loaded = new AtomicLong();

    private StagedTable(
            StagingArea staging,
            SnapshotManifest manifest,
            TableDescription description,
            RelationName target,
            RestoredNames names) {
        this.staging = staging;
        this.manifest = manifest;
        this.description = description;
        this.target = target;
        this.names = names;
    }

    /** Makes the table without rows, with the checks that each row has to pass. */
    public static StagedTable create(
            StagingArea staging, SnapshotManifest manifest, TableDescription description, RelationName target)
            throws SQLException, RecoveryException {
        RelationName name = staging.name(target.schema().orElseThrow());
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(staging.first())) {
            RestoredNames names = TableCreator.create(transaction, description, name, target, Map.of());
            TableDdlRunner.run(transaction, new StagedDdl(description, names).checks(), target);
            transaction.execute("COMMENT ON TABLE " + name.quoted() + " IS "
                    + SqlSpelling.literal(StagingName.comment(manifest, target)));
            if (leavesAutovacuumOpen(description)) {
                transaction.execute("ALTER TABLE " + name.quoted() + " SET (" + AUTOVACUUM + " = off)");
            }
            transaction.commit();
            return new StagedTable(staging, manifest, description, target, names);
        }
    }

    private static boolean leavesAutovacuumOpen(TableDescription description) {
        return description.options().stream().noneMatch(option -> option.startsWith(AUTOVACUUM + "="));
    }

    SnapshotManifest manifest() {
        return manifest;
    }

    RelationName target() {
        return target;
    }

    /** Where its rows are until it is published. */
    RelationName stagingName() {
        return names.target();
    }

    /** The caller closes it. */
    RowLoader loader(SnapshotArchive archive) {
        return new RowLoader(archive, manifest, names.target(), target);
    }

    /** Loads one stream. Can be called by several threads at once, each with a transaction of its own. */
    void load(RecoveryTransaction transaction, RowLoader loader, List<Chunk> stream, RestoreProgress progress)
            throws RecoveryException {
        long rows = loader.load(transaction, stream);
        synchronized (progress) {
            progress.reached(Step.LOADING, target, loaded.addAndGet(rows), manifest.rowCount());
        }
    }

    /** To be called when all rows are loaded, in a transaction that sees them. */
    void refuseOtherMeaning(RecoveryTransaction transaction) throws SQLException, RecoveryException {
        InfiniteIntervalCheck.refuseOtherMeaning(transaction, manifest, names.target(), target);
    }

    /** Tells how far the table is. */
    void reached(Step step, RestoreProgress progress) {
        progress.reached(step, target, loaded.get(), manifest.rowCount());
    }

    /** In the order in which they are best begun. */
    List<Ddl> indexes() {
        return new StagedDdl(description, names).indexes();
    }

    /** What is to be said about the rows. */
    List<Check> rows(RecoveryTransaction transaction, RowVerification thoroughness)
            throws SQLException, RecoveryException {
        return switch (thoroughness) {
            case EVERY_ROW -> new RowVerifier(manifest, names.target()).read(transaction, staging.work());
            case COUNTS -> TableValidator.counted(manifest, loaded.get());
        };
    }

    /** Gives the table and its parts names of their own, within the transaction that publishes it. */
    RestoredNames publish(RecoveryTransaction transaction) throws SQLException, RecoveryException {
        RestoredNames own = RestoredNames.choose(description, target, NamesInUse.of(transaction, names.schema()));
        List<Ddl> statements = new ArrayList<>();
        rename(statements, "TABLE", names.target().name(), target.name());
        names.sequences().forEach((original, staged) -> rename(statements, "SEQUENCE", staged, own.sequence(original)));
        names.indexes().forEach((original, staged) -> rename(statements, "INDEX", staged, own.index(original)));
        new StagedDdl(description, names)
                .keysWithIndexes()
                .forEach(key -> rename(statements, "INDEX", names.constraint(key), own.constraint(key)));
        statements.add(new Ddl("comment", "COMMENT ON TABLE " + target.quoted() + " IS NULL"));
        if (leavesAutovacuumOpen(description)) {
            statements.add(new Ddl("storage", "ALTER TABLE " + target.quoted() + " RESET (" + AUTOVACUUM + ")"));
        }
        TableDdlRunner.run(transaction, statements, target);
        return own;
    }

    private void rename(List<Ddl> statements, String kind, String from, String to) {
        statements.add(new Ddl(
                kind.toLowerCase(Locale.ROOT) + " " + to,
                "ALTER " + kind + " " + names.qualified(from) + " RENAME TO " + RelationName.quote(to)));
    }
}
