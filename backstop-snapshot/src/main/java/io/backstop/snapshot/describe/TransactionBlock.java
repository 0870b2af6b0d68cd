package io.backstop.snapshot.describe;

import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * Tells whether what a connection sends belongs to a transaction that goes on afterwards. Auto-commit mode alone does not
 * tell: SQL can send {@code BEGIN} in it. Stateless, thread-safe.
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
