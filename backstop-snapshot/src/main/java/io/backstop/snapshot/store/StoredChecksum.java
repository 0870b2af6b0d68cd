package io.backstop.snapshot.store;

/**
 * What a store says of an object that it holds. Immutable.
 *
 * @param bytes how long the object is
 * @param hash the SHA-256 that the store itself computed when the content arrived
 */
public record StoredChecksum(long bytes, ContentHash hash) {}
