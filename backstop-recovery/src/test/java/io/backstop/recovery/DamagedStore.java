package io.backstop.recovery;

import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.List;

/** A store in which one object is not what was stored, from its n-th reading on. */
final class DamagedStore implements ObjectStore {
    private final ObjectStore store;
    private final String ending;
    private final int from;
    private final Damage damage;
    private int readings;

    DamagedStore(ObjectStore store, String ending, int from, Damage damage) {
        this.store = store;
        this.ending = ending;
        this.from = from;
        this.damage = damage;
    }

    @Override
    public InputStream open(String name) throws IOException {
        if (!name.endsWith(ending) || ++readings < from) {
            return store.open(name);
        }
        try (InputStream stream = store.open(name)) {
            byte[] damaged = damage.apply(stream.readAllBytes());
            if (damaged.length == 0) {
                throw new NoSuchFileException(name);
            }
            return new ByteArrayInputStream(damaged);
        }
    }

    /** What becomes of an object's content; nothing, where the object is missing. */
    @FunctionalInterface
    interface Damage {
        byte[] apply(byte[] content) throws IOException;
    }

    boolean wasRead() {
        return readings >= from;
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        store.put(name, content);
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        store.putNew(name, content);
    }

    @Override
    public List<ObjectEntry> entries(String prefix) throws IOException {
        return store.entries(prefix);
    }

    @Override
    public void delete(String name) throws IOException {
        store.delete(name);
    }

    @Override
    public String address() {
        return store.address();
    }

    @Override
    public void close() {
        // The store is closed by the one who opened it.
    }
}
