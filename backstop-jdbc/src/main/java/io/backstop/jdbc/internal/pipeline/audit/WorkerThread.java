package io.backstop.jdbc.internal.pipeline.audit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;

/**
 * A daemon thread that repeats its work until it is closed, whatever the work throws, and whoever interrupts it.
 * Thread-safe.
 */
public final class WorkerThread implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerThread.class);
    private static final Duration AFTER_A_FAILURE = Duration.ofMillis(100);

    private final Thread thread;
    private final Work work;
    private final Duration patience;
    private volatile boolean closing;
    private volatile boolean stopped;

    /** @param patience how long {@link #close} waits for the work to be done */
    public WorkerThread(String name, Duration patience, Work work) {
        this.work = work;
        this.patience = patience;
        this.thread = new Thread(this::repeat, name);
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    private void repeat() {
        while (!stopped && !(closing && work.done())) {
            try {
                work.once();
            } catch (InterruptedException e) {
                // Only close() ends this thread; then it is stopped.
            } catch (Throwable failure) {
                report(failure);
                pause(AFTER_A_FAILURE); // what fails always is not tried all the time
            }
        }
    }

    /** Fails in no way: what makes the work fail may make logging fail too. */
    private void report(Throwable failure) {
        try {
            LOG.error("{} goes on after a failure", thread.getName(), failure);
        } catch (Throwable e) {
            // There is nothing left to tell it with.
        }
    }

    /** Waits in this thread, for less long when it is interrupted; it does not stay interrupted. */
    public void pause(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            // The caller looks whether it was stopped.
        }
    }

    public boolean closing() {
        return closing;
    }

    /** Whether the work should be left where it is. */
    public boolean stopped() {
        return stopped;
    }

    /** Lets the work be done, for as long as this thread's patience, then ends it. Returns at once in the thread itself. */
    @Override
    public void close() {
        closing = true;
        if (thread == Thread.currentThread()) {
            return;
        }
        try {
            thread.join(patience.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        stopped = true;
        thread.interrupt();
    }

    /** What the thread repeats. */
    public interface Work {
        /** Waits for something to do, for a moment only, and does it. */
        void once() throws InterruptedException;

        /** Whether nothing is left to do. */
        boolean done();
    }
}
