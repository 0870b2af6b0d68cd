package io.backstop.snapshot.capture;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.CommitMark;
import io.backstop.snapshot.archive.CommitMark.StatementCounts;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.describe.ObjectAddress;
import io.backstop.snapshot.describe.ObjectDescriber;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.describe.TableIdentities;
import io.backstop.snapshot.internal.copy.BinaryColumns;
import io.backstop.snapshot.internal.copy.ChunkUploads;
import io.backstop.snapshot.internal.copy.ColumnNumbers;
import io.backstop.snapshot.internal.copy.TableCopier;
import io.backstop.snapshot.internal.copy.TableSize;
import io.backstop.snapshot.internal.lock.LockedRowIdentities;
import io.backstop.snapshot.internal.lock.RowSelection;
import io.backstop.snapshot.internal.reach.StandaloneObjects;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.HelperConnection;
import io.backstop.snapshot.internal.session.IdGenerator;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.internal.session.TableCounters;
import io.backstop.snapshot.internal.session.TransactionNumbers;
import io.backstop.snapshot.schema.RebuildScript;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.StoreExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Copies tables that nobody writes meanwhile into snapshots of one group: describe, copy, publish, verify. Until all of it
 * is done the drafts can be discarded. Used once, by one thread.
 */
final class Capture {
    private static final Logger LOG = LoggerFactory.getLogger(Capture.class);

    /** What the compressor adds to a chunk after it is found to be full. */
    private static final int OVER = 512 << 10;

    /** How long a statement that was refused or cancelled waits for the removal of what was stored for it. */
    private static final Duration LONGEST_REMOVAL = Duration.ofSeconds(5);

    private final CallerSession session;
    private final SnapshotArchive archive;
    private final Provenance provenance;
    private final RowEncoding wanted;
    private final Progress progress;
    private final SnapshotSettings settings;
    private final IdGenerator ids;
    private final int chunkBytes;
    private final List<SnapshotDraft> drafts = new ArrayList<>();
    private final Map<SnapshotDraft, Long> tables = new HashMap<>();
    private final Map<Long, StatementCounts> countsBefore = new HashMap<>();
    private final Map<Long, StatementCounts> counts = new HashMap<>();
    /** Empty where nothing could be asked before the locks. */
    private Optional<Set<String>> numbersBefore = Optional.empty();

    private Optional<String> oldestRunning = Optional.empty();
    private Set<String> numbersOfRows = Set.of();
    private Set<String> ownNumbers = Set.of();
    private Set<String> otherTables = Set.of();

    Capture(
            CallerSession session,
            SnapshotArchive archive,
            Provenance provenance,
            RowEncoding wanted,
            Progress progress,
            SnapshotSettings settings,
            IdGenerator ids,
            int chunkBytes) {
        this.chunkBytes = chunkBytes;
        this.session = session;
        this.archive = archive;
        this.provenance = provenance;
        this.wanted = wanted;
        this.progress = inTurn(progress);
        this.settings = settings;
        this.ids = ids;
    }

    /** Store threads tell of their chunks while this one goes on. */
    private static Progress inTurn(Progress progress) {
        Object turn = new Object();
        return (step, subject, done, total) -> {
            synchronized (turn) {
                progress.reached(step, subject, done, total);
            }
        };
    }

    /** @param second reads along where it can */
    List<SnapshotManifest> copy(Collection<Relation> relations, String groupId, HelperConnection second)
            throws SQLException, IOException, RecoveryNotReadyException {
        return copy(relations, groupId, second, LockedRowIdentities.NONE, StandaloneObjects.NONE);
    }

