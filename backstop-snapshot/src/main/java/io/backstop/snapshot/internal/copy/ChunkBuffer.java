package io.backstop.snapshot.internal.copy;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Queue;

/**
 * The compressed bytes of one chunk. Small at first, for most tables are; from a megabyte on in an array for a full chunk
 * at once, so that a growing one never holds the memory of two, and that array is used again for later chunks. Not
 * thread-safe.
 */
final class ChunkBuffer extends OutputStream {
    private static final int FIRST = 4 << 10;
    private static final int LARGE = 1 << 20;

    private final int full;
    private final Queue<byte[]> free;
    private byte[] bytes = new byte[FIRST];
    private int size;

    /**
     * @param full how many bytes a full chunk has, and the little that the compressor still adds to it
     * @param free arrays of that size that nobody uses; thread-safe
     */
    ChunkBuffer(int full, Queue<byte[]> free) {
        this.full = full;
        this.free = free;
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
            byte[] larger = larger(needed);
            System.arraycopy(bytes, 0, larger, 0, size);
            bytes = larger;
        }
    }

    private byte[] larger(int needed) {
        if (needed <= LARGE) {
            return new byte[Math.max(needed, bytes.length * 4)];
        }
        if (needed <= full) {
            byte[] used = free.poll();
            return used == null ? new byte[full] : used;
        }
        return new byte[Math.max(needed, bytes.length + bytes.length / 4)];
    }

    int size() {
        return size;
    }

    /** How many bytes of memory it holds. */
    int capacity() {
        return bytes.length;
    }

    /** Its bytes, which are valid until it is released. */
    ByteBuffer content() {
        return ByteBuffer.wrap(bytes, 0, size);
    }

    /** Gives its memory to the next. */
    void release() {
        if (bytes.length == full) {
            free.add(bytes);
        }
        bytes = new byte[0];
        size = 0;
    }
}
