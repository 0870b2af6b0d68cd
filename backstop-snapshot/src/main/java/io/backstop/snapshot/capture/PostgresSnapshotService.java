package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.RowsSince;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.RecentSnapshots.Covering;
import io.backstop.snapshot.describe.TransactionBlock;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.internal.copy.TableSize;
import io.backstop.snapshot.internal.lock.DefinitionsAlone;
import io.backstop.snapshot.internal.lock.LockBeforeSnapshot;
import io.backstop.snapshot.internal.lock.LockWait;
import io.backstop.snapshot.internal.lock.LockedBlastRadius;
import io.backstop.snapshot.internal.lock.LockedRowIdentities;
import io.backstop.snapshot.internal.lock.RowSelection;
import io.backstop.snapshot.internal.lock.StaleSnapshotChecks;
import io.backstop.snapshot.internal.lock.TableLocks;
import io.backstop.snapshot.internal.loss.CollateralLossCheck;
import io.backstop.snapshot.internal.loss.DefinitionLossCheck;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.reach.BlastRadiusResolver;
import io.backstop.snapshot.internal.reach.DeferredTriggers;
import io.backstop.snapshot.internal.reach.ObjectCascade;
import io.backstop.snapshot.internal.reach.RemovedObjects;
import io.backstop.snapshot.internal.reach.StandaloneObjects;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.CaptureSettings;
import io.backstop.snapshot.internal.session.HelperConnection;
import io.backstop.snapshot.internal.session.IdGenerator;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.internal.session.SearchPath;
import io.backstop.snapshot.internal.session.SnapshotVisibility;
import io.backstop.snapshot.internal.session.TransactionNumbers;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.StorageProbe;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Saves rows of PostgreSQL 14 to 18 into an object store before a statement takes them. Works in the caller's own session,
 * at every isolation level, see {@code docs/adr/0005-lock-then-copy-in-the-same-session.md}. Thread-safe; calls for
 * different connections do not wait for each other.
 *
 * <p>Of the caller's transaction it leaves behind: after success the locks and nothing else; after a failure nothing, for
 * it rolls back to a savepoint of its own, or to the transaction's beginning where it had not begun, and the transaction can
 * go on. Only where that rollback fails too, because the connection is lost, is the transaction gone with the connection.
 */
public final class PostgresSnapshotService implements SnapshotService {
    private static final RowsSince NOTHING_SINCE = new RowsSince(0, false);

    private final ObjectStore store;
    private final SnapshotArchive archive;
    private final SnapshotSettings settings;
    private final int chunkBytes;
    private final IdGenerator ids = new IdGenerator();

    /** @param store is closed with this service */
    public PostgresSnapshotService(ObjectStore store, SnapshotSettings settings) {
        this(store, settings, Optional.empty());
    }

    /**
     * @param store is closed with this service
     * @param key what snapshots are encrypted and authenticated under
     */
    public PostgresSnapshotService(ObjectStore store, SnapshotSettings settings, Optional<KeyProvider> key) {
        this(store, settings, key, TableCopier.CHUNK);
    }

    /** @param chunkBytes how many compressed bytes make a chunk full */
    PostgresSnapshotService(ObjectStore store, SnapshotSettings settings, int chunkBytes) {
        this(store, settings, Optional.empty(), chunkBytes);
    }

    private PostgresSnapshotService(
            ObjectStore store, SnapshotSettings settings, Optional<KeyProvider> key, int chunkBytes) {
        this.chunkBytes = chunkBytes;
        this.store = store;
        this.archive = new SnapshotArchive(store, key);
        this.settings = settings;
    }

    @Override
    public void probe() throws RecoveryNotReadyException {
        try {
            StorageProbe.requireUsable(store);
        } catch (IOException e) {
            throw new RecoveryNotReadyException(
                    "the storage " + store.address() + " cannot be used: " + e.getMessage(),
                    CaptureFailures.HINT_STORAGE,
                    e);
        }
    }

    @Override
    public SecuredRows secure(Connection connection, Connections more, SnapshotRequest request, Progress progress)
            throws RecoveryNotReadyException {
        Progress logged = LoggedProgress.of(progress);
        return secure(
                        connection,
                        Provenance.of(request),
                        logged,
                        (session, visibility, capture) -> Optional.of(
                                save(session, more, lock(session, visibility, request, logged), request, capture)))
                .orElseThrow();
    }

