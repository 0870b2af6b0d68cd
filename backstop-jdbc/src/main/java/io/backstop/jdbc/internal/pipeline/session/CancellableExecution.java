package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;

/**
 * An execution on its way through the pipeline. The driver can cancel a statement only while the server works on it; to be
 * locked, copied and stored for takes much longer, and whoever cancels meanwhile has to be sure that it does not run after
 * all. Thread-safe: run by one thread, stopped by others.
 */
public final class CancellableExecution<T extends @Nullable Object> implements Execution<T> {
    /** query_canceled (PostgreSQL documentation, appendix A). */
    private static final String QUERY_CANCELED = "57014";

    private final QueryCanceller canceller;
    private final ConnectionCheck connection;
    private final Execution<T> execution;
    private final Thread thread = Thread.currentThread();

    private @Nullable String reason;
    private @Nullable SQLException failure;
    private boolean waiting;
    private boolean running;
    private boolean sent;
    private boolean undoable;
    private boolean ended;
    private boolean interrupted;
    private int cancelling;

    /** @param connection is asked while it waits */
    CancellableExecution(QueryCanceller canceller, ConnectionCheck connection, Execution<T> execution) {
        this.canceller = canceller;
        this.connection = connection;
        this.execution = execution;
    }

    /**
     * Stops it where the driver cannot: it will not run any more, and what is under way for it is cancelled. While it
     * runs, or when all is over, nothing happens.
     *
     * @param why ends the sentence "the statement did not run: …"
     */
    void stop(String why) throws SQLException {
        if (!interrupt(why)) {
            return;
        }
        try {
            canceller.cancelQuery(); // it opens a connection, which can take as long as its timeouts allow
        } finally {
            cancelled();
        }
    }

    /** The same, but not while it waits for an approval, which ends as soon as its statement or connection is closed. */
    void stopUnlessWaiting(String why) throws SQLException {
        if (!isWaiting()) {
            stop(why);
        }
    }

    private synchronized boolean isWaiting() {
        return waiting;
    }

    /** Whether the server may be at work for it, so that it is to be asked to cancel that. */
    private synchronized boolean interrupt(String why) {
        if (running || ended) {
            return false;
        }
        reason = why;
        if (waiting) {
            notifyAll(); // the server does nothing for it, but perhaps for another thread
            return false;
        }
        interrupted = true;
        thread.interrupt(); // it may wait for the storage
        cancelling++;
        return true;
    }

    private synchronized void cancelled() {
        cancelling--;
        notifyAll();
    }

    /** Until no cancellation is on its way to the server: it would hit what is sent next. */
    private void awaitCancellations() {
        boolean callerInterrupted = false;
        while (cancelling > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                callerInterrupted = true;
            }
        }
        if (callerInterrupted) {
            thread.interrupt();
        }
    }

    /**
     * Waits for a decision, in which time nothing is sent for it: whoever closes its connection need not stop it, and who
     * cancels it ends the wait alone.
     */
    public void await(Decision decision) throws SQLException, InterruptedException {
        waiting(true);
        try {
            decision.await();
        } finally {
            waiting(false);
        }
    }

    /** How a decision is waited for. */
    @FunctionalInterface
    public interface Decision {
        void await() throws SQLException, InterruptedException;
    }

    private synchronized void waiting(boolean now) {
        waiting = now;
    }

    /**
     * A while of such a wait.
     *
     * @throws SQLException query_canceled where it was stopped meanwhile, or why the connection is of no use any more
     */
    public void pause(long millis) throws SQLException, InterruptedException {
        connection.require();
        sleep(millis);
        connection.require();
    }

    private synchronized void sleep(long millis) throws SQLException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long left = millis; reason == null && left > 0; left = left(end)) {
            wait(left);
        }
        if (reason != null) {
            throw new SQLException(
                    "the statement did not run: " + reason
                            + "\nHINT: nothing was changed; the request for its approval stays until it expires",
                    QUERY_CANCELED);
        }
    }

    /** @throws SQLException query_canceled where it was stopped */
    public synchronized void requireNotStopped() throws SQLException {
        if (reason != null) {
            throw canceled(reason, null);
        }
    }

    private static long left(long end) {
        return TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
    }

    private synchronized void failed(SQLException e) {
        failure = e;
    }

    /** Whether it failed with this itself: not where it ran, and something after it failed. */
    public synchronized boolean failedWith(SQLException e) {
        return e.equals(failure);
    }

    /** Forgets what was sent before and undone. */
    public synchronized void startOver() {
        sent = false;
        undoable = false;
        failure = null;
    }

    /** Nothing that it does outlives a rollback. */
    public synchronized void markUndoable() {
        undoable = true;
    }

    /** Whether a rollback certainly undoes all that it does; false until that is known. */
    public synchronized boolean isUndoable() {
        return undoable;
    }

    /** Whether it was handed to the driver, so that the server may have run it. */
    public synchronized boolean sent() {
        return sent;
    }

    /** Returns when nobody cancels any more, so that the next statement is not the one that is hit. */
    synchronized void end() {
        ended = true;
        awaitCancellations();
        takeInterruptBack();
    }

    /** In the execution's own thread: what was stopped is over, and the caller's next wait is not to be cut short. */
    private void takeInterruptBack() {
        if (interrupted) {
            interrupted = false;
            Thread.interrupted();
        }
    }

    @Override
    public T run() throws SQLException {
        begin();
        try {
            return execution.run();
        } catch (SQLException e) {
            failed(e);
            throw e;
        } finally {
            stopped();
        }
    }

    private synchronized void begin() throws SQLException {
        awaitCancellations();
        takeInterruptBack();
        if (reason != null) {
            throw canceled(reason, null);
        }
        running = true;
        sent = true;
    }

    private synchronized void stopped() {
        running = false;
    }

    /** The failure as the caller sees it: query_canceled where the statement was stopped before it ran. */
    public synchronized SQLException translate(SQLException failure) {
        takeInterruptBack();
        boolean notRun =
                failure instanceof RecoveryNotReadyException || failure instanceof ControlStoreUnavailableException;
        return reason != null && notRun ? canceled(reason, failure) : failure;
    }

    private static SQLException canceled(String reason, @Nullable SQLException cause) {
        return new SQLException(
                "the statement did not run, or was undone: " + reason
                        + "\nHINT: nothing was changed; send it again, with a "
                        + "query timeout that allows for a snapshot of its rows",
                QUERY_CANCELED,
                cause);
    }

    @Override
    public long[] batchCounts(T result) {
        return execution.batchCounts(result);
    }

    @Override
    public boolean isBatch() {
        return execution.isBatch();
    }

    @Override
    public boolean repeatable() {
        return execution.repeatable();
    }

    @Override
    public Statement statement() {
        return execution.statement();
    }
}
