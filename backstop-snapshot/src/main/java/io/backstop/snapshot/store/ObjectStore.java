package io.backstop.snapshot.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * Objects under names. A name is made of parts between slashes, each of letters, digits and {@code . _ - % =}; it never
 * begins with a slash or holds the part {@code ..}. What {@link #put} or {@link #putNew} returned from is durable and
 * whole; what they threw from is either absent or whole, never torn. A call comes to an end by itself, within what the
 * store's documentation says. Thread-safe.
 */
public interface ObjectStore extends AutoCloseable {
    /** Stores an object, in place of one of that name. */
    void put(String name, ByteBuffer content) throws IOException;

    /**
     * Stores an object if there is none of that name; of several callers at the same time one succeeds.
     *
     * @throws java.nio.file.FileAlreadyExistsException where there is one
     */
    void putNew(String name, ByteBuffer content) throws IOException;

    /**
     * The same, for a caller who knows the hash: a store that can refuses content that does not match it, so that what
     * was damaged on the way is not stored.
     */
    default void putNew(String name, ByteBuffer content, ContentHash hash) throws IOException {
        putNew(name, content);
    }

    /**
     * The checksum that the store itself keeps of an object; empty where it keeps no SHA-256.
     *
     * @throws java.nio.file.NoSuchFileException where there is none of that name
     */
    default Optional<StoredChecksum> checksum(String name) throws IOException {
        return Optional.empty();
    }

    /**
     * Opens an object for reading.
     *
     * @throws java.nio.file.NoSuchFileException where there is none of that name
     */
    InputStream open(String name) throws IOException;

    /** The names that begin with the prefix, in ascending order; empty where there are none. */
    default List<String> list(String prefix) throws IOException {
        return entries(prefix).stream().map(ObjectEntry::name).toList();
    }

    /** The same with sizes and times, for no more requests. */
    List<ObjectEntry> entries(String prefix) throws IOException;

    /** Removes an object; does nothing where there is none of that name. */
    void delete(String name) throws IOException;

    /** The store's address for messages, without credentials. */
    String address();

    @Override
    void close();
}
