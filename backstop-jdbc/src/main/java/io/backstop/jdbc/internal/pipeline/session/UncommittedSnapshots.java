package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SecuredRows;
import org.postgresql.jdbc.PgConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * What was stored for a transaction of the caller's outside of the database. Where that is rolled back as a whole, snapshots
 * hold rows that are still there, or were never committed, and would be the newest of their tables; and a budget counts rows
 * that were not changed. Both are taken back only once the server itself says that the transaction was aborted, and snapshots
 * are marked as final only once it says that it was committed. Used within the session's turn.
 */
public final class UncommittedSnapshots {
    private static final Logger LOG = LoggerFactory.getLogger(UncommittedSnapshots.class);

    private final Connection connection;
    private final BooleanSupplier inTransaction;
    private final List<Consumer<Exception>> undone = new ArrayList<>(2);
    private final List<SecuredRows> secured = new ArrayList<>(2);
    private String transaction = "";

    /** @param inTransaction whether the connection has a transaction open, failed or not */
    UncommittedSnapshots(Connection connection, BooleanSupplier inTransaction) {
        this.connection = connection;
        this.inTransaction = inTransaction;
    }

    /** @param rows secured in the transaction that is open, which has written or is about to */
    public void add(SecuredRows rows) throws SQLException {
        onRollback(value("SELECT pg_catalog.pg_current_xact_id()"), rows::discard);
        secured.add(rows);
    }

    /**
     * Has something undone where the transaction that is open is rolled back.
     *
     * @param current the number of the transaction
     * @param undo is given the failure to which its own is added
     */
    public void onRollback(String current, Consumer<Exception> undo) {
        if (!current.equals(transaction)) {
            forget(); // of one that has ended where nobody saw it
            transaction = current;
        }
        undone.add(undo);
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
     * Removes them where their transaction has ended in a rollback, and marks them where it was committed. Never fails: the
     * caller has to learn how that went.
     */
    public void settle() {
        if (undone.isEmpty() || inTransaction.getAsBoolean()) {
            return;
        }
        List<Consumer<Exception>> ended = List.copyOf(undone);
        List<SecuredRows> stored = List.copyOf(secured);
        forget();
        RecoveryNotReadyException why =
                new RecoveryNotReadyException("the transaction was rolled back", "nothing was changed");
        try {
            String status = value("SELECT pg_catalog.pg_xact_status('" + transaction + "')");
            rollBack();
            if (status.equals("aborted")) {
                ended.forEach(undo -> undo.accept(why));
            } else if (status.equals("committed")) {
                stored.forEach(SecuredRows::committed);
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
        if (undone.isEmpty() || !(connection instanceof PgConnection)) {
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
}
