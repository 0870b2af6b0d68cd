package io.backstop.api.snapshot;

/**
 * The ways to make sure, before a statement runs, that the storage holds the rows that it was given. Immutable,
 * thread-safe.
 */
public enum Verification {
    /** Everything is read back and hashed. */
    FULL_READ,
    /**
     * The storage is asked for the size and the SHA-256 of every object, as it computed them when the content arrived; what
     * it has none of is read back and hashed. Does not notice what happened to the content since.
     */
    STORE_CHECKSUM
}
