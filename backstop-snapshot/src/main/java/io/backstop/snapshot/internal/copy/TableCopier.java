package io.backstop.snapshot.internal.copy;

import io.backstop.api.internal.postgres.HelperThread;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.internal.copy.RowReader.Parts;
import io.backstop.snapshot.internal.copy.RowReader.Piece;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.HelperConnection;
import io.backstop.snapshot.internal.session.Relation;
import io.backstop.snapshot.rows.ColumnWidths;
import io.backstop.snapshot.rows.TableRows;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.StoreExecutor;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Copies tables' own rows, not those of their children, into chunks: over one connection, or where a second one sees the
 * same rows, over both, each reading other pages. Used by one thread.
 */
public final class TableCopier implements AutoCloseable {
    /** Compressed bytes of a chunk; what the compressor still holds comes on top, well below 16 MiB in all. */
    public static final int CHUNK = 8 << 20;

    private final CallerSession session;
    private final HelperConnection second;
    private final Progress progress;
    private final int chunkBytes;
    private final ChunkUploads store;
    private final Map<Long, ColumnWidths> widths;

    /** @param tables the oids of those that will be copied, which nobody writes to meanwhile */
    public TableCopier(
            CallerSession session,
            HelperConnection second,
            Collection<Long> tables,
            ChunkUploads store,
            Progress progress,
            int chunkBytes)
            throws SQLException {
        this.widths = ColumnWidths.read(session.connection(), tables);
        this.session = session;
        this.second = second;
        this.progress = progress;
        this.chunkBytes = chunkBytes;
        this.store = store;
    }

    /** The columns whose values are stored: a generated one is not data. */
    public static List<SnapshotManifest.Column> columns(TableDescription table) {
        return table.columns().stream()
                .filter(c -> c.generated() != TableDescription.Generated.STORED
                        && c.generated() != TableDescription.Generated.VIRTUAL)
                .map(c -> new SnapshotManifest.Column(c.name(), c.type()))
                .toList();
    }

    /** @param pages how many pages the table has; where they are few, one connection reads them */
    public Copied copy(
            Relation relation,
            TableDescription table,
            CopyFormat format,
            String encoding,
            long pages,
            SnapshotDraft draft)
            throws SQLException, IOException {
        if (table.partitionKey().isPresent() || relation.isForeign()) {
            return Copied.none(); // its rows are its partitions', or elsewhere
        }
        Optional<CallerSession> along = pages >= 2 * PageRanges.PAGES ? second.of(relation) : Optional.empty();
        RowReader.Target target = new Target(relation, draft);
        TableRows source = rows(relation, table, format, encoding);
        if (along.isEmpty()) {
            try (RowReader reader = new RowReader(session, source, format, chunkBytes, store, target)) {
                reader.read(0, "");
                return Copied.of(reader.finish());
            }
        }
        PageRanges ranges = new PageRanges(pages);
        FutureTask<Parts> share = new FutureTask<>(() -> read(along.get(), source, format, target, ranges));
        Thread thread = new Thread(share, "backstop-second-reader");
        thread.setDaemon(true);
        thread.start();
        try {
            Parts own = read(session, source, format, target, ranges);
            return Copied.of(own, outcome(share));
        } catch (SQLException | IOException | RuntimeException | Error e) {
            second.cancel();
            thread.interrupt(); // it may wait for the storage
            throw e;
        } finally {
            ranges.stop();
            HelperThread.awaitEnd(thread);
        }
    }

    /** @param conditions which rows, one part after the other */
    public Copied copyRows(
            Relation relation,
            TableDescription table,
            CopyFormat format,
            String encoding,
            List<String> conditions,
            SnapshotDraft draft)
            throws SQLException, IOException {
        TableRows source = rows(relation, table, format, encoding);
        try (RowReader reader =
                new RowReader(session, source, format, chunkBytes, store, new Target(relation, draft))) {
            for (int i = 0; i < conditions.size(); i++) {
                reader.read(i, conditions.get(i));
            }
            return Copied.of(reader.finish());
        }
    }

    private TableRows rows(Relation relation, TableDescription table, CopyFormat format, String encoding) {
        List<String> columns =
                columns(table).stream().map(SnapshotManifest.Column::name).toList();
        return new TableRows(
                relation.name(), columns, widths.getOrDefault(relation.oid(), ColumnWidths.none()), format, encoding);
    }

    private Parts read(
            CallerSession reading, TableRows source, CopyFormat format, RowReader.Target target, PageRanges ranges)
            throws SQLException, IOException {
        try (RowReader reader = new RowReader(reading, source, format, chunkBytes, store, target)) {
            for (Optional<PageRanges.Range> range = ranges.take(); range.isPresent(); range = ranges.take()) {
                reader.read(range.get().number(), range.get().condition());
            }
            return reader.finish();
        } catch (SQLException | IOException | RuntimeException | Error e) {
            ranges.stop();
            throw e;
        }
    }

    private static Parts outcome(FutureTask<Parts> share) throws SQLException, IOException {
        try {
            return share.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("interrupted while rows were read");
            interrupted.initCause(e);
            throw interrupted;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException failure) {
                throw failure;
            }
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException("the second connection failed: " + e.getCause(), e.getCause());
        }
    }

    @Override
    public void close() {
        second.close();
    }

    /** Gives the chunks their numbers, and tells how far the work is. */
    private final class Target implements RowReader.Target {
        private final Relation relation;
        private final SnapshotDraft draft;
        private final AtomicInteger chunks = new AtomicInteger();
        private final AtomicLong stored = new AtomicLong();

        Target(Relation relation, SnapshotDraft draft) {
            this.relation = relation;
            this.draft = draft;
        }

        @Override
        public SnapshotManifest.Chunk store(long rows, ChunkBuffer content, boolean continued) throws IOException {
            SnapshotManifest.Chunk chunk = draft.putChunk(chunks.getAndIncrement(), rows, content.content());
            long done = stored.addAndGet(rows);
            progress.reached(Progress.Step.COPYING, relation.name().toString(), done, relation.estimatedRows());
            return continued ? chunk.toBeContinued() : chunk;
        }
    }

    /** What was copied of a table. */
    public record Copied(List<Future<Piece>> pieces, long rows, String checksum) {
        /** No rows. */
        public static Copied none() {
            return new Copied(List.of(), 0, new RowChecksum().hex());
        }

        /** The chunks, all stored, in the order of the table's pages as far as each chunk's first row tells. */
        public List<SnapshotManifest.Chunk> chunks() throws IOException {
            List<Piece> stored = new ArrayList<>();
            for (Future<Piece> piece : pieces) {
                stored.add(StoreExecutor.await(piece));
            }
            return stored.stream()
                    .sorted(Comparator.comparingLong(Piece::part))
                    .map(Piece::chunk)
                    .toList();
        }

        static Copied of(Parts... shares) {
            RowChecksum checksum = new RowChecksum();
            long rows = 0;
            for (Parts share : shares) {
                checksum.add(share.checksum());
                rows += share.rows();
            }
            return new Copied(
                    Stream.of(shares).flatMap(share -> share.pieces().stream()).toList(), rows, checksum.hex());
        }
    }
}
