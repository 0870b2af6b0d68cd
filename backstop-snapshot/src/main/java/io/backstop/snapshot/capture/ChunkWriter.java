package io.backstop.snapshot.capture;

import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Compresses rows into chunks of whole rows, each a zstd frame of its own of some 8 to 16 MiB, and hands each on when it
 * is full. Holds one chunk in memory, larger than that only where a single row is. Not thread-safe.
 */
final class ChunkWriter implements AutoCloseable {
    private static final int LEVEL = 1;

    private final int fullAt;
    private final long longest;
    private final Receiver receiver;

    private Chunk chunk;
    private int number;

    /**
     * @param fullAt how many compressed bytes make a chunk full
     * @param longest how many bytes of text make it full however well they compress, so that progress shows
     */
    ChunkWriter(int fullAt, long longest, Receiver receiver) throws IOException {
        this.fullAt = fullAt;
        this.longest = longest;
        this.receiver = receiver;
        this.chunk = new Chunk();
    }

    /** Adds a row: its COPY text with the newline. */
    void add(byte[] row) throws IOException {
        chunk.add(row);
        if (chunk.stored.size() >= fullAt || chunk.text >= longest) {
            handOn();
            chunk = new Chunk();
        }
    }

    /** Hands on the last chunk, unless there is nothing in it. */
    void finish() throws IOException {
        if (chunk.rows > 0) {
            handOn();
        }
    }

    private void handOn() throws IOException {
        chunk.close();
        receiver.receive(number, chunk.rows, chunk.stored.content());
        number++;
    }

    /** Frees the compressor's memory, also after a failure. */
    @Override
    public void close() throws IOException {
        chunk.close();
    }

    /** Takes a full chunk, which it may keep. */
    @FunctionalInterface
    interface Receiver {
        void receive(int number, long rows, ByteBuffer content) throws IOException;
    }

    private static final class Chunk {
        final Buffer stored = new Buffer();
        final OutputStream compressor;
        long rows;
        long text;

        Chunk() throws IOException {
            compressor = new ZstdOutputStreamNoFinalizer(stored, LEVEL);
        }

        void add(byte[] row) throws IOException {
            compressor.write(row);
            rows++;
            text += row.length;
        }

        void close() throws IOException {
            compressor.close();
        }
    }

    /** Gives its content away without a copy. */
    private static final class Buffer extends ByteArrayOutputStream {
        Buffer() {
            super(1 << 12);
        }

        ByteBuffer content() {
            return ByteBuffer.wrap(buf, 0, count);
        }
    }
}
