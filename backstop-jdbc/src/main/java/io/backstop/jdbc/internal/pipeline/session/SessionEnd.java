package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.PgConnection;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLState;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Ends what a guarded connection sends. A pool gives the physical connection to somebody else as soon as it is closed, so that
 * nothing of the old use may be under way by then, nor begin later. Thread-safe.
 */
final class SessionEnd {
    private static final Logger LOG = LoggerFactory.getLogger(SessionEnd.class);

    /** How long a close waits for what is under way to be cancelled and undone. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    private static final int BETWEEN_CANCELS_MILLIS = 1000;

    private final Connection connection;
    private final PgConnection postgres;
    private final ReentrantLock turn;
    private final AtomicInteger callsOutsideTurn = new AtomicInteger();
    private volatile boolean closing;
    private volatile boolean closed;

    SessionEnd(Connection connection, PgConnection postgres, ReentrantLock turn) {
        this.connection = connection;
        this.postgres = postgres;
        this.turn = turn;
    }

    /** Whether nothing is sent any more: it was closed, or what stands under it. */
    boolean isOver() throws SQLException {
        return closed || postgres.isClosed() || (connection != postgres && connection.isClosed());
    }

    /** @throws SQLException where nothing may begin any more, as pgjdbc says it */
    void requireOpen() throws SQLException {
        if (closing || isOver()) {
            throw closed();
        }
    }

    /** The same for what has begun: it may still be undone while it is waited for. */
    void requireNotOver() throws SQLException {
        if (isOver()) {
            throw closed();
        }
    }

    private static SQLException closed() {
        return new PSQLException("This connection has been closed.", PSQLState.CONNECTION_DOES_NOT_EXIST);
    }

    /**
     * The same where nothing is sent, and the server may have ended the session meanwhile. It is heard of without a round trip,
     * outside transactions, where the server has said so.
     */
    void requireAlive() throws SQLException {
        requireOpen();
        if (turn.tryLock()) { // else another thread is about to hear of it
            try {
                postgres.getQueryExecutor().processNotifies();
            } catch (SQLException e) {
                requireOpen(); // whoever closed it meanwhile took the socket away
                throw e;
            } finally {
                turn.unlock();
            }
        }
    }

    /** Makes a call that need not wait for a turn. */
    <T extends @Nullable Object> T whileOpen(ServerCall<T> call) throws SQLException {
        callsOutsideTurn.incrementAndGet();
        try {
            requireOpen();
            return call.run();
        } finally {
            callsOutsideTurn.decrementAndGet();
        }
    }

    /** From here on nothing begins. */
    void begin() {
        closing = true;
    }

    /** From here on nothing is sent. */
    void complete() {
        closed = true;
    }

    /**
     * Takes the turn for the close of a connection that may be used on, once nothing is under way any more. Where that takes too
     * long, the physical connection is aborted, so that it is not used on.
     *
     * @param canceller stops what is under way; called repeatedly
     * @return whether the turn was taken, and is to be given back
     */
    boolean awaitTurn(QueryCanceller canceller) {
        long end = System.nanoTime() + LONGEST_WAIT.toNanos();
        boolean taken = turn.tryLock();
        try {
            while (!taken && System.nanoTime() < end) {
                stop(canceller);
                taken = turn.tryLock(BETWEEN_CANCELS_MILLIS, TimeUnit.MILLISECONDS);
            }
            while (taken && callsOutsideTurn.get() > 0 && System.nanoTime() < end) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!taken || callsOutsideTurn.get() > 0) {
            abort("a connection was closed while a statement was under way that did not end");
        }
        return taken;
    }

    private static void stop(QueryCanceller canceller) {
        try {
            canceller.cancelQuery();
        } catch (SQLException e) {
            LOG.debug("what is under way could not be cancelled: SQLSTATE {}", e.getSQLState());
        }
    }

    /** Aborts the physical connection, so that it is not used on. */
    void abort(String why) {
        LOG.warn("{}; it was aborted", why);
        try {
            postgres.abort(Runnable::run);
        } catch (SQLException e) {
            LOG.warn("it could not be aborted: SQLSTATE {}", e.getSQLState());
        }
    }
}
