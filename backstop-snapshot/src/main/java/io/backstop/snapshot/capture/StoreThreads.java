package io.backstop.snapshot.capture;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Threads that talk to the store while rows are read: a disk that is forced, or a server far away, answers many at a time
 * as quickly as one. Chunks wait for each other only as far as memory goes. Work is begun in the order in which it was
 * given, so that it may wait for what was given before. Thread-safe. When it is closed nothing is under way.
 */
final class StoreThreads implements AutoCloseable {
    private static final int THREADS = 8;

    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS, task -> {
        Thread thread = new Thread(task, "backstop-store");
        thread.setDaemon(true);
        return thread;
    });
    private final Queue<byte[]> free = new ConcurrentLinkedQueue<>();
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    private final int fullChunk;
    private final int bytes;
    private final Semaphore room;

    /** @param fullChunk how many bytes a chunk has at most, unless it is of a single row; two of them may wait here */
    StoreThreads(int fullChunk) {
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
            throw interrupted(e);
        }
        stopAfterFailure();
        return begin(() -> {
            try {
                return work.call();
            } finally {
                chunk.release();
                room.release(held);
            }
        });
    }

    /** Does something that holds little. */
    <T> Future<T> begin(Callable<T> work) {
        return threads.submit(() -> {
            try {
                return work.call();
            } catch (Exception e) {
                failure.compareAndSet(null, e);
                throw e;
            }
        });
    }

    /** There is no use in reading on for a snapshot that will not be. */
    private void stopAfterFailure() throws IOException {
        Exception first = failure.get();
        if (first != null) {
            throw asStored(first);
        }
    }

    /** What came of it. */
    static <T> T await(Future<T> work) throws IOException {
        try {
            return work.get();
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (ExecutionException e) {
            throw asStored(e.getCause());
        }
    }

    private static IOException asStored(@Nullable Throwable cause) {
        return cause instanceof IOException known
                ? known
                : new IOException("an object could not be stored: " + cause, cause);
    }

    private static IOException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        InterruptedIOException interrupted = new InterruptedIOException("interrupted while an object was stored");
        interrupted.initCause(cause);
        return interrupted;
    }

    /** Lets what is under way come to its end, within the store's own timeouts, so that it can be removed. */
    @Override
    public void close() {
        threads.shutdown();
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                ended = threads.awaitTermination(1, TimeUnit.HOURS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
