package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Chunk;
import io.backstop.recovery.internal.restore.TableDdl.Ddl;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Loads and indexes tables over two connections, before the transaction that publishes them, where that is worth its steps:
 * of a large table each connection takes other chunks, of several smaller ones other tables. Used by one thread.
 */
public final class StagedTables {
    /** Of several tables together, those count that have at least this part of what makes one large. */
    private static final int PART = 16;

    private final StagingArea staging;
    private final SnapshotArchive archive;
    private final long large;
    private final RestoreProgress progress;

    /** @param large the stored bytes from which on two connections are worth it, of a table or of several together */
    public StagedTables(StagingArea staging, SnapshotArchive archive, long large, RestoreProgress progress) {
        this.staging = staging;
        this.archive = archive;
        this.large = large;
        this.progress = progress;
    }

    /** Those of some tables that two connections are worth. */
    public List<Candidate> worthwhile(List<Candidate> tables) {
        List<Candidate> parts = tables.stream()
                .filter(table -> table.bytes() < large && table.bytes() >= large / PART)
                .toList();
        boolean together =
                parts.size() > 1 && parts.stream().mapToLong(Candidate::bytes).sum() >= large;
        return tables.stream()
                .filter(table -> table.bytes() >= large || (together && table.bytes() >= large / PART))
                .toList();
    }

    /**
     * Makes tables with their rows and indexes, but for what is to come in the transaction that publishes them.
     *
     * @return the tables by their snapshots; none where no second connection is to be had
     */
    public Map<SnapshotManifest, StagedTable> make(List<Candidate> tables) throws SQLException, RecoveryException {
        Map<SnapshotManifest, StagedTable> made = new LinkedHashMap<>();
        if (tables.isEmpty() || !staging.isToBeHad()) {
            return made;
        }
        List<StagedTable> parts = new ArrayList<>();
        for (Candidate table : tables.stream()
                .sorted(Comparator.comparingLong(Candidate::bytes).reversed())
                .toList()) {
            StagedTable staged = create(table);
            made.put(table.manifest(), staged);
            if (table.bytes() < large) {
                parts.add(staged);
            } else {
                loadInParts(staged);
                index(List.of(staged));
            }
        }
        if (!parts.isEmpty()) {
            loadWhole(parts);
            index(parts);
        }
        return made;
    }

    private StagedTable create(Candidate table) throws SQLException, RecoveryException {
        StagedTable staged = TableFailures.named(
                table.manifest(),
                table.target(),
                () -> StagedTable.create(staging, table.manifest(), table.description(), table.target()));
        staged.reached(Step.CREATED, progress);
        return staged;
    }

    /** One table over both connections, chunk by chunk. */
    private void loadInParts(StagedTable table) throws SQLException, RecoveryException {
        try (RowLoader loader = table.loader(archive)) {
            share(
                    "ROW EXCLUSIVE",
                    List.of(table),
                    loader.streams().stream()
                            .map(stream ->
                                    new Piece(table, transaction -> table.load(transaction, loader, stream, progress)))
                            .toList());
        }
        loaded(table);
    }

    /** Several, each over one of the connections: their rows stay in their order. */
    private void loadWhole(List<StagedTable> tables) throws SQLException, RecoveryException {
        share(
                "ROW EXCLUSIVE",
                tables,
                tables.stream()
                        .map(table -> new Piece(table, transaction -> loadWhole(transaction, table)))
                        .toList());
        for (StagedTable table : tables) {
            loaded(table);
        }
    }

    private void loadWhole(RecoveryTransaction transaction, StagedTable table) throws RecoveryException {
        try (RowLoader loader = table.loader(archive)) {
            for (List<Chunk> stream : loader.streams()) {
                table.load(transaction, loader, stream, progress);
            }
        }
    }

    private void loaded(StagedTable table) throws SQLException, RecoveryException {
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(staging.first())) {
            TableFailures.named(table.manifest(), table.target(), () -> table.refuseOtherMeaning(transaction));
        }
        table.reached(Step.LOADED, progress);
    }

    /** Builds the indexes, two at a time. CREATE INDEX takes SHARE, with which another one is compatible. */
    private void index(List<StagedTable> tables) throws SQLException, RecoveryException {
        List<Piece> indexes = new ArrayList<>();
        for (StagedTable table : tables) {
            for (Ddl index : table.indexes()) {
                indexes.add(new Piece(
                        table, transaction -> TableDdlRunner.run(transaction, List.of(index), table.target())));
            }
        }
        share("SHARE", tables, indexes);
        tables.forEach(table -> table.reached(Step.INDEXED, progress));
    }

    private void share(String mode, List<StagedTable> tables, List<Piece> pieces)
            throws SQLException, RecoveryException {
        String names = tables.stream()
                .map(table -> "ONLY " + table.stagingName().quoted())
                .collect(Collectors.joining(", "));
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(staging.first())) {
            staging.work()
                    .share(transaction, "LOCK TABLE " + names + " IN " + mode + " MODE", pieces, StagedTables::run);
            transaction.commit();
        }
    }

    private static void run(RecoveryTransaction transaction, Piece piece) throws SQLException, RecoveryException {
        TableFailures.named(
                piece.table().manifest(),
                piece.table().target(),
                () -> piece.work().in(transaction));
    }

    /** A table that could be staged. */
    public record Candidate(SnapshotManifest manifest, TableDescription description, RelationName target) {
        long bytes() {
            return manifest.storedBytes();
        }
    }

    /** What one connection does of a table at a time. */
    private record Piece(StagedTable table, Work work) {}

    @FunctionalInterface
    private interface Work {
        void in(RecoveryTransaction transaction) throws SQLException, RecoveryException;
    }
}
