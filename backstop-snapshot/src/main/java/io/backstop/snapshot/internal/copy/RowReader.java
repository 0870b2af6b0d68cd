package io.backstop.snapshot.internal.copy;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.rows.TableRows;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/**
 * Reads rows of one table over one connection, and has them stored in chunks meanwhile. Several of them can read parts of
 * the same table at the same time. Used by one thread.
 */
final class RowReader implements AutoCloseable {
    /** However well rows compress, a chunk is full when it holds this many bytes of them. */
    private static final long LONGEST = 256L << 20;

    private final CallerSession session;
    private final TableRows table;
    private final List<Future<Piece>> pieces = new ArrayList<>();
    private final ChunkWriter writer;
    private final RowChecksum checksum = new RowChecksum();

    private long part;
    private boolean continuing;
    private long begins;
    private long rows;

    /** @param format that of the table's rows */
    RowReader(
            CallerSession session,
            TableRows table,
            CopyFormat format,
            int chunkBytes,
            ChunkUploads store,
            Target target)
            throws IOException {
        this.session = session;
        this.table = table;
        this.writer = new ChunkWriter(format, chunkBytes, LONGEST, store::buffer, (chunkRows, stored, continued) -> {
            begins = continuing ? begins : part; // chunks of one COPY stream stay together
            continuing = continued;
            long from = begins;
            pieces.add(store.store(stored, () -> new Piece(from, target.store(chunkRows, stored, continued))));
        });
    }

    /**
     * Reads one part of the table.
     *
     * @param number says where the part stands among the others
     * @param condition which rows those are, in SQL; empty for all
     */
    void read(long number, String condition) throws SQLException, IOException {
        part = number;
        rows += table.read(session.connection(), condition, checksum, writer);
    }

    /** All that was read; its last chunks may still be on their way. */
    Parts finish() throws IOException {
        writer.finish();
        return new Parts(List.copyOf(pieces), rows, checksum);
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }

    /** Stores a full chunk; called in another thread than the reader's. */
    @FunctionalInterface
    interface Target {
        /** @param continued whether the next chunk continues its COPY stream */
        SnapshotManifest.Chunk store(long rows, ChunkBuffer content, boolean continued) throws IOException;
    }

    /** A stored chunk, and the part of the table with which it begins. */
    record Piece(long part, SnapshotManifest.Chunk chunk) {}

    /** What one reader read. */
    record Parts(List<Future<Piece>> pieces, long rows, RowChecksum checksum) {}
}
