package io.backstop.snapshot.store;

/**
 * The checksum that a store keeps of an object. Immutable.
 *
 * @param bytes how long the object is
 * @param hash the SHA-256 that the store itself computed when the content arrived
 */
public record StoredChecksum(long bytes, ContentHash hash) {}
