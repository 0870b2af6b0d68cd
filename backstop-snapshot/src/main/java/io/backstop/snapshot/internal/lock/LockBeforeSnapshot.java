package io.backstop.snapshot.internal.lock;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.reach.BlastRadiusResolver;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.SearchPath;
import io.backstop.snapshot.internal.session.SnapshotVisibility;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/**
 * Locks for a transaction at REPEATABLE READ or SERIALIZABLE of which nothing has been sent yet, so that it sees the rows of
 * the moment when it holds its locks. What to lock is found out in a transaction of Backstop's own before; where that has
 * grown meanwhile, the caller's, which is still empty, is rolled back and begun again.
 */
public final class LockBeforeSnapshot {
    private static final int ROUNDS = 5;

    private final CallerSession session;
    private final Duration timeout;

    public LockBeforeSnapshot(CallerSession session, Duration timeout) {
        this.session = session;
        this.timeout = timeout;
    }

    /** Leaves the caller's transaction begun, with the locks, and with {@code search_path} as {@link SearchPath} sets it. */
    public LockedBlastRadius lock(SnapshotRequest request, Progress progress)
            throws SQLException, RecoveryNotReadyException {
        for (int round = 0; round < ROUNDS; round++) {
            BlastRadius expected = foresee(request);
            // From here to the locks nothing may be sent that takes a snapshot: SHOW, SET LOCAL, SAVEPOINT and LOCK
            // take none.
            SearchPath path = SearchPath.of(session);
            path.useCatalog();
            BlastRadiusResolver resolver = new BlastRadiusResolver(session, path);
            Optional<BlastRadius> radius =
                    new TableLocks(session, timeout).lockFirst(expected, () -> resolver.resolve(request), progress);
            if (radius.isPresent()) {
                return new LockedBlastRadius(radius.get(), SnapshotVisibility.CURRENT, path);
            }
            session.rollBack();
        }
        throw new RecoveryNotReadyException(
                "the tables that the statement reaches kept changing before they could be locked; nothing was changed",
                "run it again when no schema changes are under way");
    }

    /** What there is now, whatever the level at which the caller's transactions begin. */
    private BlastRadius foresee(SnapshotRequest request) throws SQLException, RecoveryNotReadyException {
        session.rollBack();
        session.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
        SearchPath path = SearchPath.of(session);
        path.useCatalog();
        BlastRadius radius = new BlastRadiusResolver(session, path).resolve(request);
        session.rollBack();
        return radius;
    }
}