    @Override
    public SecuredRows secureRows(
            Connection connection, Connections more, SnapshotRequest request, RowQuery query, Progress progress)
            throws RecoveryNotReadyException {
        Progress logged = LoggedProgress.of(progress);
        Optional<PostgresSecuredRows> rows = request.recent().isPresent()
                ? Optional.empty() // these are of whole tables
                : secure(
                        connection,
                        Provenance.ofRows(request),
                        logged,
                        (session, visibility, capture) ->
                                saveRows(session, visibility, request, query, logged, capture));
        return rows.isPresent() ? rows.get() : secure(connection, more, request, progress);
    }

    @Override
    public Optional<SecuredRows> cover(
            Connection connection,
            SnapshotRequest request,
            Optional<RowQuery> changed,
            Optional<InsertedValues> inserted,
            Progress progress)
            throws SQLException {
        Progress logged = LoggedProgress.of(progress);
        CallerSession session = new CallerSession(connection);
        SnapshotVisibility visibility = SnapshotVisibility.of(session);
        // Before the first look of a transaction nothing can be asked, and it has no number.
        Optional<Set<String>> numbers = visibility == SnapshotVisibility.UNDECIDED
                ? Optional.empty()
                : Optional.of(TransactionNumbers.of(session));
        String groupId = ids.groupId();
        Optional<PostgresSecuredRows> rows = Optional.empty();
        if (changed.isPresent()) {
            Capture capture = capture(session, Provenance.ofWrite(request), logged);
            numbers.ifPresent(capture::beginsIn);
            rows = coverChanged(session, visibility, request, changed.get(), groupId, capture, logged);
            if (rows.isEmpty()) {
                return Optional.empty();
            }
        }
        if (inserted.isEmpty()) {
            return rows.map(SecuredRows.class::cast);
        }
        Optional<SecuredRows> both = Optional.empty();
        try {
            Capture capture = capture(session, Provenance.ofInserted(request), logged);
            numbers.ifPresent(capture::beginsIn);
            Optional<PostgresSecuredRows> stored = rows;
            both = InsertCapture.begin(
                            session,
                            archive,
                            capture,
                            groupId,
                            inserted.get(),
                            numbers.orElse(Set.of()),
                            changed.map(query -> request.destructions().get(0).kind()))
                    .map(insert -> new CoveredRows(stored, insert));
            return both;
        } finally {
            if (both.isEmpty() && rows.isPresent()) {
                rows.get().discard(new SQLException("the new rows could not be told"));
            }
        }
    }

    private Capture capture(CallerSession session, Provenance provenance, Progress progress) {
        return new Capture(session, archive, provenance, RowEncoding.AUTO, progress, settings, ids, chunkBytes);
    }

    private Optional<PostgresSecuredRows> coverChanged(
            CallerSession session,
            SnapshotVisibility visibility,
            SnapshotRequest request,
            RowQuery query,
            String groupId,
            Capture capture,
            Progress progress)
            throws SQLException {
        try {
            return new RowCapture(session, capture, LockWait.AS_THE_SESSION, request, progress, true)
                    .save(visibility, query, groupId)
                    .map(saved -> secured(groupId, saved, capture));
        } catch (RecoveryNotReadyException e) {
            capture.discard(e);
            if (e.getCause() instanceof SQLException lock && LockedRowIdentities.isInTheWay(lock)) {
                throw lock;
            }
            return Optional.empty(); // the rows cannot be had as they are; the storage fails otherwise
        } catch (SQLException e) {
            capture.discard(e);
            if (LockedRowIdentities.isInTheWay(e)) {
                throw e;
            }
            return Optional.empty(); // the write itself will say what is in its way
        } catch (RuntimeException e) {
            capture.discard(e);
            throw e;
        } catch (IOException e) {
            capture.discard(e);
            throw CaptureFailures.storing(store, e);
        }
    }

