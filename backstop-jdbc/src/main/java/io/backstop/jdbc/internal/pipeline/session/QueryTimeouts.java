package io.backstop.jdbc.internal.pipeline.session;

import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Counts {@link java.sql.Statement#setQueryTimeout} from where a statement begins to be secured; the driver's own count
 * begins when it is sent. Thread-safe.
 */
public final class QueryTimeouts implements AutoCloseable {
    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, task -> {
        Thread thread = new Thread(task, "backstop-query-timeout");
        thread.setDaemon(true);
        return thread;
    });

    public QueryTimeouts() {
        timer.setRemoveOnCancelPolicy(true);
    }

    /** Begins to count. */
    public Count of(CancellableExecution<?> execution) throws SQLException {
        int seconds = execution.statement().getQueryTimeout();
        return seconds == 0
                ? new Count(Optional.empty())
                : new Count(Optional.of(timer.schedule(() -> stop(execution, seconds), seconds, TimeUnit.SECONDS)));
    }

    private static void stop(CancellableExecution<?> execution, int seconds) {
        try {
            execution.stop("its query timeout of " + seconds + " s was over before");
        } catch (SQLException e) {
            // The server cannot be asked to cancel what it does; the statement will not run when that is done.
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }

    /** A count that is under way, if there is a timeout. */
    public record Count(Optional<Future<?>> stop) {
        public void end() {
            stop.ifPresent(task -> task.cancel(false));
        }
    }
}
