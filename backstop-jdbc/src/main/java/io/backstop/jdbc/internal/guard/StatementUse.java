package io.backstop.jdbc.internal.guard;

import java.sql.SQLException;

/**
 * Keeps what one statement sends as it was judged: while it is executed, or waits for that, nobody changes its batch or its
 * values. Thread-safe.
 */
final class StatementUse {
    /** object_not_in_prerequisite_state (PostgreSQL documentation, appendix A). */
    private static final String IN_USE = "55000";

    private final Runnable failed;
    private int executions;
    private boolean changing;
    private volatile boolean cancelled;

    /** @param failed is run where a change has failed, so that it may have been done in part */
    StatementUse(Runnable failed) {
        this.failed = failed;
    }

    /** Returns once no change is under way; none begins until {@link #end}. */
    synchronized void begin() {
        if (executions == 0) {
            cancelled = false;
        }
        executions++;
    }

    synchronized void end() {
        executions--;
    }

    /** To be told where the statement is cancelled, which may still wait for its turn. */
    synchronized void cancel() {
        cancelled = executions > 0;
    }

    /** @throws SQLException query_canceled where it was cancelled before it was sent */
    void requireUncancelled() throws SQLException {
        if (cancelled) {
            throw new SQLException("the statement did not run: it was cancelled\nHINT: nothing was changed", "57014");
        }
    }

    /** @throws SQLException where the statement is being executed, or the same thread is changing it already */
    synchronized void change(Change change) throws SQLException {
        if (executions > 0) {
            throw new SQLException(
                    "the statement is being executed, and its batch and its values cannot be changed meanwhile"
                            + "\nHINT: wait until the execution ends, or use a statement for each thread",
                    IN_USE);
        }
        if (changing) {
            throw new SQLException(
                    "a value of the statement is being bound, and what is read for it cannot bind others"
                            + "\nHINT: bind one value after the other",
                    IN_USE);
        }
        changing = true;
        boolean done = false;
        try {
            change.apply();
            done = true;
        } finally {
            changing = false;
            if (!done) {
                failed.run();
            }
        }
    }

    /** What changes the statement's batch or values. */
    interface Change {
        void apply() throws SQLException;
    }
}
