package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TransactionBlock;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Saves rows of PostgreSQL 14 to 18 into an object store before a statement takes them. Works in the caller's own session
 * at READ COMMITTED, see {@code docs/adr/0005-lock-then-copy-in-the-same-session.md}. Thread-safe; calls for different
 * connections do not wait for each other.
 *
 * <p>Of the caller's transaction it leaves behind: after success the locks and nothing else; after a failure nothing, for
 * it rolls back to a savepoint of its own, and the transaction can go on. Only where that rollback fails too, because the
 * connection is lost, is the transaction gone with the connection.
 */
public final class PostgresSnapshotService implements SnapshotService {
    private final ObjectStore store;
    private final SnapshotArchive archive;
    private final SnapshotSettings settings;
    private final int chunkBytes;
    private final Identifiers identifiers = new Identifiers();

    /** @param store is closed with this service */
    public PostgresSnapshotService(ObjectStore store, SnapshotSettings settings) {
        this(store, settings, TableCopier.CHUNK);
    }

    /** @param chunkBytes how many compressed bytes make a chunk full */
    PostgresSnapshotService(ObjectStore store, SnapshotSettings settings, int chunkBytes) {
        this.chunkBytes = chunkBytes;
        this.store = store;
        this.archive = new SnapshotArchive(store);
        this.settings = settings;
    }

    @Override
    public void probe() throws RecoveryNotReadyException {
        String name = "probes/" + identifiers.probe();
        byte[] content = name.getBytes(StandardCharsets.US_ASCII);
        try {
            store.putNew(name, ByteBuffer.wrap(content));
            try (InputStream stored = store.open(name)) {
                if (!Arrays.equals(stored.readAllBytes(), content)) {
                    throw new IOException("it gave back something else than what was stored");
                }
            }
            store.delete(name);
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
        Session session = new Session(connection);
        Capture capture = new Capture(
                session,
                archive,
                Provenance.of(request),
                TableSnapshots.Encoding.AUTO,
                progress,
                settings.clock(),
                identifiers,
                chunkBytes);
        boolean begun = false;
        try {
            requireTransaction(connection);
            session.execute("SAVEPOINT backstop_secure");
            begun = true;
            requireReadCommitted(session);
            SecuredTables secured = secure(session, more, request, progress, capture);
            session.execute("RELEASE SAVEPOINT backstop_secure");
            return secured;
        } catch (RecoveryNotReadyException e) {
            undo(session, capture, begun, e);
            throw e;
        } catch (SQLException e) {
            undo(session, capture, begun, e);
            throw CaptureFailures.reading(e);
        } catch (IOException e) {
            undo(session, capture, begun, e);
            throw CaptureFailures.storing(store, e);
        } catch (RuntimeException e) {
            undo(session, capture, begun, e);
            throw e;
        }
    }

    private SecuredTables secure(
            Session session, Connections more, SnapshotRequest request, Progress progress, Capture capture)
            throws SQLException, IOException, RecoveryNotReadyException {
        SearchPath path = SearchPath.of(session);
        path.useCatalog();
        BlastRadiusResolver resolver = new BlastRadiusResolver(session, path);
        BlastRadius radius = new TableLocks(session, settings.lockTimeout())
                .lock(() -> resolver.resolve(request.destructions(), request.companions()), progress);
        if (request.callersTransaction()) {
            DeferredTriggers.refuse(session, radius);
        }
        // Locks that are older than a savepoint survive a rollback to it; the settings after it do not.
        session.execute("SAVEPOINT backstop_copy");
        CaptureSettings.apply(session);
        String groupId = identifiers.group();
        List<SnapshotManifest> manifests = covering(session, more, radius, request, capture, groupId);
        progress.reached(Progress.Step.VERIFIED, groupId, 0, 0);
        Set<Long> saved = new HashSet<>(radius.tables().keySet());
        Aftermath aftermath = Aftermath.expect(session, saved, drops(request));
        session.execute("ROLLBACK TO SAVEPOINT backstop_copy; RELEASE SAVEPOINT backstop_copy");
        path.useCallers();
        return new SecuredTables(groupId, manifests, store.address(), aftermath);
    }

    /** Snapshots that cover the radius: taken now, or where the request says so, not long ago. All of them are verified. */
    private List<SnapshotManifest> covering(
            Session session,
            Connections more,
            BlastRadius radius,
            SnapshotRequest request,
            Capture capture,
            String groupId)
            throws SQLException, IOException, RecoveryNotReadyException {
        if (radius.tables().isEmpty()) {
            return List.of();
        }
        if (request.recent().isPresent()) {
            return new RecentSnapshots(archive, settings.clock())
                    .of(session, radius, request.database(), request.recent().get());
        }
        TableSize.refuseTooLarge(session, radius, request);
        List<SnapshotManifest> manifests = capture.copy(radius.relations(), groupId, secondReader(session, more));
        capture.verify(manifests, settings.verification());
        return manifests;
    }

    /** What this transaction wrote itself, no other connection sees. */
    private static SecondReader secondReader(Session session, Connections more) throws SQLException {
        boolean wrote = session.value("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
                .equals("t");
        return wrote ? SecondReader.none() : new SecondReader(more, SecondReader.View.underLockOf(session));
    }

    private static boolean drops(SnapshotRequest request) {
        return request.destructions().stream()
                .map(Destruction::kind)
                .anyMatch(kind -> kind == Destruction.Kind.DROP_TABLE || kind == Destruction.Kind.DROP_SCHEMA);
    }

    private static void requireTransaction(Connection connection) throws SQLException, RecoveryNotReadyException {
        if (!TransactionBlock.surrounds(connection)) {
            throw new RecoveryNotReadyException(
                    "the connection is in auto-commit mode without a transaction, so locks would be gone before the "
                            + "statement runs",
                    "begin a transaction around the statement");
        }
    }

    /**
     * At a higher level the transaction may see rows as they were before the lock, while TRUNCATE and DROP take those of
     * now. SHOW does not itself take such a snapshot.
     */
    private static void requireReadCommitted(Session session) throws SQLException, RecoveryNotReadyException {
        String isolation = session.value("SHOW transaction_isolation");
        if (!isolation.equals("read committed") && !isolation.equals("read uncommitted")) {
            throw new RecoveryNotReadyException(
                    "the transaction runs at " + isolation
                            + ", where the rows that it sees may be older than those that "
                            + "the statement takes away",
                    "run the statement in a transaction at READ COMMITTED");
        }
    }

    private static void undo(Session session, Capture capture, boolean begun, Exception failure) {
        if (begun) {
            try {
                session.execute("ROLLBACK TO SAVEPOINT backstop_secure; RELEASE SAVEPOINT backstop_secure");
            } catch (SQLException e) {
                failure.addSuppressed(e);
            }
        }
        capture.discard(failure);
    }

    @Override
    public void close() {
        store.close();
    }
}
