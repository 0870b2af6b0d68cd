package io.backstop.snapshot.internal.session;

import java.sql.SQLException;
import java.util.Set;
import java.util.TreeSet;

/**
 * The numbers under which a session's open transaction writes: its own, and those of the subtransactions that have one and have
 * not ended. Each holds a lock on its number (PostgreSQL documentation, 53.13), and the rows that it makes carry the number as
 * their {@code xmin}.
 */
public final class TransactionNumbers {
    private static final String HELD = """
            SELECT l.transactionid::pg_catalog.text FROM pg_catalog.pg_locks l
            WHERE l.locktype = 'transactionid' AND l.pid = pg_catalog.pg_backend_pid() AND l.mode = 'ExclusiveLock'
              AND l.granted
            """;

    private TransactionNumbers() {}

    /** As {@code xmin} has them. Must not be asked before a transaction has locked what it is to see. */
    public static Set<String> of(CallerSession session) throws SQLException {
        return new TreeSet<>(session.rows(HELD, row -> row.getString(1)));
    }
}
