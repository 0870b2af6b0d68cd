package io.backstop.jdbc.internal.control.postgres;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Places for connections of one use, and those connections that are open while nobody uses them. Thread-safe. */
final class PostgresPool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresPool.class);

    private final PostgresServer server;
    private final Semaphore places;
    private final int mostIdle;
    private final ConcurrentLinkedDeque<Connection> idle = new ConcurrentLinkedDeque<>();
    private final AtomicInteger idling = new AtomicInteger();
    private volatile boolean closed;

    /**
     * @param places how many connections are in use at once; who comes then waits for {@link PostgresServer#LOCK_TIMEOUT}
     * @param mostIdle how many are kept open while nobody uses them
     */
    PostgresPool(PostgresServer server, int places, int mostIdle) {
        this.server = server;
        this.places = new Semaphore(places, true);
        this.mostIdle = mostIdle;
    }

    /** Waits for a place, which has to be given back by {@link #leave}. */
    void enter() throws SQLException {
        if (places.tryAcquire()) {
            return; // also for a thread that is interrupted
        }
        try {
            if (!places.tryAcquire(PostgresServer.LOCK_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
                throw server.busy();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw server.interrupted(e);
        }
    }

    void leave() {
        places.release();
    }

    /** A connection that was open already, without a transaction. */
    Optional<Connection> idle() {
        Optional<Connection> next = Optional.ofNullable(idle.pollFirst());
        next.ifPresent(taken -> idling.decrementAndGet());
        return next;
    }

    /** Keeps a connection without a transaction for the next one. */
    void keep(Connection connection) {
        if (closed || idling.get() >= mostIdle) {
            discard(connection);
            return;
        }
        idling.incrementAndGet();
        idle.addFirst(connection);
        if (closed) {
            closeIdle(); // it was closed in between
        }
    }

    /** Closes a connection; the server rolls its transaction back. */
    static void discard(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            LOG.warn("a connection to the control store did not close: {}", e.getMessage());
        }
    }

    private void closeIdle() {
        for (Optional<Connection> next = idle(); next.isPresent(); next = idle()) {
            discard(next.get());
        }
    }

    /** Closes those that are idle; those in use are closed when they come back. */
    @Override
    public void close() {
        closed = true;
        closeIdle();
    }
}