    /** Saves, and where nothing comes of it, leaves the transaction as it was found. */
    private Optional<PostgresSecuredRows> secure(
            Connection connection, Provenance provenance, Progress progress, Saving saving)
            throws RecoveryNotReadyException {
        CallerSession session = new CallerSession(connection);
        Capture capture = capture(session, provenance, progress);
        Undo undo = () -> {};
        try {
            requireTransaction(connection);
            SnapshotVisibility visibility = SnapshotVisibility.of(session);
            if (visibility == SnapshotVisibility.UNDECIDED) {
                undo = session::rollBack;
            } else {
                session.execute("SAVEPOINT backstop_secure");
                capture.beginsIn(TransactionNumbers.of(session));
                undo = () ->
                        session.execute("ROLLBACK TO SAVEPOINT backstop_secure; RELEASE SAVEPOINT backstop_secure");
            }
            Optional<PostgresSecuredRows> secured = saving.save(session, visibility, capture);
            if (secured.isEmpty()) {
                undo.run();
            } else if (visibility != SnapshotVisibility.UNDECIDED
                    && secured.get().taken().isEmpty()) {
                session.execute("RELEASE SAVEPOINT backstop_secure");
            }
            return secured;
        } catch (RecoveryNotReadyException e) {
            undo(undo, capture, e);
            throw e;
        } catch (SQLException e) {
            undo(undo, capture, e);
            throw CaptureFailures.reading(e);
        } catch (IOException e) {
            undo(undo, capture, e);
            throw CaptureFailures.storing(store, e);
        } catch (RuntimeException e) {
            undo(undo, capture, e);
            throw e;
        }
    }

    /** Of the one table that the statement names only the rows that it will take. */
    private Optional<PostgresSecuredRows> saveRows(
            CallerSession session,
            SnapshotVisibility visibility,
            SnapshotRequest request,
            RowQuery query,
            Progress progress,
            Capture capture)
            throws SQLException, IOException, RecoveryNotReadyException {
        String groupId = ids.groupId();
        return new RowCapture(session, capture, settings.lockTimeout(), request, progress, false)
                .save(visibility, query, groupId)
                .map(saved -> secured(groupId, saved, capture));
    }

    private PostgresSecuredRows secured(String groupId, RowCapture.Saved saved, Capture capture) {
        return new PostgresSecuredRows(
                groupId,
                saved.manifests(),
                store.address(),
                saved.aftermath(),
                Optional.empty(),
                Optional.of(saved.taken()),
                Optional.empty(),
                capture);
    }

    private LockedBlastRadius lock(
            CallerSession session, SnapshotVisibility visibility, SnapshotRequest request, Progress progress)
            throws SQLException, RecoveryNotReadyException {
        if (visibility == SnapshotVisibility.UNDECIDED) {
            return new LockBeforeSnapshot(session, settings.lockTimeout()).lock(request, progress);
        }
        SearchPath path = SearchPath.of(session);
        path.useCatalog();
        BlastRadiusResolver resolver = new BlastRadiusResolver(session, path);
        StaleSnapshotChecks older = new StaleSnapshotChecks(session);
        if (visibility == SnapshotVisibility.OLDER) {
            older.refuseWhatIsNotByRow(request, resolver);
        }
        BlastRadius radius =
                new TableLocks(session, settings.lockTimeout()).lock(() -> resolver.resolve(request), progress);
        if (visibility == SnapshotVisibility.OLDER) {
            older.requireCurrent(radius);
        }
        return new LockedBlastRadius(radius, visibility, path);
    }

    private PostgresSecuredRows save(
            CallerSession session, Connections more, LockedBlastRadius locked, SnapshotRequest request, Capture capture)
            throws SQLException, IOException, RecoveryNotReadyException {
        if (request.callersTransaction()) {
            DeferredTriggers.refuse(session, locked.radius());
        }
        // Locks that are older than a savepoint survive a rollback to it; the settings after it do not.
        session.execute("SAVEPOINT backstop_copy");
        CaptureSettings.apply(session);
        String groupId = ids.groupId();
        // First: what comes after this look is either seen by those that follow, or goes beyond what is expected.
        Optional<DefinitionLossCheck> definitions = definitions(session, locked, request);
        Covering covering = covering(session, more, locked, request, capture, groupId)
                .and(capture.objects(new RemovedObjects(session, locked.path()).of(request.definitions()), groupId));
        capture.verify(covering.manifests(), groupId);
        CollateralLossCheck aftermath = CollateralLossCheck.expect(
                session, locked.saved(), locked.visibility() == SnapshotVisibility.OLDER || drops(request));
        session.execute("ROLLBACK TO SAVEPOINT backstop_copy; RELEASE SAVEPOINT backstop_copy");
        locked.path().useCallers();
        return new PostgresSecuredRows(
                groupId,
                covering.manifests(),
                store.address(),
                Optional.of(aftermath),
                definitions,
                Optional.empty(),
                request.recent().map(age -> covering.since()),
                capture);
    }

    private static Optional<DefinitionLossCheck> definitions(
            CallerSession session, LockedBlastRadius locked, SnapshotRequest request)
            throws SQLException, RecoveryNotReadyException {
        ObjectCascade cascade = ObjectCascade.of(session, locked.path(), request.definitions());
        if (cascade.isEmpty()) {
            return Optional.empty();
        }
        DefinitionLossCheck check = DefinitionLossCheck.expect(session, cascade::counts);
        cascade.requireWithin(locked.radius());
        return Optional.of(check);
    }

