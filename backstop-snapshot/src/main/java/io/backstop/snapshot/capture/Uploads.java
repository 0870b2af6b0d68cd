package io.backstop.snapshot.capture;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Stores chunks in a thread of its own, one at a time, while the next one is filled: so there are never more than two in
 * memory, and two buffers for all of them. Used by one thread. When it is closed no upload is under way.
 *
 * @param <T> what is known of a stored chunk
 */
final class Uploads<T> implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
        Thread uploader = new Thread(task, "backstop-upload");
        uploader.setDaemon(true);
        return uploader;
    });
    private final ConcurrentLinkedQueue<ChunkBuffer> free = new ConcurrentLinkedQueue<>();
    private final Supplier<ChunkBuffer> newBuffer;
    private final List<T> stored = new ArrayList<>();
    private Optional<Future<T>> underWay = Optional.empty();

    Uploads(Supplier<ChunkBuffer> newBuffer) {
        this.newBuffer = newBuffer;
    }

    /** An empty buffer, which {@link #begin} takes back. */
    ChunkBuffer buffer() {
        ChunkBuffer used = free.poll();
        return used == null ? newBuffer.get() : used;
    }

    /** Waits for the upload before, and begins this one. */
    void begin(ChunkBuffer buffer, Callable<T> upload) throws IOException {
        await();
        underWay = Optional.of(thread.submit(() -> {
            T result = upload.call();
            buffer.clear();
            free.add(buffer);
            return result;
        }));
    }

    /** What is known of the chunks since the last call, all stored, in their order. */
    List<T> finish() throws IOException {
        await();
        List<T> all = List.copyOf(stored);
        stored.clear();
        return all;
    }

    private void await() throws IOException {
        if (underWay.isEmpty()) {
            return;
        }
        Future<T> upload = underWay.get();
        underWay = Optional.empty();
        try {
            stored.add(upload.get());
        } catch (InterruptedException e) {
            underWay = Optional.of(upload);
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("interrupted while a chunk was stored");
            interrupted.initCause(e);
            throw interrupted;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException("a chunk could not be stored: " + e.getCause(), e.getCause());
        }
    }

    /** Interrupts an upload that is under way and lets it come to its end, so that it can be removed. */
    @Override
    public void close() {
        thread.shutdownNow();
        underWay = Optional.empty();
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                ended = thread.awaitTermination(1, TimeUnit.MINUTES);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
