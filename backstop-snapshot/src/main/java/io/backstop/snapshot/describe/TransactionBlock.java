package io.backstop.snapshot.describe;

import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * Finds out whether a connection is in a transaction that continues after its next statement. Auto-commit mode alone
 * does not say so: SQL can send {@code BEGIN} in it. Stateless, thread-safe.
 */
public final class TransactionBlock {
    private TransactionBlock() {}

    /**
     * Asks the driver, not the server.
     *
     * @return true as well where the driver will begin a transaction with the next statement, and where one has failed
     */
    public static boolean surrounds(Connection connection) throws SQLException {
        return !connection.getAutoCommit()
                || connection.unwrap(BaseConnection.class).getTransactionState() != TransactionState.IDLE;
    }
}
