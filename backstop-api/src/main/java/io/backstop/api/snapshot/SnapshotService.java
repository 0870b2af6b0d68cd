package io.backstop.api.snapshot;

import io.backstop.api.error.RecoveryNotReadyException;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * Stores the rows that a statement is about to destroy. The driver finds it through {@link SnapshotServiceProvider}.
 * Implementations are thread-safe.
 */
public interface SnapshotService extends AutoCloseable {
    /**
     * Proves that a snapshot could be stored, by storing, reading and removing a small object.
     *
     * @throws RecoveryNotReadyException naming the storage and what is wrong with it
     */
    void probe() throws RecoveryNotReadyException;

    /**
     * Locks everything that the statement will take with it, copies its rows in this session, stores them and reads them
     * back. When it returns, a verified snapshot of exactly the rows that would be destroyed exists, and stays exact
     * until the transaction ends.
     *
     * <p>The settings of the session are afterwards what they were before; the locks stay until the transaction ends. Where
     * auto-commit is off and nothing was sent in the transaction yet, it may be begun and rolled back before it is begun for
     * good; at REPEATABLE READ and SERIALIZABLE only then can be saved what takes a table's rows all at once.
     *
     * @param connection a plain connection to PostgreSQL with a transaction that this call may begin or join: auto-commit
     *     is off, or SQL has begun one in auto-commit mode ({@code BEGIN}). The mode is left as it is
     * @param more where a second connection may come from, which reads along where the lock lets it; without one this
     *     session reads alone
     * @throws RecoveryNotReadyException where any of this cannot be had; nothing was changed then, though the transaction
     *     may hold locks or have failed
     */
    SecuredRows secure(Connection connection, Connections more, SnapshotRequest request, Progress progress)
            throws RecoveryNotReadyException;

    /**
     * Like {@link #secure}, for one UPDATE or DELETE of which a query tells the rows: locks and stores these alone, and lets
     * others go on with the rest of the table. Which rows the statement takes is compared afterwards, by {@link
     * SecuredRows#otherRowsTaken}; so a query that tells the wrong ones makes the statement fail, and loses nothing. Stores
     * whole tables where rows cannot be told apart.
     *
     * @param request its only destruction is the statement's
     */
    default SecuredRows secureRows(
            Connection connection, Connections more, SnapshotRequest request, RowQuery query, Progress progress)
            throws RecoveryNotReadyException {
        return secure(connection, more, request, progress);
    }

    /**
     * Stores the rows that one ordinary statement is about to change, so that it can be undone, and looks at the table that it
     * inserts into, so that the new ones can be told when it has run. Nothing is stored where its rows cannot be told one by
     * one, or foreign keys take rows of other tables along; and nothing is refused because of what else it may change. As after
     * {@link #secureRows}, which rows it took has to be compared; and {@link SecuredRows#storeInserted} has to be called.
     *
     * @param request with no other destruction than the statement's own
     * @param changed the rows that were there; empty where it changes none of them
     * @param inserted what is known of the new rows; empty where it makes none
     * @return empty where nothing is stored; the transaction has to be taken back to where it was then
     * @throws RecoveryNotReadyException where the rows could not be stored
     * @throws SQLException as the server said it; the transaction has failed
     */
    default Optional<SecuredRows> cover(
            Connection connection,
            SnapshotRequest request,
            Optional<RowQuery> changed,
            Optional<InsertedValues> inserted,
            Progress progress)
            throws SQLException {
        return Optional.empty();
    }

    @Override
    void close();
}
