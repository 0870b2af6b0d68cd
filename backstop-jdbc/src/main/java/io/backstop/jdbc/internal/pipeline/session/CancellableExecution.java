package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.sql.Statement;

/**
 * An execution on its way through the pipeline. The driver can cancel a statement only while the server works on it; to be
 * locked, copied and stored for takes much longer, and whoever cancels meanwhile has to be sure that it does not run after
 * all. Thread-safe: run by one thread, stopped by others.
 */
public final class CancellableExecution<T extends @Nullable Object> implements Execution<T> {
    /** query_canceled (PostgreSQL documentation, appendix A). */
    private static final String QUERY_CANCELED = "57014";

    private final QueryCanceller canceller;
    private final Execution<T> execution;
    private final Thread thread = Thread.currentThread();

    private @Nullable String reason;
    private boolean running;
    private boolean ended;
    private boolean interrupted;

    CancellableExecution(QueryCanceller canceller, Execution<T> execution) {
        this.canceller = canceller;
        this.execution = execution;
    }

    /**
     * Stops it where the driver cannot: it will not run any more, and what is under way for it is cancelled. While it
     * runs, or when all is over, nothing happens.
     *
     * @param why ends the sentence "the statement did not run: …"
     */
    synchronized void stop(String why) throws SQLException {
        if (!running && !ended) {
            reason = why;
            interrupted = true;
            thread.interrupt(); // it may wait for the storage
            canceller.cancelQuery();
        }
    }

    /** Returns when nobody cancels any more, so that the next statement is not the one that is hit. */
    synchronized void end() {
        ended = true;
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
        } finally {
            pause();
        }
    }

    private synchronized void begin() throws SQLException {
        takeInterruptBack();
        if (reason != null) {
            throw canceled(reason, null);
        }
        running = true;
    }

    private synchronized void pause() {
        running = false;
    }

    /** The failure as the caller sees it: query_canceled where the statement was stopped before it ran. */
    public synchronized SQLException translate(SQLException failure) {
        takeInterruptBack();
        return reason != null && failure instanceof RecoveryNotReadyException ? canceled(reason, failure) : failure;
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
    public boolean repeatable() {
        return execution.repeatable();
    }

    @Override
    public Statement statement() {
        return execution.statement();
    }
}
