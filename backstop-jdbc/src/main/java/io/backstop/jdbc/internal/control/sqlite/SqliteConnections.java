package io.backstop.jdbc.internal.control.sqlite;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Connections to one file that are open for later units of work. Nobody waits for another's: where none is idle, a new one
 * is opened. Thread-safe.
 */
final class SqliteConnections implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SqliteConnections.class);

    private final int mostIdle;
    private final ConcurrentLinkedDeque<OpenFile> idle = new ConcurrentLinkedDeque<>();
    private final AtomicInteger idling = new AtomicInteger();

    /** What could not be closed where it failed, for instance because the stack was at its end. */
    private final ConcurrentLinkedQueue<Connection> abandoned = new ConcurrentLinkedQueue<>();

    private volatile boolean closed;

    /** @param mostIdle how many are kept open while nobody uses them */
    SqliteConnections(int mostIdle) {
        this.mostIdle = mostIdle;
    }

    /** An idle connection to this very file; empty where there is none. Connections to other files are closed. */
    Optional<OpenFile> take(String identity) {
        closeAbandoned();
        for (OpenFile next = poll(); next != null; next = poll()) {
            if (!identity.isEmpty() && next.identity().equals(identity)) {
                return Optional.of(next);
            }
            discard(next.connection());
        }
        return Optional.empty();
    }

    private @Nullable OpenFile poll() {
        OpenFile next = idle.pollFirst();
        if (next != null) {
            idling.decrementAndGet();
        }
        return next;
    }

    /** Keeps a connection without a transaction for the next unit of work. */
    void giveBack(OpenFile used) {
        if (closed || idling.get() >= mostIdle) {
            discard(used.connection());
            return;
        }
        idling.incrementAndGet();
        idle.addFirst(used);
        if (closed) {
            closeIdle(); // it was closed in between
        }
    }

    /** Closes a connection, which rolls its transaction back. */
    void discard(Connection connection) {
        abandoned.add(connection); // first of all: what follows may fail where there is no stack or memory left
        closeAbandoned();
    }

    private void closeAbandoned() {
        for (Connection next = abandoned.peek(); next != null; next = abandoned.peek()) {
            try {
                next.close();
            } catch (SQLException e) {
                LOG.warn("a connection to the control store did not close: {}", e.getMessage());
            }
            abandoned.remove(next);
        }
    }

    private void closeIdle() {
        for (OpenFile next = poll(); next != null; next = poll()) {
            discard(next.connection());
        }
    }

    /** Closes those that are idle; those in use are closed when they are given back. */
    @Override
    public void close() {
        closed = true;
        closeIdle();
        closeAbandoned();
    }

    /**
     * A connection, and the file that it has open.
     *
     * @param identity as {@link SqliteFile#identity} tells it
     */
    record OpenFile(Connection connection, String identity) {}
}