    /**
     * @param rows of a table that holds some of these, nothing else is copied
     * @param standalone is kept with the first of the relations
     */
    List<SnapshotManifest> copy(
            Collection<Relation> relations,
            String groupId,
            HelperConnection second,
            RowSelection rows,
            StandaloneObjects standalone)
            throws SQLException, IOException, RecoveryNotReadyException {
        List<Long> oids = relations.stream().map(Relation::oid).toList();
        if (!countsBefore.keySet().containsAll(oids)) {
            countsBefore.putAll(TableCounters.of(session, oids));
        }
        Map<Long, TableDescription> descriptions = provenance.servesUndoAlone()
                ? new TableDescriber().describeRows(session.connection(), oids)
                : new TableDescriber().describe(session.connection(), oids, standalone.kept());
        Origin origin = Origin.read(session, settings.clock().instant(), provenance);
        Map<Long, TableIdentity> identities = TableIdentities.read(session, oids);
        Optional<ServerIdentity> server = ServerIdentities.read(session.connection());
        ColumnNumbers numbers = ColumnNumbers.read(session, oids);
        BinaryColumns binary = BinaryColumns.of(session, oids);
        Map<Long, Long> pages = TableSize.pages(session, oids);
        try (ChunkUploads store = new ChunkUploads(chunkBytes + OVER)) {
            List<Future<Prepared>> prepared = new ArrayList<>();
            try (TableCopier copier = new TableCopier(session, second, oids, store, progress, chunkBytes)) {
                for (Relation relation : relations) {
                    TableDescription description = description(descriptions, relation)
                            .omitting(relation.oid() == oids.get(0) ? standalone.told() : List.of());
                    progress.reached(Progress.Step.DESCRIBED, relation.name().toString(), 0, 0);
                    SnapshotDraft draft =
                            archive.begin(description.schema(), description.name(), ids.snapshotId(groupId));
                    drafts.add(draft);
                    tables.put(draft, relation.oid());
                    CopyFormat format = switch (wanted) {
                        case AUTO -> binary.format(relation.oid());
                        case TEXT -> CopyFormat.TEXT;
                    };
                    boolean byRow = rows.only(relation);
                    boolean undefined = rows.none(relation);
                    TableCopier.Copied copied = undefined
                            ? TableCopier.Copied.none()
                            : byRow
                                    ? copier.copyRows(
                                            relation,
                                            description,
                                            format,
                                            binary.encoding(),
                                            rows.conditions(relation),
                                            draft)
                                    : copier.copy(
                                            relation,
                                            description,
                                            format,
                                            binary.encoding(),
                                            pages.getOrDefault(relation.oid(), 0L),
                                            draft);
                    Coverage coverage = undefined ? Coverage.DEFINITIONS : byRow ? provenance.rows() : Coverage.TABLE;
                    prepared.add(store.begin(() -> new Prepared(
                            draft,
                            manifest(
                                    draft,
                                    description,
                                    numbers.columns(relation.oid(), description),
                                    coverage,
                                    copied,
                                    format,
                                    binary.encoding(),
                                    origin,
                                    groupId,
                                    Optional.ofNullable(identities.get(relation.oid())),
                                    server))));
                }
            }
            return publish(store, prepared);
        }
    }

    /** Describes what is no table and is removed or replaced by the statement, each in a snapshot of its own. */
    List<SnapshotManifest> objects(Collection<ObjectAddress> objects, String groupId) throws SQLException, IOException {
        if (objects.isEmpty()) {
            return List.of();
        }
        Origin origin = Origin.read(session, settings.clock().instant(), provenance);
        Optional<ServerIdentity> server = ServerIdentities.read(session.connection());
        String encoding = session.value("SHOW server_encoding");
        ObjectDescriber describer = new ObjectDescriber();
        try (ChunkUploads store = new ChunkUploads(chunkBytes + OVER)) {
            List<Future<Prepared>> prepared = new ArrayList<>();
            for (ObjectAddress object : objects) {
                Optional<TableDescription> description = describer.describe(session.connection(), object);
                if (description.isEmpty()) {
                    continue; // it was dropped just now: objects without rows are not locked
                }
                SnapshotDraft draft = archive.begin(
                        description.get().schema(), description.get().name(), ids.snapshotId(groupId));
                drafts.add(draft);
                progress.reached(Progress.Step.DESCRIBED, description.get().name(), 0, 0);
                prepared.add(store.begin(() -> new Prepared(
                        draft,
                        manifest(
                                draft,
                                description.get(),
                                List.of(),
                                Coverage.OBJECT,
                                TableCopier.Copied.none(),
                                CopyFormat.TEXT,
                                encoding,
                                origin,
                                groupId,
                                Optional.empty(),
                                server))));
            }
            return publish(store, prepared);
        }
    }

