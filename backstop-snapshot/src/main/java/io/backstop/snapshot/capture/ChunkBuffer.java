package io.backstop.snapshot.capture;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The compressed bytes of one chunk, in one array that is used again for later chunks. Small at first, for most tables
 * are; from a megabyte on as large as a full chunk at once, so that a growing one never holds the memory of two. Not
 * thread-safe.
 */
final class ChunkBuffer extends OutputStream {
    private static final int FIRST = 4 << 10;
    private static final int LARGE = 1 << 20;

    private final int full;
    private byte[] bytes = new byte[FIRST];
    private int size;

    /** @param full how many bytes a full chunk has, and the little that the compressor still adds to it */
    ChunkBuffer(int full) {
        this.full = full;
    }

    @Override
    public void write(int b) {
        makeRoom(1);
        bytes[size++] = (byte) b;
    }

    @Override
    public void write(byte[] source, int offset, int length) {
        makeRoom(length);
        System.arraycopy(source, offset, bytes, size, length);
        size += length;
    }

    private void makeRoom(int more) {
        int needed = Math.addExact(size, more);
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(needed, next(bytes.length)));
        }
    }

    private int next(int capacity) {
        if (capacity < LARGE) {
            return capacity * 4;
        }
        return capacity < full ? full : capacity + capacity / 4;
    }

    int size() {
        return size;
    }

    /** Its bytes, which are valid until it is cleared. */
    ByteBuffer content() {
        return ByteBuffer.wrap(bytes, 0, size);
    }

    void clear() {
        size = 0;
    }
}
