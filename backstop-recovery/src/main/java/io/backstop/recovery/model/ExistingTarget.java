package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;

import java.util.Objects;
import java.util.Optional;

/**
 * A table that is there already under the name of one that is to be restored. Immutable, thread-safe.
 *
 * @param manifest the snapshot to be restored
 * @param target the name
 * @param madeFrom the id of the snapshot from which Backstop made the table, if it made it under this name
 * @param copy the comparison with the snapshot, if it was made from that very one
 */
public record ExistingTarget(
        SnapshotManifest manifest, RelationName target, Optional<String> madeFrom, Optional<RestoredTable> copy) {
    public ExistingTarget {
        Objects.requireNonNull(manifest, "manifest");
        Objects.requireNonNull(target, "target");
        Objects.requireNonNull(madeFrom, "madeFrom");
        Objects.requireNonNull(copy, "copy");
    }

    /** Whether it was made from the snapshot and still is what that holds, so that nothing is to be restored. */
    public boolean isRestoredAlready() {
        return copy.filter(table -> table.validation().holds()).isPresent();
    }

    /** Whether Backstop made it, so that it may be replaced. */
    public boolean isReplaceable() {
        return madeFrom.isPresent();
    }

    /** What is there, in one sentence. */
    public String problem() {
        String there = "table " + target + " exists already";
        if (madeFrom.isEmpty()) {
            return there;
        }
        if (copy.isEmpty()) {
            return there + ": it was restored from " + madeFrom.get() + ", not from " + manifest.snapshotId();
        }
        return there + ": it was restored from " + madeFrom.get()
                + (isRestoredAlready()
                        ? " and still is what that holds"
                        : ", and is not what that holds any more ("
                                + copy.get().validation().failures().get(0) + ")");
    }

    /** What can be done about it. */
    public String hint() {
        return madeFrom.isEmpty()
                ? "restore under another name; a table that Backstop did not make is not dropped"
                : "--replace-recovered drops it and restores it anew; or restore under another name";
    }

    /** The refusal to restore. */
    public RecoveryException refusal() {
        return new RecoveryException(problem(), hint());
    }
}
