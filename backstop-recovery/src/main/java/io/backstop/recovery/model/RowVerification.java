package io.backstop.recovery.model;

/**
 * The ways to compare the rows of a restored table with their snapshot. Everything else is compared either way.
 * Immutable, thread-safe.
 */
public enum RowVerification {
    /** Every row is read back and goes into a checksum that has to be the snapshot's. */
    EVERY_ROW,
    /**
     * Rows are not read back. What was loaded had the snapshot's SHA-256, and the server took as many rows of each chunk
     * as it holds; what the server then made of a value is not looked at.
     */
    COUNTS
}
