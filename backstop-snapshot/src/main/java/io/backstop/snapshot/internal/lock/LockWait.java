package io.backstop.snapshot.internal.lock;

import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.time.Duration;

/**
 * How long a session waits for a lock: as long as it was told to wait, or for this time where it was not told, so that every
 * wait has an end. Neither SHOW nor SET LOCAL takes a snapshot for the transaction.
 *
 * @param limited whether it had no end of its own
 */
public record LockWait(CallerSession session, boolean limited) {
    /** Waits as the session does, without an end if it has none. */
    public static final Duration AS_THE_SESSION = Duration.ZERO;

    private static final String UNLIMITED = "0";

    /** Limits the wait until {@link #restore}, or the end of the transaction. */
    public static LockWait limit(CallerSession session, Duration timeout) throws SQLException {
        if (timeout.equals(AS_THE_SESSION)
                || !session.value("SHOW lock_timeout").equals(UNLIMITED)) {
            return new LockWait(session, false);
        }
        session.execute("SET LOCAL lock_timeout = " + Math.max(1, timeout.toMillis()));
        return new LockWait(session, true);
    }

    /** Lets the session wait as before. */
    public void restore() throws SQLException {
        if (limited) {
            session.execute("SET LOCAL lock_timeout = " + UNLIMITED);
        }
    }
}
