package io.backstop.snapshot.store;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A store that fails at one call, or from that call on, after it did what it was asked or before. Counts every call and
 * every read of a stream. Thread-safe.
 */
public final class FailingObjectStore implements ObjectStore {
    private final ObjectStore store;
    private final int failingCall;
    private final boolean forGood;
    private final boolean afterTheDeed;
    private final AtomicInteger calls = new AtomicInteger();

    public FailingObjectStore(ObjectStore store, int failingCall, boolean forGood, boolean afterTheDeed) {
        this.store = store;
        this.failingCall = failingCall;
        this.forGood = forGood;
        this.afterTheDeed = afterTheDeed;
    }

    /** How often it was called so far. */
    public int calls() {
        return calls.get();
    }

    private <T> T call(Deed<T> deed) throws IOException {
        int call = calls.incrementAndGet();
        boolean fails = forGood ? call >= failingCall : call == failingCall;
        if (fails && !afterTheDeed) {
            throw new IOException("no storage at call " + call);
        }
        T result = deed.done();
        if (fails) {
            throw new IOException("no storage after call " + call);
        }
        return result;
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        call(() -> {
            store.put(name, content);
            return true;
        });
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        call(() -> {
            store.putNew(name, content);
            return true;
        });
    }

    @Override
    public InputStream open(String name) throws IOException {
        return new FilterInputStream(call(() -> store.open(name))) {
            @Override
            public int read() throws IOException {
                return call(super::read);
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                return call(() -> super.read(target, offset, length));
            }
        };
    }

    @Override
    public List<ObjectEntry> entries(String prefix) throws IOException {
        return call(() -> store.entries(prefix));
    }

    @Override
    public void delete(String name) throws IOException {
        call(() -> {
            store.delete(name);
            return true;
        });
    }

    @Override
    public String address() {
        return store.address();
    }

    @Override
    public void close() {
        store.close();
    }

    private interface Deed<T> {
        T done() throws IOException;
    }
}