    /** Publishes none before all are there. */
    private List<SnapshotManifest> publish(ChunkUploads store, List<Future<Prepared>> prepared) throws IOException {
        List<Future<SnapshotManifest>> published = new ArrayList<>();
        List<Prepared> complete = new ArrayList<>();
        for (Future<Prepared> snapshot : prepared) {
            complete.add(StoreExecutor.await(snapshot));
            progress.reached(
                    Progress.Step.COPIED,
                    subject(complete.get(complete.size() - 1).manifest()),
                    0,
                    0);
        }
        for (Prepared snapshot : complete) {
            published.add(store.begin(snapshot::publish));
        }
        List<SnapshotManifest> manifests = new ArrayList<>();
        for (Future<SnapshotManifest> snapshot : published) {
            manifests.add(StoreExecutor.await(snapshot));
            progress.reached(Progress.Step.PUBLISHED, subject(manifests.get(manifests.size() - 1)), 0, 0);
        }
        return List.copyOf(manifests);
    }

    private SnapshotManifest manifest(
            SnapshotDraft draft,
            TableDescription description,
            List<SnapshotManifest.Column> columns,
            Coverage coverage,
            TableCopier.Copied copied,
            CopyFormat format,
            String encoding,
            Origin origin,
            String groupId,
            Optional<TableIdentity> identity,
            Optional<ServerIdentity> server)
            throws IOException {
        List<SnapshotManifest.Chunk> chunks = copied.chunks();
        String script = coverage == Coverage.OBJECT
                ? RebuildScript.ofObject(description)
                : RebuildScript.of(
                        description,
                        columns.stream().map(SnapshotManifest.Column::name).toList(),
                        chunks,
                        format.options(encoding));
        return new SnapshotManifest(
                draft.formatVersion(),
                draft.snapshotId(),
                groupId,
                description.schema(),
                description.name(),
                columns,
                coverage,
                copied.rows(),
                copied.checksum(),
                format.word(),
                encoding,
                "zstd",
                chunks,
                draft.putDescription(description),
                draft.putScript(script),
                origin.readAt(),
                provenance.source(),
                provenance.statementSha256(),
                provenance.approvalId(),
                provenance.agentId(),
                provenance.database(),
                origin.serverVersion(),
                origin.lsn(),
                "complete",
                identity,
                provenance.operation(),
                origin.transactionId(),
                origin.transactionId().filter(id -> provenance.ownTransaction()),
                server,
                provenance.undoOf());
    }

    /** Makes sure of everything that was published, now or before. */
    void verify(List<SnapshotManifest> manifests, String operation) throws IOException {
        archive.verify(manifests, settings.verification());
        progress.reached(Progress.Step.VERIFIED, operation, 0, 0);
    }

    /**
     * Removes what was stored for a statement that will not run. What cannot be removed is told with the failure. A storage
     * that does not answer is not waited for: the removal goes on in a thread of its own.
     */
    void discard(Exception failure) {
        if (drafts.isEmpty()) {
            return;
        }
        afterwards(
                this::remove, "backstop-discard", "what was stored for the statement is removed when it does", failure);
    }

    /** Has to be told before the first row is locked, where the caller's transaction may have written already. */
    void beginsIn(Set<String> transactionNumbers) {
        numbersBefore = Optional.of(Set.copyOf(transactionNumbers));
    }

    /** Has to be told before a statement whose rows are copied when it has run. */
    void beginsAt(Map<Long, StatementCounts> countsOfTables) {
        countsBefore.putAll(countsOfTables);
    }

    /**
     * Notes by which {@code xmin} the rows can be told that the statement made, and how many it wrote; before its savepoint is
     * released.
     */
    void statementRan() throws SQLException {
        if (!drafts.isEmpty()) {
            Set<String> all = TransactionNumbers.of(session);
            Set<String> numbers = new TreeSet<>(all);
            numbers.removeAll(numbersBefore.orElse(Set.of()));
            boolean behindSavepoint = numbers.size() > 1;
            if (behindSavepoint) {
                // The transaction itself has a number for that alone, and gives it to the rows of later statements.
                numbers.remove(session.value("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.xid"));
            }
            if (provenance.alone()) {
                ownNumbers = all;
            } else if (behindSavepoint && numbersBefore.isPresent()) {
                ownNumbers = Set.of(newest(numbers));
            } else if (numbersBefore.filter(before -> !before.isEmpty()).isPresent()) {
                ownNumbers = numbers;
            }
            numbersOfRows = numbers;
            count();
        }
    }

    /** The same for one that runs in no subtransaction, in a transaction that is all its own. */
    void ranAlone() throws SQLException {
        if (!drafts.isEmpty()) {
            numbersOfRows = Set.of(session.value("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.xid"));
            ownNumbers = numbersOfRows;
            count();
        }
    }

