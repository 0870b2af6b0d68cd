package io.backstop.snapshot.internal.lock;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.reach.BlastRadius.Reached;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Locks what a statement reaches: each table at once with the strongest lock that the statement will need, all of them in
 * the order of their oids, and again until a look under the locks finds nothing more. Asks once for hundreds of tables.
 */
public final class TableLocks {
    private static final int ROUNDS = 8;

    /** One order for all captures: those of the same tables then wait for each other and do not deadlock. */
    private static final Comparator<Reached> LOCK_ORDER =
            Comparator.comparingLong(reached -> reached.relation().oid());

    private final CallerSession session;
    private final Duration timeout;
    private final LockStatements statements;

    public TableLocks(CallerSession session, Duration timeout) {
        this.session = session;
        this.timeout = timeout;
        this.statements = new LockStatements(session);
    }

    /** The radius as it is now that nobody else can change it. */
    public BlastRadius lock(Look look, Progress progress) throws SQLException, RecoveryNotReadyException {
        LockWait wait = LockWait.limit(session, timeout);
        Set<Held> told = new HashSet<>();
        Set<Held> held = Set.of();
        for (int round = 0; round < ROUNDS; round++) {
            BlastRadius radius = look.look();
            List<Reached> missing = missing(radius, held);
            if (missing.isEmpty()) {
                wait.restore();
                return radius;
            }
            lockInOrder(missing);
            held = held();
            tell(missing, held, told, progress);
        }
        throw new RecoveryNotReadyException(
                "the tables that the statement reaches kept changing while they were locked; nothing was changed",
                "run it again when no schema changes are under way");
    }

    /**
     * For a transaction that must not see anything before it holds its locks: locks what another one has found, and only
     * then looks.
     *
     * @return the radius as it is now that nobody else can change it; empty where it has grown beyond the locks
     */
    Optional<BlastRadius> lockFirst(BlastRadius expected, Look look, Progress progress)
            throws SQLException, RecoveryNotReadyException {
        LockWait wait = LockWait.limit(session, timeout);
        lockInOrder(expected.local().tables().values());
        Set<Held> held = held();
        BlastRadius radius = look.look();
        if (!missing(radius, held).isEmpty()) {
            return Optional.empty();
        }
        wait.restore();
        tell(radius.tables().values(), held, new HashSet<>(), progress);
        return Optional.of(radius);
    }

    private void lockInOrder(Collection<Reached> tables) throws SQLException, RecoveryNotReadyException {
        statements.lock(tables.stream().sorted(LOCK_ORDER).toList());
    }

    private static List<Reached> missing(BlastRadius radius, Set<Held> held) {
        return radius.local().tables().values().stream()
                .filter(reached -> !held.contains(Held.of(reached)))
                .toList();
    }

    private static void tell(Collection<Reached> locked, Set<Held> held, Set<Held> told, Progress progress) {
        for (Reached reached : locked) {
            if (held.contains(Held.of(reached)) && told.add(Held.of(reached))) {
                progress.reached(Progress.Step.LOCKED, reached.relation().name().toString(), 0, 0);
            }
        }
    }

    /** By oid, not by name: a name may have come to mean another table between the look and the lock. */
    private Set<Held> held() throws SQLException {
        return new HashSet<>(session.rows(
                "SELECT relation, pg_catalog.lower(mode) FROM pg_catalog.pg_locks WHERE granted "
                        + "AND pid = pg_catalog.pg_backend_pid() AND locktype = 'relation'",
                row -> new Held(row.getLong(1), row.getString(2))));
    }

    /** Finds out what the statement reaches. */
    @FunctionalInterface
    public interface Look {
        BlastRadius look() throws SQLException, RecoveryNotReadyException;
    }

    /** A table and the mode of a lock on it, as pg_locks spells it in lower case. */
    private record Held(long oid, String mode) {
        static Held of(Reached reached) {
            return new Held(reached.relation().oid(), reached.effect().lockMode());
        }
    }
}
