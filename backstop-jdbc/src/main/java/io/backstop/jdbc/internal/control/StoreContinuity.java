package io.backstop.jdbc.internal.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Makes sure that a place holds the same store as before, and no earlier state of it. It remembers the newest state that
 * this process has seen there. Thread-safe.
 */
public final class StoreContinuity {
    /** What {@link #sighting} reads. */
    public static final String SIGHTING =
            "SELECT i.store_id, coalesce(h.sequence, 0), coalesce(h.hash, '') FROM store_identity i LEFT JOIN audit_head h ON 1 = 1";

    private final AtomicReference<@Nullable StoreSighting> newest = new AtomicReference<>();

    /** The newest state that was seen; empty before the store was first opened. */
    public Optional<StoreSighting> newest() {
        return Optional.ofNullable(newest.get());
    }

    /** Remembers a state that was committed. */
    public void seen(StoreSighting state) {
        newest.accumulateAndGet(
                state, (known, seen) -> known != null && known.sequence() >= seen.sequence() ? known : seen);
    }

    /** What the transaction sees. It takes the transaction's view of the store where nothing was read before. */
    public static StoreSighting look(Connection connection) throws SQLException {
        try (Statement select = connection.createStatement();
                ResultSet row = select.executeQuery(SIGHTING)) {
            return sighting(row);
        }
    }

    /** The result of {@link #SIGHTING}. */
    public static StoreSighting sighting(ResultSet row) throws SQLException {
        if (!row.next()) {
            throw new SQLException("the control store has no id");
        }
        return new StoreSighting(row.getString(1), row.getLong(2), row.getString(3));
    }

    /**
     * Refuses another store, and an earlier state of this one.
     *
     * @param expected what was seen before the transaction began
     */
    public static void require(StoreSighting expected, StoreSighting seen, StoreLoss loss)
            throws ControlStoreUnavailableException {
        if (!seen.id().equals(expected.id())) {
            throw loss.replaced();
        }
        if (seen.isBefore(expected)) {
            throw loss.setBack(expected.sequence());
        }
    }

    /**
     * The same, for a file that was opened again and may have had another history in the meantime: the record that was the
     * newest has to be there still, unless the beginning of the log was pruned beyond it.
     */
    public static void requireHistory(StoreSighting expected, Connection connection, StoreLoss loss)
            throws SQLException {
        require(expected, look(connection), loss);
        if (expected.sequence() == 0) {
            return;
        }
        try (PreparedStatement select =
                connection.prepareStatement("SELECT hash FROM audit WHERE sequence >= ? ORDER BY sequence LIMIT 1")) {
            select.setLong(1, expected.sequence());
            try (ResultSet row = select.executeQuery()) {
                if (!row.next() || !holds(connection, expected, row.getString(1))) {
                    throw loss.setBack(expected.sequence());
                }
            }
        }
    }

    private static boolean holds(Connection connection, StoreSighting expected, String hash) throws SQLException {
        if (hash.equals(expected.hash())) {
            return true;
        }
        try (Statement select = connection.createStatement();
                ResultSet first = select.executeQuery("SELECT coalesce(min(sequence), 0) FROM audit")) {
            return first.next() && first.getLong(1) > expected.sequence();
        }
    }
}
