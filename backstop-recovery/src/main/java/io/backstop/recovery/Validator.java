package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.Validation.Check;
import io.backstop.snapshot.archive.CopiedRows;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.schema.TableDescriber;
import io.backstop.snapshot.schema.TableDescription;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Reads a restored table back, rows and catalog, and compares it with its snapshot. Belongs to one transaction. */
final class Validator {
    private final RecoveryTransaction transaction;
    private final SnapshotManifest manifest;
    private final TableDescription description;
    private final RestoredNames names;
    private final List<OpenForeignKey> open;

    Validator(
            RecoveryTransaction transaction,
            SnapshotManifest manifest,
            TableDescription description,
            RestoredNames names,
            List<OpenForeignKey> open) {
        this.transaction = transaction;
        this.manifest = manifest;
        this.description = description;
        this.names = names;
        this.open = open;
    }

    Validation validate() throws SQLException, RecoveryException {
        TableDescription restored = describe(transaction, names.target());
        List<Check> checks = new ArrayList<>(rows());
        checks.addAll(new DescriptionComparison(description, restored, names, open).checks());
        return new Validation(manifest.snapshotId(), names.target(), checks);
    }

    static TableDescription describe(RecoveryTransaction transaction, RelationName table)
            throws SQLException, RecoveryException {
        return new TableDescriber()
                .describe(transaction.connection(), table.schema().orElseThrow(), table.name())
                .orElseThrow(() ->
                        new RecoveryException("table " + table + " does not exist", "restore the snapshot first"));
    }

    /** The rows as a capture would read them, in any order. */
    private List<Check> rows() throws SQLException, RecoveryException {
        String columns = SqlText.list(
                manifest.columns().stream().map(SnapshotManifest.Column::name).toList());
        AtomicLong count = new AtomicLong();
        RowChecksum checksum = new RowChecksum();
        CopyFormat format = CopyFormat.of(manifest);
        CopiedRows rows = new CopiedRows(format);
        try {
            transaction.copyOut(
                    "COPY (SELECT " + columns + " FROM ONLY " + names.target().quoted() + ") TO STDOUT "
                            + format.options(manifest.encoding()),
                    message -> {
                        if (rows.next(message)) {
                            count.incrementAndGet();
                            rows.addTo(checksum, message);
                        }
                    });
        } catch (IOException e) {
            throw new RecoveryException(
                    "the rows of " + names.target() + " could not be read back: " + e.getMessage(), "try it again", e);
        }
        return List.of(
                new Check("rows", Long.toString(manifest.rowCount()), Long.toString(count.get())),
                new Check("row checksum", manifest.rowChecksum(), checksum.hex()));
    }
}