    /** Snapshots that cover the radius: taken now, or where the request says so, not long ago. */
    private Covering covering(
            CallerSession session,
            Connections more,
            LockedBlastRadius locked,
            SnapshotRequest request,
            Capture capture,
            String groupId)
            throws SQLException, IOException, RecoveryNotReadyException {
        BlastRadius radius = locked.radius();
        StandaloneObjects standalone =
                new BlastRadiusResolver(session, locked.path()).standalone(request.destructions(), radius);
        if (radius.tables().isEmpty()) {
            return new Covering(List.of(), NOTHING_SINCE);
        }
        BlastRadius rows = radius.withRows();
        RowSelection definitions = DefinitionsAlone.of(radius.redefined());
        if (request.recent().isPresent()) {
            if (!standalone.kept().isEmpty()) {
                throw new RecoveryNotReadyException(
                        "the statement takes away more than tables, which no snapshot that was taken beforehand holds",
                        "drop the tables by themselves, or let the policy say \"snapshot_mode\": \"inline\"");
            }
            Covering recent = new RecentSnapshots(archive, settings.clock())
                    .of(
                            session,
                            rows.permanent(),
                            request.database(),
                            request.recent().get(),
                            takesDefinitions(request));
            archive.relyOn(recent.manifests());
            List<SnapshotManifest> covering = new ArrayList<>(recent.manifests());
            // Nobody can take these beforehand; definitions alone cost nothing.
            TableSize.refuseTooLarge(session, rows.temporary(), request);
            List<Relation> own = new ArrayList<>(rows.foreign());
            own.addAll(rows.temporary().relations());
            own.addAll(radius.redefined());
            if (!own.isEmpty()) {
                covering.addAll(
                        capture.copy(own, groupId, HelperConnection.none(), definitions, StandaloneObjects.NONE));
            }
            return new Covering(covering, recent.since());
        }
        TableSize.refuseTooLarge(session, rows, request);
        return new Covering(
                capture.copy(radius.relations(), groupId, secondReader(session, more, locked), definitions, standalone),
                NOTHING_SINCE);
    }

    /** No other connection sees what this transaction wrote itself, what an older snapshot sees, or temporary tables. */
    private static HelperConnection secondReader(CallerSession session, Connections more, LockedBlastRadius locked)
            throws SQLException {
        boolean alone = locked.visibility() == SnapshotVisibility.OLDER
                || locked.radius().relations().stream().anyMatch(Relation::isTemporary)
                || session.value("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
                        .equals("t");
        return alone ? HelperConnection.none() : new HelperConnection(more, HelperConnection.View.underLockOf(session));
    }

    private static boolean takesDefinitions(SnapshotRequest request) {
        return request.destructions().stream().map(Destruction::kind).anyMatch(kind -> switch (kind) {
            case DELETE, UPDATE, TRUNCATE -> false;
            default -> true;
        });
    }

    private static boolean drops(SnapshotRequest request) {
        return request.destructions().stream()
                .map(Destruction::kind)
                .anyMatch(kind -> kind == Destruction.Kind.DROP_TABLE
                        || kind == Destruction.Kind.DROP_SCHEMA
                        || kind == Destruction.Kind.DROP_OBJECT);
    }

    private static void requireTransaction(Connection connection) throws SQLException, RecoveryNotReadyException {
        if (!TransactionBlock.surrounds(connection)) {
            throw new RecoveryNotReadyException(
                    "the connection is in auto-commit mode without a transaction, so locks would be gone before the "
                            + "statement runs",
                    "begin a transaction around the statement");
        }
    }

    private static void undo(Undo undo, Capture capture, Exception failure) {
        try {
            undo.run();
        } catch (SQLException e) {
            failure.addSuppressed(e);
        }
        capture.discard(failure);
    }

    @Override
    public void close() {
        store.close();
    }

    /** Leaves the transaction as it was found. */
    @FunctionalInterface
    private interface Undo {
        void run() throws SQLException;
    }

    /** Locks, copies, stores and reads back; empty where this way of doing it is not the right one. */
    @FunctionalInterface
    private interface Saving {
        Optional<PostgresSecuredRows> save(CallerSession session, SnapshotVisibility visibility, Capture capture)
                throws SQLException, IOException, RecoveryNotReadyException;
    }
}
