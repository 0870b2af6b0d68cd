package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.CommitMark.StatementCounts;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.internal.lock.LockWait;
import io.backstop.snapshot.internal.lock.LockedRowIdentities;
import io.backstop.snapshot.internal.reach.BlastRadiusResolver;
import io.backstop.snapshot.internal.reach.InsertTarget;
import io.backstop.snapshot.internal.reach.StandaloneObjects;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.CaptureSettings;
import io.backstop.snapshot.internal.session.HelperConnection;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.internal.session.SearchPath;
import io.backstop.snapshot.internal.session.TableCounters;
import io.backstop.snapshot.internal.session.TransactionNumbers;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Saves the rows that a statement has inserted. They carry the number of its transaction, or of the subtransaction to which
 * it has a savepoint, as their {@code xmin}; how many there have to be is what the server counts. A large table is not read
 * for them: there they are looked for by the values of indexed columns. Used once, by one thread.
 */
final class InsertCapture {
    private final CallerSession session;
    private final SnapshotArchive archive;
    private final Capture capture;
    private final String groupId;
    private final InsertTarget target;
    private final Optional<Destruction.Kind> beside;
    private final Set<String> numbersBefore;
    private final Map<Long, StatementCounts> countsBefore;

    private InsertCapture(
            CallerSession session,
            SnapshotArchive archive,
            Capture capture,
            String groupId,
            InsertTarget target,
            Optional<Destruction.Kind> beside,
            Set<String> numbersBefore,
            Map<Long, StatementCounts> countsBefore) {
        this.session = session;
        this.archive = archive;
        this.capture = capture;
        this.groupId = groupId;
        this.target = target;
        this.beside = beside;
        this.numbersBefore = numbersBefore;
        this.countsBefore = countsBefore;
    }

    /**
     * Looks at the table before the statement.
     *
     * @param numbersBefore the transaction's, before anything was locked for the statement
     * @param beside what it does to rows that are there, and it is known to which; empty where it does nothing to them
     * @return empty where the new rows could not be told
     */
    static Optional<InsertCapture> begin(
            CallerSession session,
            SnapshotArchive archive,
            Capture capture,
            String groupId,
            InsertedValues insert,
            Set<String> numbersBefore,
            Optional<Destruction.Kind> beside)
            throws SQLException {
        SearchPath path = SearchPath.of(session);
        path.useCatalog();
        BlastRadiusResolver names = new BlastRadiusResolver(session, path);
        Optional<Long> oid = names.oid(insert.table());
        Optional<InsertTarget> target = oid.isPresent()
                ? InsertTarget.of(
                        session,
                        oid.get(),
                        insert,
                        beside.filter(Destruction.Kind.UPDATE::equals).isPresent())
                : Optional.empty();
        if (target.isEmpty()) {
            return Optional.empty();
        }
        Map<Long, StatementCounts> counts =
                TableCounters.of(session, target.get().tree());
        path.useCallers();
        capture.beginsAt(counts);
        return Optional.of(
                new InsertCapture(session, archive, capture, groupId, target.get(), beside, numbersBefore, counts));
    }

    String groupId() {
        return groupId;
    }

    String storage() {
        return archive.address();
    }

    /**
     * Stores them, when the statement has run and before its transaction commits.
     *
     * @return what is stored, which may be nothing; empty where the rows cannot be told, and the transaction is as it was
     */
    Optional<Optional<PostgresSecuredRows>> store() throws SQLException {
        List<Long> filled = new ArrayList<>();
        long inserted = 0;
        for (Map.Entry<Long, StatementCounts> table :
                TableCounters.of(session, target.tree()).entrySet()) {
            StatementCounts made =
                    table.getValue().since(countsBefore.getOrDefault(table.getKey(), StatementCounts.NONE));
            if (!isExpected(made)) {
                return Optional.empty();
            }
            if (made.inserted() > 0) {
                filled.add(table.getKey());
                inserted += made.inserted();
            }
        }
        if (filled.isEmpty()) {
            return Optional.of(Optional.empty());
        }
        Set<String> numbers = new HashSet<>(TransactionNumbers.of(session));
        numbers.removeAll(numbersBefore);
        if (numbers.isEmpty() || inserted > LockedRowIdentities.MOST) {
            return Optional.empty();
        }
        Optional<LockedRowIdentities> rows = find(numbers, filled);
        return rows.isPresent() && rows.get().count() == inserted ? copy(rows.get(), filled) : Optional.empty();
    }

    /** A trigger may do more; and what is deleted by an UPDATE is moved to another partition, and counts as inserted there. */
    private boolean isExpected(StatementCounts made) {
        boolean updates = beside.filter(kind -> kind == Destruction.Kind.UPDATE).isPresent();
        boolean deletes = beside.filter(kind -> kind == Destruction.Kind.DELETE).isPresent();
        return (updates || made.updated() == 0) && (deletes || made.deleted() == 0);
    }

    private Optional<LockedRowIdentities> find(Set<String> numbers, List<Long> filled) throws SQLException {
        session.execute("SAVEPOINT backstop_made");
        Optional<LockedRowIdentities> rows = LockedRowIdentities.lock(
                session,
                target.made(session, numbers, beside.isPresent()),
                Set.copyOf(filled),
                LockWait.AS_THE_SESSION);
        session.execute("ROLLBACK TO SAVEPOINT backstop_made; RELEASE SAVEPOINT backstop_made");
        return rows;
    }

    private Optional<Optional<PostgresSecuredRows>> copy(LockedRowIdentities rows, List<Long> filled)
            throws SQLException {
        session.execute("SAVEPOINT backstop_copy");
        List<SnapshotManifest> manifests;
        try {
            CaptureSettings.apply(session);
            manifests = capture.copy(
                    Relation.read(session, filled).values(),
                    groupId,
                    HelperConnection.none(),
                    rows,
                    StandaloneObjects.NONE);
            capture.verify(manifests, groupId);
        } catch (RecoveryNotReadyException e) {
            capture.discard(e);
            throw e;
        } catch (SQLException e) {
            capture.discard(e);
            if (LockedRowIdentities.isInTheWay(e)) {
                throw e;
            }
            session.execute("ROLLBACK TO SAVEPOINT backstop_copy; RELEASE SAVEPOINT backstop_copy");
            return Optional.empty(); // the role may not read what it may insert
        } catch (IOException e) {
            capture.discard(e);
            throw CaptureFailures.storing(archive.address(), e);
        } catch (RuntimeException e) {
            capture.discard(e);
            throw e;
        }
        session.execute("ROLLBACK TO SAVEPOINT backstop_copy; RELEASE SAVEPOINT backstop_copy");
        if (manifests.stream().mapToLong(SnapshotManifest::rowCount).sum() != rows.count()) {
            capture.discard(new SQLException("the rows could not be read"));
            return Optional.empty();
        }
        return Optional.of(Optional.of(new PostgresSecuredRows(
                groupId,
                manifests,
                archive.address(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                capture)));
    }
}
