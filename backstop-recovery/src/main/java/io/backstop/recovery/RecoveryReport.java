package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.Validation;

import java.util.List;
import java.util.Objects;

/**
 * The result of a guided recovery. Immutable, thread-safe.
 *
 * @param tables the restored tables, the one that was asked for first; none where of a schema no table was stored
 * @param copyback how to take their rows to where they are missed
 * @param notes facts that an operator should know besides: one sentence each
 */
public record RecoveryReport(List<RestoredTable> tables, CopybackPlan copyback, List<String> notes) {
    public RecoveryReport {
        tables = List.copyOf(tables);
        Objects.requireNonNull(copyback, "copyback");
        notes = List.copyOf(notes);
    }

    /** The snapshot of the table that was asked for. */
    public SnapshotManifest manifest() {
        return tables.get(0).manifest();
    }

    /** The table that was made for the one that was asked for. */
    public RelationName target() {
        return tables.get(0).target();
    }

    /** The comparison of that table with its snapshot. */
    public Validation validation() {
        return tables.get(0).validation();
    }
}
