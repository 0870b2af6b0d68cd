package io.backstop.snapshot.capture;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.internal.lock.LockWait;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.reach.BlastRadiusResolver;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.CaptureSettings;
import io.backstop.snapshot.internal.session.HelperConnection;
import io.backstop.snapshot.internal.session.IdGenerator;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.internal.session.SearchPath;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Takes snapshots of tables that are in use. Only sessions that would drop, empty or redefine these tables wait for it.
 * All tables of a call are stored as they were at one moment, in one recovery group, and read back. Thread-safe.
 */
public final class TableSnapshots {
    private static final int ROUNDS = 8;

    private final ObjectStore store;
    private final SnapshotArchive archive;
    private final SnapshotSettings settings;
    private final IdGenerator ids = new IdGenerator();

    /** @param store is not closed by this */
    public TableSnapshots(ObjectStore store, SnapshotSettings settings) {
        this(store, settings, Optional.empty());
    }

    /**
     * @param store is not closed by this
     * @param key what the snapshots are encrypted and authenticated under
     */
    public TableSnapshots(ObjectStore store, SnapshotSettings settings, Optional<KeyProvider> key) {
        this.store = store;
        this.archive = new SnapshotArchive(store, key);
        this.settings = settings;
    }

    /**
     * Stores the tables, their partitions and their inheritance children.
     *
     * @param connections gives the connection to read with, and perhaps a second one; both are closed at the end
     * @param database {@code host:port/name}, for the manifests
     * @return one manifest for each table
     * @throws RecoveryNotReadyException where a table is none or cannot be read whole, the storage fails, or there is no
     *     connection; nothing is left in the storage then but what it refused to delete
     */
    public List<SnapshotManifest> take(
            Connections connections,
            List<RelationName> tables,
            RowEncoding encoding,
            SnapshotManifest.Source source,
            String database,
            Progress progress)
            throws RecoveryNotReadyException {
        if (tables.isEmpty()) {
            throw new IllegalArgumentException("no table is named");
        }
        Provenance provenance = Provenance.ofNone(source, database);
        try (Connection connection = connections
                .open()
                .orElseThrow(() -> new RecoveryNotReadyException(
                        "there is no connection to read the tables with", "name the database"))) {
            CallerSession session = new CallerSession(connection);
            Capture capture =
                    new Capture(session, archive, provenance, encoding, progress, settings, ids, TableCopier.CHUNK);
            try {
                return take(session, connections, tables, capture, progress);
            } catch (SQLException | IOException | RuntimeException e) {
                capture.discard(e);
                throw e;
            } finally {
                connection.rollback();
            }
        } catch (RecoveryNotReadyException e) {
            throw e; // the answer, which is an SQLException too
        } catch (SQLException e) {
            throw CaptureFailures.reading(e);
        } catch (IOException e) {
            throw CaptureFailures.storing(store, e);
        }
    }

    private List<SnapshotManifest> take(
            CallerSession session,
            Connections connections,
            List<RelationName> tables,
            Capture capture,
            Progress progress)
            throws SQLException, IOException, RecoveryNotReadyException {
        Collection<Relation> relations = locked(session, tables, progress);
        // Of this transaction itself: one of a savepoint's cannot be given to others.
        String exported = session.value("SELECT pg_catalog.pg_export_snapshot()");
        CaptureSettings.apply(session);
        String groupId = ids.groupId();
        List<SnapshotManifest> manifests = capture.copy(
                relations, groupId, new HelperConnection(connections, HelperConnection.View.exported(exported)));
        capture.verify(manifests, groupId);
        return manifests;
    }

    /**
     * A transaction whose snapshot is younger than its locks, for TRUNCATE takes rows away from older ones too. So the names
     * are looked up before it begins, and again within it.
     */
    private Collection<Relation> locked(CallerSession session, List<RelationName> tables, Progress progress)
            throws SQLException, RecoveryNotReadyException {
        Connection connection = session.connection();
        connection.setAutoCommit(false);
        BlastRadius radius = look(session, tables);
        for (int round = 0; round < ROUNDS; round++) {
            connection.rollback();
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
            LockWait.limit(session, settings.lockTimeout());
            session.execute(radius.local().relations().stream()
                    .map(relation -> "ONLY " + relation.name().quoted())
                    .collect(Collectors.joining(", ", "LOCK TABLE ", " IN ACCESS SHARE MODE")));
            radius.local()
                    .relations()
                    .forEach(
                            r -> progress.reached(Progress.Step.LOCKED, r.name().toString(), 0, 0));
            Set<Map.Entry<Long, RelationName>> locked = names(radius);
            radius = look(session, tables);
            if (locked.containsAll(names(radius))) {
                return radius.relations();
            }
        }
        throw new RecoveryNotReadyException(
                "the tables kept changing while they were locked", "run it again when no schema changes are under way");
    }

    private static Set<Map.Entry<Long, RelationName>> names(BlastRadius radius) {
        return radius.relations().stream()
                .map(relation -> Map.entry(relation.oid(), relation.name()))
                .collect(Collectors.toSet());
    }

    private static BlastRadius look(CallerSession session, List<RelationName> tables)
            throws SQLException, RecoveryNotReadyException {
        SearchPath path = SearchPath.of(session);
        path.useCatalog();
        BlastRadius radius = new BlastRadiusResolver(session, path).kept(tables);
        path.useCallers();
        return radius;
    }
}
