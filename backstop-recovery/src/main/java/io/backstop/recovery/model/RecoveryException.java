package io.backstop.recovery.model;

import io.backstop.api.snapshot.SnapshotManifest;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Reports that a recovery did not happen; the database is as it was. The message says in lower case what could not be
 * done and names the object, then {@code HINT:} and what to do next; it holds no values of rows and no credentials.
 */
public final class RecoveryException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String problem;
    private final String hint;
    private final @Nullable String snapshotId;

    public RecoveryException(String problem, String hint) {
        this(problem, hint, null);
    }

    public RecoveryException(String problem, String hint, @Nullable Throwable cause) {
        this(problem, hint, null, cause);
    }

    private RecoveryException(String problem, String hint, @Nullable String snapshotId, @Nullable Throwable cause) {
        super(problem + "\nHINT: " + hint, cause);
        this.problem = problem;
        this.hint = hint;
        this.snapshotId = snapshotId;
    }

    /** A snapshot is not what was stored. */
    public static RecoveryException damaged(SnapshotManifest manifest, IOException cause) {
        return new RecoveryException(
                "snapshot " + manifest.snapshotId() + " is damaged: " + cause.getMessage(),
                "restore another snapshot of " + manifest.schema() + "." + manifest.table()
                        + ", or bring the object back from the storage's own versions; nothing was kept",
                cause);
    }

    /** The same with what went before it and may be why. */
    public RecoveryException after(List<String> reasons) {
        return reasons.isEmpty()
                ? this
                : new RecoveryException(problem + "; " + String.join("; ", reasons), hint, snapshotId, getCause());
    }

    /** The same, of one among several snapshots that were to be restored. */
    public RecoveryException of(SnapshotManifest manifest) {
        return new RecoveryException(problem, hint, manifest.snapshotId(), getCause());
    }

    /** The snapshot without which the others can be tried; empty where it was none of them. */
    public Optional<String> snapshotId() {
        return Optional.ofNullable(snapshotId);
    }

    /** What is wrong, without the hint. */
    public String problem() {
        return problem;
    }

    /** The hint: what to do next. */
    public String hint() {
        return hint;
    }
}
