package io.backstop.api.event;

import io.backstop.api.policy.Verdict;
import io.backstop.api.snapshot.SnapshotManifest;

import java.time.Duration;
import java.util.List;

/**
 * Follows what happens to guarded statements. Every method does nothing by default.
 *
 * <p>Events arrive one at a time, in order for each connection, in a thread of the guard's own; a listener can neither delay
 * nor fail a statement. What a method throws is logged by its class and forgotten. While a listener is so slow that 10,000
 * events wait, further events are dropped, and their number is logged. Events say what happened; the audit log is the record.
 */
public interface GuardListener {
    /** A guarded connection was opened. */
    default void connectionOpened(ConnectionEvent connection) {}

    /** A guarded connection was closed or aborted. */
    default void connectionClosed(ConnectionEvent connection) {}

    /**
     * The policy decided about a statement. In mode {@code monitor} the verdict is the one that would have been enforced.
     *
     * @param took how long the analysis and the decision took
     */
    default void judged(StatementEvent statement, Verdict verdict, Duration took) {}

    /** The statement waits for a human. */
    default void held(StatementEvent statement, String approvalId) {}

    /** Backstop refused the statement; it did not run, or was rolled back. A held statement is not refused. */
    default void refused(StatementEvent statement, Refusal refusal) {}

    /**
     * The statement ran behind verified snapshots of what it destroyed.
     *
     * @param snapshots the manifests of the recovery group, one for each table
     * @param took how long it took to lock, copy, store, verify and execute
     */
    default void secured(StatementEvent statement, List<SnapshotManifest> snapshots, Duration took) {}

    /**
     * The statement ran. Whether its transaction is committed later is not known.
     *
     * @param took from its arrival at the guard to its result
     */
    default void executed(StatementEvent statement, Duration took) {}

    /**
     * The server refused the statement, or the connection failed.
     *
     * @param sqlState the server's SQLSTATE, or {@code 00000} where the driver gave none
     * @param took from its arrival at the guard to the failure
     */
    default void failed(StatementEvent statement, String sqlState, Duration took) {}
}
