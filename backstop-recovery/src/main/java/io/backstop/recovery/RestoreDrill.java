package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.restore.TableRestore;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerCapabilities;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.FreeNames;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.SequenceOwnership;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.UUID;

/**
 * Proves that a snapshot can be restored into a database: does all that a restore does, reads every row back, and rolls it
 * back, so that the server itself leaves nothing of it whenever it is stopped. It takes the space and the time of a restore
 * over one connection. Thread-safe; a connection belongs to one drill at a time.
 */
public final class RestoreDrill {
    private final SnapshotArchive archive;

    public RestoreDrill(SnapshotArchive archive) {
        this.archive = Objects.requireNonNull(archive, "archive");
    }

    /**
     * Restores beside the table that the snapshot is of, and takes that back.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit, of one who may restore the table; left so
     * @return what a restore would have made; its validation holds
     * @throws RecoveryException where a restore would fail, with its reason
     */
    public RestoredTable run(Connection connection, SnapshotManifest manifest, RestoreProgress progress)
            throws RecoveryException {
        TableDescription whole = Restore.verified(archive, manifest);
        String end = "_drill_" + UUID.randomUUID().toString().substring(0, 8);
        RelationName target = Restore.target(manifest, RelationName.of(FreeNames.withEnd(manifest.table(), end)));
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            TableRestore table = new TableRestore(
                    transaction,
                    archive,
                    manifest,
                    ServerCapabilities.fitted(transaction, whole),
                    target,
                    progress,
                    RowVerification.EVERY_ROW);
            table.make(new SequenceOwnership());
            return table.validated();
        } catch (SQLException e) {
            throw ServerErrors.of("the restore of " + manifest.schema() + "." + manifest.table() + " failed", e);
        }
    }
}
