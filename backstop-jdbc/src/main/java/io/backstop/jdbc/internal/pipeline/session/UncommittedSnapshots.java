package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SecuredRows;
import org.postgresql.jdbc.PgConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.security.SecureRandom;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * What was stored for a transaction of the caller's outside of the database. Where that is rolled back, snapshots hold rows
 * that are still there, or were never committed, and would be the newest of their tables; and a budget counts rows that were
 * not changed. Both are taken back only once the server itself says that the transaction was aborted, and snapshots are
 * marked as final only once it says that it was committed. A statement that was rolled back to a savepoint is known by a lock
 * that was taken beside it, which the server has given back with it. Used within the session's turn.
 */
public final class UncommittedSnapshots {
    private static final Logger LOG = LoggerFactory.getLogger(UncommittedSnapshots.class);

    private static final String WITNESS =
            "SELECT pg_catalog.pg_current_xact_id(), pg_catalog.pg_try_advisory_xact_lock(?)";

    /** The transaction, and the keys of the session's advisory locks. */
    private static final String WITNESSES = """
            SELECT pg_catalog.pg_current_xact_id_if_assigned(), (SELECT pg_catalog.array_agg(
                l.classid::pg_catalog.int8 OPERATOR(pg_catalog.*) 4294967296 OPERATOR(pg_catalog.+) l.objid::pg_catalog.int8)
            FROM pg_catalog.pg_locks AS l WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'
            AND l.objsubid OPERATOR(pg_catalog.=) 1::pg_catalog.int2 AND l.granted
            AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())""";

    private final Connection connection;
    private final BooleanSupplier inTransaction;
    private final BooleanSupplier inFailedTransaction;
    private final Consumer<String> discarded;
    private final List<Consumer<Exception>> undone = new ArrayList<>(2);
    private final List<Secured> secured = new ArrayList<>(2);
    private final SecureRandom keys = new SecureRandom();
    private String transaction = "";

    /**
     * @param inTransaction whether the connection has a transaction open, failed or not
     * @param inFailedTransaction whether it has one that has failed
     * @param discarded is told the recovery group of what was taken back
     */
    UncommittedSnapshots(
            Connection connection,
            BooleanSupplier inTransaction,
            BooleanSupplier inFailedTransaction,
            Consumer<String> discarded) {
        this.discarded = discarded;
        this.connection = connection;
        this.inTransaction = inTransaction;
        this.inFailedTransaction = inFailedTransaction;
    }

    /** @param rows secured in the transaction that is open, which has written or is about to */
    public void add(SecuredRows rows) throws SQLException {
        long key = keys.nextInt(Integer.MAX_VALUE) * (1L << Integer.SIZE) + keys.nextInt(Integer.MAX_VALUE);
        try (PreparedStatement select = connection.prepareStatement(WITNESS)) {
            select.setLong(1, key);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                of(row.getString(1));
                secured.add(new Secured(rows, row.getBoolean(2) ? Optional.of(key) : Optional.empty()));
            }
        }
    }

    /** Removes what was stored for statements that have been rolled back to a savepoint, while the transaction goes on. */
    private void settleSavepoints() {
        RecoveryNotReadyException why =
                new RecoveryNotReadyException("the statement was rolled back to a savepoint", "nothing was changed");
        try {
            List<Secured> gone = withoutWitness();
            secured.removeAll(gone);
            gone.forEach(each -> discard(each.rows(), why));
        } catch (SQLException | RuntimeException e) {
            why.addSuppressed(e);
        }
        for (Throwable problem : why.getSuppressed()) {
            LOG.warn("what was stored for a statement that was rolled back may not have been taken back", problem);
        }
    }

    private void discard(SecuredRows rows, Exception why) {
        rows.discard(why);
        discarded.accept(rows.groupId());
    }

    private List<Secured> withoutWitness() throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(WITNESSES);
                ResultSet row = select.executeQuery()) {
            row.next();
            if (!transaction.equals(row.getString(1))) {
                return List.of(); // another one, in which these locks could not be
            }
            Set<Long> held = new HashSet<>();
            Array locks = row.getArray(2);
            if (locks != null) {
                for (Object lock : (Object[]) locks.getArray()) {
                    held.add((Long) lock);
                }
            }
            return secured.stream()
                    .filter(each ->
                            each.witness().filter(key -> !held.contains(key)).isPresent())
                    .toList();
        }
    }

    /**
     * Has something undone where the transaction that is open is rolled back.
     *
     * @param current the number of the transaction
     * @param undo is given the failure to which its own is added
     */
    public void onRollback(String current, Consumer<Exception> undo) {
        of(current);
        undone.add(undo);
    }

    private void of(String current) {
        if (!current.equals(transaction)) {
            settleEnded(); // where nobody saw it
            transaction = current;
        }
    }

    private boolean isEmpty() {
        return undone.isEmpty() && secured.isEmpty();
    }

    private void forget() {
        undone.clear();
        secured.clear();
    }

    /** The same as {@link #settle} where JDBC says that it committed: without snapshots there is nothing to ask for. */
    void committed() {
        if (secured.isEmpty()) {
            forget();
        }
        settle();
    }

    /**
     * Removes them where their transaction has ended in a rollback, or they were rolled back to a savepoint, and marks them
     * where it was committed. Never fails: the caller has to learn how that went.
     */
    public void settle() {
        if (inTransaction.getAsBoolean()) {
            if (!secured.isEmpty() && !inFailedTransaction.getAsBoolean()) {
                settleSavepoints();
            }
            return;
        }
        settleEnded();
    }

    private void settleEnded() {
        if (isEmpty()) {
            return;
        }
        List<Consumer<Exception>> ended = List.copyOf(undone);
        List<Secured> stored = List.copyOf(secured);
        forget();
        RecoveryNotReadyException why =
                new RecoveryNotReadyException("the transaction was rolled back", "nothing was changed");
        try {
            boolean idle = !inTransaction.getAsBoolean();
            String status = value("SELECT pg_catalog.pg_xact_status('" + transaction + "')");
            if (idle) {
                rollBack(); // what the question has begun
            }
            if (status.equals("aborted")) {
                ended.forEach(undo -> undo.accept(why));
                stored.forEach(each -> discard(each.rows(), why));
            } else if (status.equals("committed")) {
                stored.forEach(each -> each.rows().committed());
            }
        } catch (SQLException | RuntimeException e) {
            why.addSuppressed(e);
        }
        for (Throwable problem : why.getSuppressed()) {
            LOG.warn("what was stored for a transaction that was rolled back may not have been taken back", problem);
        }
    }

    /** Rolls back first where closing would do so: the end of a pooled connection is its pool's to decide. */
    void settleBeforeClose() {
        if (isEmpty() || !(connection instanceof PgConnection)) {
            return;
        }
        try {
            if (!connection.isClosed()) {
                rollBack();
            }
        } catch (SQLException e) {
            LOG.warn("a transaction could not be rolled back before its connection was closed", e);
        }
        settle();
    }

    /** Said in SQL, as some pools and transaction managers forbid it in JDBC. */
    private void rollBack() throws SQLException {
        if (inTransaction.getAsBoolean()) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("ROLLBACK");
            }
        }
    }

    private String value(String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }

    /** @param witness the key of a lock that the server gives back if the statement is rolled back; empty where none was had */
    private record Secured(SecuredRows rows, Optional<Long> witness) {}
}
