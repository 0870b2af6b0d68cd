package io.backstop.snapshot.internal.copy;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.rows.RowReceiver;

import java.io.IOException;
import java.util.function.Supplier;

/**
 * Compresses rows into chunks, each a zstd frame of some 8 to 16 MiB, and hands each on when it is full. A chunk is a COPY
 * stream of its own; one that a large row does not fit into is continued by the next. Holds one chunk in memory. Not
 * thread-safe.
 */
final class ChunkWriter implements RowReceiver, AutoCloseable {
    /** Measured: higher levels cost more time than the bytes are worth (docs/benchmarks.md). */
    private static final int LEVEL = 1;

    /** Rows are handed to the compressor in pieces of this many bytes: each call of it leaves the JVM. */
    private static final int PIECE = 64 << 10;

    private final CopyFormat format;
    private final int fullAt;
    private final long longest;
    private final Supplier<ChunkBuffer> buffers;
    private final Receiver receiver;
    private final byte[] piece = new byte[PIECE];

    /** A row of more bytes than this begins a chunk rather than make one much longer than others. */
    private static final int LONG_ROW = 256 << 10;

    private int inPiece;
    private boolean begun;
    private ChunkBuffer stored;
    private ZstdOutputStreamNoFinalizer compressor;
    private long rows;
    private long raw;

    /**
     * @param fullAt how many compressed bytes make a chunk full
     * @param longest how many bytes of rows make it full however well they compress, so that progress shows
     * @param buffers gives an empty buffer for each chunk
     */
    ChunkWriter(CopyFormat format, int fullAt, long longest, Supplier<ChunkBuffer> buffers, Receiver receiver)
            throws IOException {
        this.format = format;
        this.fullAt = fullAt;
        this.longest = longest;
        this.buffers = buffers;
        this.receiver = receiver;
        this.stored = buffers.get();
        this.compressor = new ZstdOutputStreamNoFinalizer(stored, LEVEL);
    }

    @Override
    public void row(byte[] source, int offset, int length) throws IOException {
        if (begun && length > LONG_ROW && stored.size() + inPiece + length > fullAt) {
            handOn(false);
        }
        add(source, offset, length);
        rows++;
        if (isFull()) {
            handOn(false);
        }
    }

    @Override
    public void part(byte[] source, int offset, int length) throws IOException {
        for (int done = 0; done < length; done += PIECE) {
            add(source, offset + done, Math.min(PIECE, length - done));
            if (isFull()) {
                handOn(true);
            }
        }
    }

    @Override
    public void endOfRow() {
        rows++;
    }

    private void add(byte[] source, int offset, int length) throws IOException {
        if (!begun) {
            write(format.head(), 0, format.head().length);
            begun = true;
        }
        write(source, offset, length);
        raw += length;
    }

    private boolean isFull() {
        return stored.size() + inPiece / 2 >= fullAt || raw >= longest;
    }

    private void write(byte[] source, int offset, int length) throws IOException {
        if (inPiece + length > PIECE) {
            compressor.write(piece, 0, inPiece);
            inPiece = 0;
        }
        if (length > PIECE) {
            compressor.write(source, offset, length);
        } else {
            System.arraycopy(source, offset, piece, inPiece, length);
            inPiece += length;
        }
    }

    /** Hands on the last chunk, unless there is nothing in it. */
    void finish() throws IOException {
        if (begun) {
            handOn(false);
        }
    }

    private void handOn(boolean continued) throws IOException {
        if (!continued) {
            write(format.tail(), 0, format.tail().length);
            begun = false;
        }
        compressor.write(piece, 0, inPiece);
        inPiece = 0;
        compressor.close();
        receiver.receive(rows, stored, continued);
        rows = 0;
        raw = 0;
        stored = buffers.get();
        compressor = new ZstdOutputStreamNoFinalizer(stored, LEVEL);
    }

    /** Frees the compressor's memory, also after a failure. */
    @Override
    public void close() throws IOException {
        compressor.close();
    }

    /** Takes a full chunk, and gives its buffer back when it is stored. */
    @FunctionalInterface
    interface Receiver {
        /**
         * @param rows how many rows end in it
         * @param continued whether a row goes on in the next
         */
        void receive(long rows, ChunkBuffer stored, boolean continued) throws IOException;
    }
}
