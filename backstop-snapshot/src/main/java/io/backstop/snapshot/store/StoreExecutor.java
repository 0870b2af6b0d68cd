package io.backstop.snapshot.store;

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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Threads that talk to a store: a disk that is forced, or a server far away, answers many at a time as quickly as one.
 * Calls are begun in the order in which they were given, so that one may wait for what was given before. Thread-safe. When
 * it is closed nothing is under way.
 */
public final class StoreExecutor implements AutoCloseable {
    private static final int THREADS = 8;

    private final ExecutorService threads;

    public StoreExecutor() {
        this(THREADS);
    }

    /** @param most how many calls are under way at the same time at most, from 1 on */
    public StoreExecutor(int most) {
        this.threads = Executors.newFixedThreadPool(most, task -> {
            Thread thread = new Thread(task, "backstop-store");
            thread.setDaemon(true);
            return thread;
        });
    }

    public <T> Future<T> begin(Callable<T> call) {
        return threads.submit(call);
    }

    /** The outcome of a call. */
    public static <T> T await(Future<T> call) throws IOException {
        try {
            return call.get();
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (ExecutionException e) {
            throw asIo(e.getCause());
        }
    }

    /** A failure as one of input and output, unless it is one. */
    public static IOException asIo(@Nullable Throwable failure) {
        return failure instanceof IOException known
                ? known
                : new IOException("a call to the storage failed: " + failure, failure);
    }

    /** Leaves the thread interrupted. */
    public static InterruptedIOException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        InterruptedIOException interrupted = new InterruptedIOException("interrupted while the storage was waited for");
        interrupted.initCause(cause);
        return interrupted;
    }

    /** Does all of it, or fails with the first of the list that failed; what was not begun by then is left out. */
    public static void all(List<Call> calls) throws IOException {
        if (calls.size() == 1) {
            calls.get(0).run();
            return;
        }
        AtomicBoolean failed = new AtomicBoolean();
        try (StoreExecutor threads = new StoreExecutor()) {
            List<Future<Void>> begun = new ArrayList<>();
            for (Call call : calls) {
                begun.add(threads.begin(() -> {
                    runUnless(failed, call);
                    return null;
                }));
            }
            try {
                for (Future<Void> call : begun) {
                    await(call);
                }
            } finally {
                failed.set(true); // an interrupted thread does not wait for the rest either
            }
        }
    }

    private static void runUnless(AtomicBoolean failed, Call call) throws IOException {
        if (!failed.get()) {
            try {
                call.run();
            } catch (IOException | RuntimeException | Error e) {
                failed.set(true);
                throw e;
            }
        }
    }

    /**
     * Lets what is under way come to its end, within the store's own timeouts, so that it can be removed. For an interrupted
     * thread it is interrupted too.
     */
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
                threads.shutdownNow();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A call to the store, and whatever is to be made of its answer. */
    @FunctionalInterface
    public interface Call {
        void run() throws IOException;
    }
}
