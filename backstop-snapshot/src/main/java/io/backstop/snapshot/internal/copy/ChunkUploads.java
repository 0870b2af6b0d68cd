package io.backstop.snapshot.internal.copy;

import io.backstop.snapshot.store.StoreExecutor;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Stores chunks while rows are read. They wait for each other only as far as memory goes. Work is begun in the order in
 * which it was given. Thread-safe. When it is closed nothing is under way.
 */
public final class ChunkUploads implements AutoCloseable {
    private final StoreExecutor calls = new StoreExecutor();
    private final Queue<byte[]> free = new ConcurrentLinkedQueue<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final int fullChunk;
    private final int bytes;
    private final Semaphore room;

    /** @param fullChunk how many bytes a chunk has at most, unless it is of a single row; two of them may wait here */
    public ChunkUploads(int fullChunk) {
        this.fullChunk = fullChunk;
        this.bytes = 2 * fullChunk;
        this.room = new Semaphore(bytes);
    }

    /** An empty buffer, which {@link #store} takes back. */
    ChunkBuffer buffer() {
        return new ChunkBuffer(fullChunk, free);
    }

    /** Stores a chunk; waits before until there is room for it. */
    <T> Future<T> store(ChunkBuffer chunk, Callable<T> work) throws IOException {
        int held = Math.min(chunk.capacity(), bytes);
        try {
            room.acquire(held);
        } catch (InterruptedException e) {
            throw StoreExecutor.interrupted(e);
        }
        boolean begun = false;
        try {
            stopAfterFailure();
            Future<T> stored = calls.begin(() -> {
                try {
                    return recorded(work)
                            .call(); // before room is given to the next, which must not begin after a failure
                } finally {
                    release(chunk, held);
                }
            });
            begun = true;
            return stored;
        } finally {
            if (!begun) {
                release(chunk, held);
            }
        }
    }

    private void release(ChunkBuffer chunk, int held) {
        try {
            chunk.release();
        } finally {
            room.release(held);
        }
    }

    /** Does something that holds little. */
    public <T> Future<T> begin(Callable<T> work) {
        return calls.begin(recorded(work));
    }

    private <T> Callable<T> recorded(Callable<T> work) {
        return () -> {
            try {
                return work.call();
            } catch (Exception | Error e) {
                failure.compareAndSet(null, e);
                throw e;
            }
        };
    }

    /** There is no use in reading on for a snapshot that will not be. */
    private void stopAfterFailure() throws IOException {
        Throwable first = failure.get();
        if (first != null) {
            throw StoreExecutor.asIo(first);
        }
    }

    @Override
    public void close() {
        calls.close();
    }
}
