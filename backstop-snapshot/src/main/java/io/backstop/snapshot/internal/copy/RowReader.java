package io.backstop.snapshot.internal.copy;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.CopyMessageRows;
import io.backstop.snapshot.archive.CopyMessages;
import io.backstop.snapshot.archive.RowChecksum;
import io.backstop.snapshot.internal.session.CallerSession;

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
    private final CopyFormat format;
    private final List<Future<Piece>> pieces = new ArrayList<>();
    private final ChunkWriter writer;
    private final RowChecksum checksum = new RowChecksum();

    private long part;
    private long rows;

    RowReader(CallerSession session, CopyFormat format, int chunkBytes, ChunkUploads store, Target target)
            throws IOException {
        this.session = session;
        this.format = format;
        this.writer = new ChunkWriter(format, chunkBytes, LONGEST, store::buffer, (chunkRows, stored) -> {
            long begins = part;
            pieces.add(store.store(stored, () -> new Piece(begins, target.store(chunkRows, stored))));
        });
    }

    /**
     * Reads one part of the table.
     *
     * @param number says where the part stands among the others
     * @param sql a COPY … TO STDOUT in this reader's format
     */
    void read(long number, String sql) throws SQLException, IOException {
        part = number;
        CopyMessageRows copied = new CopyMessageRows(format);
        long before = rows;
        long sent = CopyMessages.read(session.connection(), sql, message -> {
            if (copied.next(message)) {
                copied.addTo(checksum, message);
                rows++;
                writer.add(message, copied.offset(), copied.length());
            }
        });
        if (sent != rows - before) {
            throw new IOException("the server sent " + sent + " rows and " + (rows - before) + " came");
        }
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
        SnapshotManifest.Chunk store(long rows, ChunkBuffer content) throws IOException;
    }

    /** A stored chunk, and the part of the table with which it begins. */
    record Piece(long part, SnapshotManifest.Chunk chunk) {}

    /** What one reader read. */
    record Parts(List<Future<Piece>> pieces, long rows, RowChecksum checksum) {}
}
