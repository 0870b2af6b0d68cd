package io.backstop.snapshot.internal.lock;

import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.time.Duration;

/**
 * How long a session waits for a lock: as long as it was told to wait, or for this time where it was not told, so that every
 * wait has an end. Neither SHOW nor SET LOCAL takes a snapshot for the transaction.
 *
 * @param previous the session's own setting, as the server shows it
 */
public record LockWait(CallerSession session, String previous) {
    private static final String UNLIMITED = "0";

    /** Limits the wait until {@link #restore}, or the end of the transaction. */
    public static LockWait limit(CallerSession session, Duration timeout) throws SQLException {
        LockWait wait = new LockWait(session, session.value("SHOW lock_timeout"));
        if (wait.unlimited()) {
            session.execute("SET LOCAL lock_timeout = " + Math.max(1, timeout.toMillis()));
        }
        return wait;
    }

    private boolean unlimited() {
        return previous.equals(UNLIMITED);
    }

    /** Lets the session wait as before. */
    public void restore() throws SQLException {
        if (unlimited()) {
            session.execute("SET LOCAL lock_timeout = " + SqlSpelling.escapedLiteral(previous));
        }
    }
}
