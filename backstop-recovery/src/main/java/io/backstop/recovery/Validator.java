package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.Validation.Check;
import io.backstop.snapshot.schema.TableDescriber;
import io.backstop.snapshot.schema.TableDescription;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Compares a restored table, by what the catalog says of it, with its snapshot. Belongs to one transaction. */
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

    /** Reads every row back as well, but those of another server. */
    Validation validate() throws SQLException, RecoveryException {
        return validate(
                Thoroughness.EVERY_ROW,
                description.foreign().isPresent()
                        ? List.of()
                        : new ReadBack(manifest, names.target()).read(transaction));
    }

    /** @param rows what was found out about the rows, and how */
    Validation validate(Thoroughness thoroughness, List<Check> rows) throws SQLException, RecoveryException {
        TableDescription restored = describe(transaction, names.target());
        List<Check> checks = new ArrayList<>(rows);
        checks.addAll(new DescriptionComparison(description, restored, names, open).checks());
        return new Validation(manifest.snapshotId(), names.target(), thoroughness, checks);
    }

    /** What is known of the rows where they are not read back: the server took so many. */
    static List<Check> counted(SnapshotManifest manifest, long loaded) {
        return List.of(new Check("rows", Long.toString(manifest.rowCount()), Long.toString(loaded)));
    }

    static TableDescription describe(RecoveryTransaction transaction, RelationName table)
            throws SQLException, RecoveryException {
        return new TableDescriber()
                .describe(transaction.connection(), table.schema().orElseThrow(), table.name())
                .orElseThrow(() ->
                        new RecoveryException("table " + table + " does not exist", "restore the snapshot first"));
    }
}
