package io.backstop.snapshot.internal.session;

import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.Connections;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/**
 * A second connection that reads along with the first. It never waits for a lock, so the two cannot block each other
 * where the server, which sees two sessions that have nothing to do with each other, would not notice: what it cannot have
 * at once it goes without, and the first connection reads alone. Opened when it is first wanted. Used by one thread at a
 * time.
 */
public final class HelperConnection implements AutoCloseable {
    private final Connections connections;
    private final View view;

    private static final Logger LOG = LoggerFactory.getLogger(HelperConnection.class);

    private Optional<CallerSession> session = Optional.empty();
    private boolean refused;

    public HelperConnection(Connections connections, View view) {
        this.connections = connections;
        this.view = view;
    }

    /** One that is never to be had. */
    public static HelperConnection none() {
        return new HelperConnection(Connections.NONE, (second, relation) -> {});
    }

    /**
     * A session in which a COPY of the relation gives the rows that the first one sees, if it can be had without a wait.
     * After a refusal it is not asked again: the next table would hardly fare better.
     */
    public Optional<CallerSession> of(Relation relation) {
        if (refused) {
            return Optional.empty();
        }
        try {
            if (session.isEmpty()) {
                session = connections.open().map(CallerSession::new);
                if (session.isPresent()) {
                    session.get().connection().setAutoCommit(false);
                }
            }
            if (session.isPresent()) {
                admit(session.get(), relation);
            }
        } catch (SQLException e) {
            // Whatever it is (no connection left, no privilege, the lock), one connection is enough.
            LOG.debug("one connection reads alone from table {} on: SQLSTATE {}", relation.name(), e.getSQLState());
            refused = true;
            close();
        }
        return session;
    }

    private void admit(CallerSession second, Relation relation) throws SQLException {
        second.connection().rollback();
        view.enter(second, relation);
        CaptureSettings.apply(second);
        String table = relation.name().quoted();
        second.execute("LOCK TABLE ONLY " + table + " IN ACCESS SHARE MODE NOWAIT");
        // Fails where the user may not read it all.
        second.execute("SELECT FROM ONLY " + table + " LIMIT 0");
    }

    /** Ends what it is reading, from another thread. */
    public void cancel() {
        try {
            if (session.isPresent()) {
                session.get().connection().unwrap(PGConnection.class).cancelQuery();
            }
        } catch (SQLException e) {
            // It reads its piece to the end then.
        }
    }

    /** Ends its part in the work, so that it holds no lock when the statement runs. */
    @Override
    public void close() {
        Optional<CallerSession> open = session;
        session = Optional.empty();
        if (open.isPresent()) {
            try (Connection connection = open.get().connection()) {
                connection.rollback();
            } catch (SQLException e) {
                // It is the server's to end a broken connection; nothing of it is needed any more.
            }
        }
    }

    /** Makes a session, at the beginning of a transaction, see the rows that another one sees. */
    @FunctionalInterface
    public interface View {
        /** @throws SQLException where it cannot be known to see them */
        void enter(CallerSession second, Relation relation) throws SQLException;

        /**
         * Under a lock of the first session that keeps everybody from writing, as long as that session wrote nothing
         * itself, everybody sees the same rows. That it is the same server is told by the lock: a standby, or a server
         * that took over, does not have it.
         */
        static View underLockOf(CallerSession first) throws SQLException {
            String holder = first.value("SELECT pg_catalog.pg_backend_pid()");
            return (second, relation) -> {
                // As a default, SERIALIZABLE READ ONLY DEFERRABLE would wait for the first session to end.
                second.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
                String held = second.value("SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE granted AND pid = "
                        + holder + " AND locktype = 'relation' AND relation = " + relation.oid()
                        + " AND mode IN ('ShareLock', 'ShareRowExclusiveLock') AND database = (SELECT oid FROM "
                        + "pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))");
                if (!held.equals("t")) {
                    throw new SQLException("the second connection does not see the lock of the first");
                }
            };
        }

        /** @param snapshot as {@code pg_export_snapshot} named it, of a transaction that is still open */
        static View exported(String snapshot) {
            return (second, relation) -> second.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET TRANSACTION SNAPSHOT "
                            + SqlSpelling.escapedLiteral(snapshot));
        }
    }
}
