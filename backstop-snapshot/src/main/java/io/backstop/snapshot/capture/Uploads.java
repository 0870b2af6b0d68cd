package io.backstop.snapshot.capture;

import io.backstop.api.snapshot.SnapshotManifest;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Stores chunks in a thread of its own, one at a time, while the next one is filled: so there are never more than two in
 * memory. Used by one thread. When it is closed no upload is under way.
 */
final class Uploads implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
        Thread uploader = new Thread(task, "backstop-upload");
        uploader.setDaemon(true);
        return uploader;
    });
    private final List<SnapshotManifest.Chunk> stored = new ArrayList<>();
    private @Nullable Future<SnapshotManifest.Chunk> underWay;

    /** Waits for the upload before, and begins this one. */
    void begin(Callable<SnapshotManifest.Chunk> upload) throws IOException {
        await();
        underWay = thread.submit(upload);
    }

    /** The chunks in their order, all stored. */
    List<SnapshotManifest.Chunk> finish() throws IOException {
        await();
        List<SnapshotManifest.Chunk> all = List.copyOf(stored);
        stored.clear();
        return all;
    }

    private void await() throws IOException {
        Future<SnapshotManifest.Chunk> upload = underWay;
        if (upload == null) {
            return;
        }
        underWay = null;
        try {
            stored.add(upload.get());
        } catch (InterruptedException e) {
            underWay = upload;
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

    /** Lets an upload that is under way come to its end, within the store's own timeouts, so that it can be removed. */
    @Override
    public void close() {
        thread.shutdown();
        Future<SnapshotManifest.Chunk> upload = underWay;
        boolean interrupted = false;
        while (upload != null) {
            try {
                upload.get();
                upload = null;
            } catch (ExecutionException e) {
                upload = null; // the failure before this one is the one to tell
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
