package io.backstop.recovery.internal.restore;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Chunk;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.StoreExecutor;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Future;

/**
 * The chunks of a snapshot for those who load them. While they do, the next one is read and its checksum found right, so
 * that the server does not wait for it; it is the only one that is held beside those that are being loaded. Thread-safe.
 */
final class ChunkPrefetcher implements AutoCloseable {
    /** A larger one is of a single row, stored by an earlier version; there may not be memory for another like it. */
    private static final long LARGEST = 16 << 20;

    private final SnapshotArchive archive;
    private final SnapshotManifest manifest;
    private final StoreExecutor reader = new StoreExecutor(1);
    private final Deque<Chunk> rest;
    private final Map<Chunk, Future<InputStream>> begun = new HashMap<>();

    ChunkPrefetcher(SnapshotArchive archive, SnapshotManifest manifest) {
        this.archive = archive;
        this.manifest = manifest;
        this.rest = new ArrayDeque<>(manifest.chunks());
    }

    /** The rows of a chunk, which nobody else has taken, as {@link SnapshotArchive#rows} gives them; the caller closes them. */
    InputStream take(Chunk chunk) throws IOException {
        return StoreExecutor.await(begin(chunk));
    }

    private synchronized Future<InputStream> begin(Chunk chunk) {
        Future<InputStream> known = begun.remove(chunk);
        Future<InputStream> taken = known == null ? read(chunk) : known;
        rest.remove(chunk);
        if (begun.isEmpty() && !rest.isEmpty() && rest.element().bytes() <= LARGEST) {
            Chunk next = rest.remove();
            begun.put(next, read(next));
        }
        return taken;
    }

    private Future<InputStream> read(Chunk chunk) {
        return reader.begin(() -> archive.rows(manifest, chunk));
    }

    /** Closes what nobody took. */
    @Override
    public synchronized void close() {
        reader.close();
        for (Future<InputStream> read : begun.values()) {
            try {
                StoreExecutor.await(read).close();
            } catch (IOException e) {
                // It was not needed.
            }
        }
        begun.clear();
    }
}
