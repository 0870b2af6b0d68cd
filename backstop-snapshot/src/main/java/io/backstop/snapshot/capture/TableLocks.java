package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Locks what a statement reaches: each table at once with the strongest lock that the statement will need, all of them in
 * the order of their oids, and again until a look under the locks finds nothing more.
 */
final class TableLocks {
    private static final int ROUNDS = 8;

    private final Session session;
    private final Duration timeout;

    TableLocks(Session session, Duration timeout) {
        this.session = session;
        this.timeout = timeout;
    }

    /** The radius as it is now that nobody else can change it. */
    BlastRadius lock(Look look, Progress progress) throws SQLException, RecoveryNotReadyException {
        String previous = session.value("SELECT pg_catalog.current_setting('lock_timeout')");
        session.execute("SET LOCAL lock_timeout = " + Math.max(1, timeout.toMillis()));
        Set<Held> held = new HashSet<>();
        for (int round = 0; round < ROUNDS; round++) {
            BlastRadius radius = look.look();
            List<BlastRadius.Reached> missing = radius.tables().values().stream()
                    .filter(r -> !held.contains(Held.of(r)))
                    .toList();
            if (missing.isEmpty()) {
                session.execute("SET LOCAL lock_timeout = " + Session.literal(previous));
                return radius;
            }
            for (BlastRadius.Reached reached : missing) {
                lock(reached);
                if (isHeld(reached)) {
                    held.add(Held.of(reached));
                    progress.reached(
                            Progress.Step.LOCKED, reached.relation().name().toString(), 0, 0);
                }
            }
        }
        throw new RecoveryNotReadyException(
                "the tables that the statement reaches kept changing while they were locked; nothing was changed",
                "run it again when no schema changes are under way");
    }

    private void lock(BlastRadius.Reached reached) throws SQLException, RecoveryNotReadyException {
        Relation relation = reached.relation();
        try {
            session.execute("LOCK TABLE ONLY " + relation.name().quoted() + " IN "
                    + reached.effect().lock() + " MODE");
        } catch (SQLException e) {
            throw new RecoveryNotReadyException(
                    "table " + relation.name() + " could not be locked: " + Session.reason(e) + "; nothing was changed",
                    hint(e),
                    e);
        }
    }

    private String hint(SQLException failure) {
        return switch (String.valueOf(failure.getSQLState())) {
            case "55P03" ->
                "another transaction held it for more than " + timeout.toMillis() + " ms; run it again later";
            case "40P01" -> "another transaction waited for this one; run it again";
            case "42501" -> "the role has to be allowed to read and to write every table that the statement reaches";
            case "42P01" -> "it was renamed or dropped just now; run it again";
            default -> "run it again when the reason is gone";
        };
    }

    /** A name may have come to mean another table between the look and the lock. */
    private boolean isHeld(BlastRadius.Reached reached) throws SQLException {
        String mode = reached.effect().lock().replace(" ", "") + "Lock";
        List<Long> found = new ArrayList<>(session.rows(
                "SELECT relation FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND granted "
                        + "AND locktype = 'relation' AND relation = "
                        + reached.relation().oid()
                        + " AND pg_catalog.lower(mode) = pg_catalog.lower(" + Session.literal(mode) + ")",
                row -> row.getLong(1)));
        return !found.isEmpty();
    }

    /** Finds out what the statement reaches. */
    @FunctionalInterface
    interface Look {
        BlastRadius look() throws SQLException, RecoveryNotReadyException;
    }

    private record Held(long oid, String lock) {
        static Held of(BlastRadius.Reached reached) {
            return new Held(reached.relation().oid(), reached.effect().lock());
        }
    }
}
