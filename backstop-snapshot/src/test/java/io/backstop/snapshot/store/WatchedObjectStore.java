package io.backstop.snapshot.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;

/** A store beside which something else happens once, before one of the calls. Not thread-safe. */
public final class WatchedObjectStore implements ObjectStore {
    private final ObjectStore store;
    private final int call;
    private final Meanwhile meanwhile;
    private int calls;

    public WatchedObjectStore(ObjectStore store, int call, Meanwhile meanwhile) {
        this.store = store;
        this.call = call;
        this.meanwhile = meanwhile;
    }

    /** How often it was called so far. */
    public synchronized int calls() {
        return calls;
    }

    private synchronized void called() throws IOException {
        if (++calls == call) {
            meanwhile.happens();
        }
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        called();
        store.put(name, content);
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        called();
        store.putNew(name, content);
    }

    @Override
    public InputStream open(String name) throws IOException {
        called();
        return store.open(name);
    }

    @Override
    public List<ObjectEntry> entries(String prefix) throws IOException {
        called();
        return store.entries(prefix);
    }

    @Override
    public void delete(String name) throws IOException {
        called();
        store.delete(name);
    }

    @Override
    public String address() {
        return store.address();
    }

    @Override
    public void close() {
        store.close();
    }

    /** What somebody else does. */
    public interface Meanwhile {
        void happens() throws IOException;
    }
}
