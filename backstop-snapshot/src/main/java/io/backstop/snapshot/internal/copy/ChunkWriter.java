package io.backstop.snapshot.internal.copy;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import io.backstop.snapshot.archive.CopyFormat;

import java.io.IOException;
import java.util.function.Supplier;

/**
 * Compresses rows into chunks of whole rows, each a zstd frame and a COPY stream of its own, of some 8 to 16 MiB, and
 * hands each on when it is full. Holds one chunk in memory, larger than that only where a single row is. Not thread-safe.
 */
final class ChunkWriter implements AutoCloseable {
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

    private int inPiece;
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

    /** Adds a row as COPY wrote it: in text with its newline. */
    void add(byte[] source, int offset, int length) throws IOException {
        if (rows == 0) {
            write(format.head(), 0, format.head().length);
        }
        write(source, offset, length);
        rows++;
        raw += length;
        if (stored.size() + inPiece / 2 >= fullAt || raw >= longest) {
            handOn();
            stored = buffers.get();
            compressor = new ZstdOutputStreamNoFinalizer(stored, LEVEL);
        }
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
        if (rows > 0) {
            handOn();
        }
    }

    private void handOn() throws IOException {
        write(format.tail(), 0, format.tail().length);
        compressor.write(piece, 0, inPiece);
        inPiece = 0;
        compressor.close();
        receiver.receive(rows, stored);
        rows = 0;
        raw = 0;
    }

    /** Frees the compressor's memory, also after a failure. */
    @Override
    public void close() throws IOException {
        compressor.close();
    }

    /** Takes a full chunk, and gives its buffer back when it is stored. */
    @FunctionalInterface
    interface Receiver {
        void receive(long rows, ChunkBuffer stored) throws IOException;
    }
}
