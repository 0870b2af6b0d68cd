package io.backstop.recovery.model;

/**
 * The choices for rows that are still there under their key, with other values than the stored ones. Immutable,
 * thread-safe.
 */
public enum ConflictMode {
    /**
     * Puts the stored values back where no row is missing, because then an UPDATE is what happened; else only offers to,
     * because rows that changed beside deleted ones may have changed rightly.
     */
    AS_FOUND,
    /** Puts the stored values back. */
    PUT_BACK,
    /** Leaves them, and offers the statement as a comment. */
    LEAVE
}
