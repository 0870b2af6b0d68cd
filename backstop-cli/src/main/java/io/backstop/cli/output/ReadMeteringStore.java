package io.backstop.cli.output;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** A store that tells how many bytes of its objects are read, as they are read. As thread-safe as whom it tells. */
public final class ReadMeteringStore implements ObjectStore {
    private final ObjectStore store;
    private final LongConsumer read;

    /** @param read is told how many more bytes were read */
    ReadMeteringStore(ObjectStore store, LongConsumer read) {
        this.store = store;
        this.read = read;
    }

    /** Reads every object of a snapshot and compares it with the manifest, under a progress bar where there is a terminal. */
    public static void verify(ObjectStore store, Optional<KeyProvider> key, SnapshotManifest manifest)
            throws IOException {
        long[] read = {0};
        try (TerminalProgressBar bar = TerminalProgressBar.ofBytes()) {
            ObjectStore metered = new ReadMeteringStore(store, bytes -> {
                synchronized (read) { // objects are read at the same time
                    read[0] += bytes;
                    bar.show(manifest.snapshotId(), read[0], manifest.storedBytes());
                }
            });
            new SnapshotArchive(metered, key).verify(manifest);
        }
    }

    @Override
    public InputStream open(String name) throws IOException {
        return new FilterInputStream(store.open(name)) {
            @Override
            public int read() throws IOException {
                int value = super.read();
                read.accept(value < 0 ? 0 : 1);
                return value;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                int count = super.read(target, offset, length);
                read.accept(Math.max(count, 0));
                return count;
            }
        };
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
        store.close();
    }
}
