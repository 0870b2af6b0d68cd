package io.backstop.recovery.internal.validate;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.OpenForeignKey;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.Validation;
import io.backstop.recovery.model.Validation.Check;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.schema.TableDescription;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Compares a restored table, by what the catalog says of it, with its snapshot. Belongs to one transaction. */
public final class TableValidator {
    private final RecoveryTransaction transaction;
    private final SnapshotManifest manifest;
    private final TableDescription description;
    private final RestoredNames names;
    private final List<OpenForeignKey> open;

    public TableValidator(
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
    public Validation validate() throws SQLException, RecoveryException {
        return validate(
                RowVerification.EVERY_ROW,
                description.foreign().isPresent()
                        ? List.of()
                        : new RowVerifier(manifest, names.target()).read(transaction));
    }

    /** @param rows what was found out about the rows, and how */
    public Validation validate(RowVerification thoroughness, List<Check> rows) throws SQLException, RecoveryException {
        TableDescription restored = describe(transaction, names.target());
        List<Check> checks = new ArrayList<>(rows);
        checks.addAll(new DescriptionComparison(description, restored, names, open).checks());
        return new Validation(manifest.snapshotId(), names.target(), thoroughness, checks);
    }

    /** What is known of the rows where they are not read back: the server took so many. */
    public static List<Check> counted(SnapshotManifest manifest, long loaded) {
        return List.of(new Check("rows", Long.toString(manifest.rowCount()), Long.toString(loaded)));
    }

    public static TableDescription describe(RecoveryTransaction transaction, RelationName table)
            throws SQLException, RecoveryException {
        return new TableDescriber()
                .describe(transaction.connection(), table.schema().orElseThrow(), table.name())
                .orElseThrow(() ->
                        new RecoveryException("table " + table + " does not exist", "restore the snapshot first"));
    }
}
