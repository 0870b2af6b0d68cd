package io.backstop.recovery.internal.sql;

import io.backstop.api.internal.postgres.HelperThread;
import io.backstop.recovery.model.RecoveryException;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Shares pieces of work on one table between the connection that restores and, where there is one, a second. Each takes
 * the next piece when it is done with its last. Used by one thread at a time.
 *
 * <p>The first waits here for the second, which the server cannot see. So the second never waits for a lock that somebody
 * queues for: it takes the strongest that its work needs before any work, without a wait, or leaves all work to the first.
 */
public final class ParallelWork {
    private static final Logger LOG = LoggerFactory.getLogger(ParallelWork.class);

    private final Optional<Connection> second;

    public ParallelWork(Optional<Connection> second) {
        this.second = second;
    }

    /**
     * Does all pieces, or fails with what went wrong first; either way nothing is under way afterwards.
     *
     * @param own the first connection's transaction; stays open
     * @param lock a {@code LOCK TABLE …} of the second, which has to tell the strongest lock of the work
     */
    public <T> void share(RecoveryTransaction own, String lock, Collection<T> pieces, Work<T> work)
            throws SQLException, RecoveryException {
        Share<T> share = new Share<>(pieces, work);
        Optional<Thread> helper = pieces.size() < 2
                ? Optional.empty()
                : second.map(connection -> helper(share, connection, lock, own.connection()));
        helper.ifPresent(Thread::start);
        try {
            share.run(own);
        } catch (SQLException | RecoveryException | RuntimeException | Error e) {
            share.failed(e);
            second.filter(connection -> helper.isPresent()).ifPresent(ParallelWork::cancel);
        } finally {
            helper.ifPresent(HelperThread::awaitEnd);
        }
        share.rethrow();
    }

    private static <T> Thread helper(Share<T> share, Connection connection, String lock, Connection first) {
        Thread thread = new Thread(() -> help(share, connection, lock, first), "backstop-second-restorer");
        thread.setDaemon(true);
        return thread;
    }

    private static <T> void help(Share<T> share, Connection connection, String lock, Connection first) {
        Optional<RecoveryTransaction> admitted = admitted(connection, lock);
        if (admitted.isEmpty()) {
            return;
        }
        try (RecoveryTransaction transaction = admitted.get()) {
            share.run(transaction);
            transaction.commit();
        } catch (SQLException | RecoveryException | RuntimeException | Error e) {
            share.failed(e);
            cancel(first);
        }
    }

    /** Whatever it is refused for, the first connection does the work alone. */
    private static Optional<RecoveryTransaction> admitted(Connection connection, String lock) {
        try {
            RecoveryTransaction transaction = RecoveryTransaction.begin(connection);
            try {
                transaction.execute(lock + " NOWAIT");
                return Optional.of(transaction);
            } catch (SQLException e) {
                LOG.debug("one connection works alone: the second got no lock, SQLSTATE {}", e.getSQLState());
                transaction.close();
                return Optional.empty();
            }
        } catch (SQLException | RecoveryException e) {
            LOG.debug(
                    "one connection works alone: the second began no transaction, {}",
                    e.getClass().getSimpleName());
            return Optional.empty();
        }
    }

    private static void cancel(Connection connection) {
        try {
            connection.unwrap(PGConnection.class).cancelQuery();
        } catch (SQLException e) {
            // It ends the piece that it is at, and takes no other.
        }
    }

    /** Does one piece. Called in several threads at once, with a transaction for each. */
    @FunctionalInterface
    public interface Work<T> {
        void on(RecoveryTransaction transaction, T piece) throws SQLException, RecoveryException;
    }

    /** The pieces that nobody has taken, and what went wrong. Thread-safe. */
    private static final class Share<T> {
        private final Queue<T> rest;
        private final Work<T> work;
        private @Nullable Throwable failure;

        Share(Collection<T> pieces, Work<T> work) {
            this.rest = new ConcurrentLinkedQueue<>(pieces);
            this.work = work;
        }

        void run(RecoveryTransaction transaction) throws SQLException, RecoveryException {
            for (T piece = rest.poll(); piece != null; piece = rest.poll()) {
                work.on(transaction, piece);
            }
        }

        synchronized void failed(Throwable problem) {
            rest.clear();
            if (failure == null) {
                failure = problem;
            } else {
                failure.addSuppressed(problem);
            }
        }

        synchronized void rethrow() throws SQLException, RecoveryException {
            Throwable problem = failure;
            if (problem instanceof SQLException e) {
                throw e;
            }
            if (problem instanceof RecoveryException e) {
                throw e;
            }
            if (problem instanceof RuntimeException e) {
                throw e;
            }
            if (problem instanceof Error e) {
                throw e;
            }
        }
    }
}
