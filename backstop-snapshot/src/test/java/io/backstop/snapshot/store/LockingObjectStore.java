package io.backstop.snapshot.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** Objects in memory, of which those that are kept are locked. Thread-safe. */
public final class LockingObjectStore implements ObjectStore {
    private final ObjectStore store;
    private final Instant until;
    private final Map<String, ObjectLock> locks = new ConcurrentHashMap<>();
    private volatile boolean locksAll;
    private volatile boolean tells = true;

    public LockingObjectStore(ObjectStore store, Instant until) {
        this.store = store;
        this.until = until;
    }

    /** From now on everything that is stored is locked, as a bucket can do by itself. */
    public void lockAll() {
        locksAll = true;
    }

    /** From now on nobody is told of a lock beforehand. */
    public void tellNobody() {
        tells = false;
    }

    /** Lets the time of the locks of some objects pass. */
    public void unlock(Predicate<String> names) {
        locks.keySet().removeIf(names);
    }

    private void lockIf(boolean wanted, String name) {
        if (wanted) {
            locks.put(name, new ObjectLock(name, Optional.of(until)));
        }
    }

    @Override
    public void keep(String name, ByteBuffer content, ContentHash hash) throws IOException {
        store.keep(name, content, hash);
        lockIf(true, name);
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        store.put(name, content);
        lockIf(locksAll, name);
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        store.putNew(name, content);
        lockIf(locksAll, name);
    }

    @Override
    public InputStream open(String name) throws IOException {
        return store.open(name);
    }

    @Override
    public List<ObjectEntry> entries(String prefix) throws IOException {
        return store.entries(prefix);
    }

    @Override
    public void delete(String name) throws IOException {
        ObjectLock lock = locks.get(name);
        if (lock != null) {
            throw new LockedObjectException(address(), lock);
        }
        store.delete(name);
    }

    @Override
    public Optional<ObjectLock> lock(Collection<String> names) {
        return tells
                ? names.stream()
                        .flatMap(name -> Optional.ofNullable(locks.get(name)).stream())
                        .max(ObjectLock.BY_END)
                : Optional.empty();
    }

    @Override
    public String address() {
        return store.address();
    }

    @Override
    public void close() {
        store.close();
    }
}