    /**
     * The innermost savepoint's, or that of a part of the statement; the others may be of savepoints of the caller, behind which
     * more statements follow.
     */
    private String newest(Set<String> numbers) throws SQLException {
        return session.value("SELECT x FROM pg_catalog.unnest('{" + String.join(",", numbers)
                + "}'::pg_catalog.text[]) x ORDER BY pg_catalog.age(x::pg_catalog.xid) LIMIT 1");
    }

    private void count() throws SQLException {
        oldestRunning = Optional.of(
                session.value("SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid"));
        TableCounters.of(session, countsBefore.keySet())
                .forEach(
                        (oid, now) -> counts.put(oid, now.since(countsBefore.getOrDefault(oid, StatementCounts.NONE))));
    }

    private CommitMark mark(SnapshotDraft draft) {
        return new CommitMark(
                numbersOfRows,
                ownNumbers,
                Optional.ofNullable(counts.get(tables.get(draft))),
                oldestRunning,
                otherTables);
    }

    /** Notes tables of which the statement changed rows that are not stored. */
    void alsoChanged(Collection<String> others) {
        otherTables = Set.copyOf(others);
    }

    /** Marks what was stored for a statement that was committed, and waits for the storage no longer than a removal does. */
    void markCommitted() {
        if (drafts.isEmpty()) {
            return;
        }
        IOException failure = new IOException("the statement was committed");
        afterwards(this::mark, "backstop-mark", "what was stored for the statement is marked when it does", failure);
        for (Throwable problem : failure.getSuppressed()) {
            LOG.warn("snapshots of a committed statement may be undecided until the server is asked", problem);
        }
    }

    private List<Exception> mark() {
        try {
            StoreExecutor.all(drafts.stream()
                    .map(draft -> (StoreExecutor.Call) () -> draft.markCommitted(mark(draft)))
                    .toList());
            return List.of();
        } catch (IOException | RuntimeException e) {
            return List.of(e);
        }
    }

    private static void afterwards(Callable<List<Exception>> work, String name, String otherwise, Exception failure) {
        FutureTask<List<Exception>> task = new FutureTask<>(work);
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        boolean interrupted = Thread.interrupted(); // it is done for an interrupted thread too
        try {
            task.get(LONGEST_REMOVAL.toSeconds(), TimeUnit.SECONDS).forEach(failure::addSuppressed);
        } catch (InterruptedException e) {
            interrupted = true;
            failure.addSuppressed(e);
        } catch (TimeoutException e) {
            failure.addSuppressed(new IOException("the storage does not answer: " + otherwise, e));
        } catch (ExecutionException e) {
            failure.addSuppressed(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private List<Exception> remove() {
        List<Exception> problems = new ArrayList<>();
        for (SnapshotDraft draft : drafts) {
            try {
                draft.discard();
            } catch (IOException | RuntimeException e) {
                problems.add(e);
            }
        }
        return problems;
    }

    private static TableDescription description(Map<Long, TableDescription> descriptions, Relation relation)
            throws RecoveryNotReadyException {
        TableDescription description = descriptions.get(relation.oid());
        if (description == null) {
            throw new RecoveryNotReadyException(
                    "table " + relation.name() + " is not in the catalog any more", "run the statement again");
        }
        return description;
    }

    private static String subject(SnapshotManifest manifest) {
        return manifest.schema() + "." + manifest.table();
    }

    private record Prepared(SnapshotDraft draft, SnapshotManifest manifest) {
        SnapshotManifest publish() throws IOException {
            draft.publish(manifest);
            return manifest;
        }
    }

    private record Origin(String serverVersion, String lsn, Instant readAt, Optional<String> transactionId) {
        /** @param provenance of one that is taken for a statement, which is of the session's transaction */
        static Origin read(CallerSession session, Instant now, Provenance provenance) throws SQLException {
            return session.rows(
                            "SELECT current_setting('server_version'), (CASE WHEN pg_is_in_recovery() "
                                    + "THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END)::text, "
                                    + (provenance.source().ofStatement() ? "pg_current_xact_id()::text" : "NULL"),
                            row -> new Origin(
                                    row.getString(1), row.getString(2), now, Optional.ofNullable(row.getString(3))))
                    .get(0);
        }
    }
}
