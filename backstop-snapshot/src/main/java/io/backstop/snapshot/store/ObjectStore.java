package io.backstop.snapshot.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
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
     * Stores an object that is to last, if there is none of that name: where the store's address asks for a lock, the object
     * is locked. A store that can refuses content that does not match the hash, so that what was damaged on the way is not
     * stored.
     *
     * @throws java.nio.file.FileAlreadyExistsException where there is one
     */
    default void keep(String name, ByteBuffer content, ContentHash hash) throws IOException {
        putNew(name, content);
    }

    /** The same for a caller who has no use for the hash. */
    default void keep(String name, ByteBuffer content) throws IOException {
        keep(name, content, ContentHash.of(content));
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

    /**
     * Makes sure that the store answers and can be read, by one request that does not depend on how much it holds.
     *
     * @throws IOException where it is not so
     */
    default void requireReadable() throws IOException {
        entries("readable/"); // what nobody stores
    }

    /**
     * Removes an object, with the older versions that the store keeps of it; does nothing where there is none of that name.
     *
     * @throws LockedObjectException where the store does not let it go yet
     */
    void delete(String name) throws IOException;

    /**
     * Removes objects, and goes on where one is locked.
     *
     * @return what keeps those that are still there
     */
    default List<ObjectLock> deleteAll(Collection<String> names) throws IOException {
        List<ObjectLock> locked = new ArrayList<>();
        for (String name : names) {
            try {
                delete(name);
            } catch (LockedObjectException e) {
                locked.add(e.lock());
            }
        }
        return locked;
    }

    /** What keeps these objects from being removed: of several locks the one that ends last. Empty where the store knows of none. */
    default Optional<ObjectLock> lock(Collection<String> names) throws IOException {
        return Optional.empty();
    }

    /**
     * Makes sure that the lock that the address asks for is there and holds. Does nothing where it asks for none.
     *
     * @throws IOException where it does not
     */
    default void requireLock() throws IOException {}

    /**
     * Makes sure that these objects, which were stored just now, are locked as the address asks for. Does nothing where it asks
     * for no lock.
     *
     * @throws IOException where one is not
     */
    default void requireLocked(Collection<String> names) throws IOException {}

    /** How the store protects its objects; empty where it has no such means. */
    default Optional<StorageProtection> protection() throws IOException {
        return Optional.empty();
    }

    /** The store's address for messages, without credentials. */
    String address();

    @Override
    void close();
}
