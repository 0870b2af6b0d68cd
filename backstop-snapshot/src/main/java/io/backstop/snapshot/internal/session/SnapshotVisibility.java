package io.backstop.snapshot.internal.session;

import java.sql.SQLException;

/** Which rows the caller's transaction sees, and with that, how a copy of its can be exact. */
public enum SnapshotVisibility {
    /** Those of now, with each statement anew: READ COMMITTED. */
    CURRENT,
    /**
     * Those of the moment of its first look, which has not come: REPEATABLE READ or SERIALIZABLE, and nothing was sent yet
     * in the transaction that the driver will begin.
     */
    UNDECIDED,
    /** Those of a moment that may be past: REPEATABLE READ or SERIALIZABLE, and the transaction was open already. */
    OLDER;

    /** Begins the transaction, where it has to be begun, with a SHOW, which takes no snapshot for it. */
    public static SnapshotVisibility of(CallerSession session) throws SQLException {
        boolean open = session.inTransaction();
        String isolation = session.value("SHOW transaction_isolation");
        if (isolation.equals("read committed") || isolation.equals("read uncommitted")) {
            return CURRENT;
        }
        return open ? OLDER : UNDECIDED;
    }
}
