package io.backstop.recovery.model;

import io.backstop.api.snapshot.SnapshotManifest;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.List;

/**
 * Reports that a recovery did not happen; the database is as it was. The message says in lower case what could not be
 * done and names the object, then {@code HINT:} and what to do next; it holds no values of rows and no credentials.
 */
public final class RecoveryException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String problem;
    private final String hint;

    public RecoveryException(String problem, String hint) {
        this(problem, hint, null);
    }

    public RecoveryException(String problem, String hint, @Nullable Throwable cause) {
        super(problem + "\nHINT: " + hint, cause);
        this.problem = problem;
        this.hint = hint;
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
                : new RecoveryException(problem + "; " + String.join("; ", reasons), hint, getCause());
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
