package io.backstop.recovery.internal.restore;

import io.backstop.api.snapshot.SnapshotManifest.Chunk;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;

/** The chunks of one COPY stream, one after the other; each is taken when it is needed, and is the only one that is held. */
final class JoinedChunks extends InputStream {
    private final Deque<Chunk> rest;
    private final Source source;
    private InputStream current = InputStream.nullInputStream();

    JoinedChunks(Collection<Chunk> chunks, Source source) {
        this.rest = new ArrayDeque<>(chunks);
        this.source = source;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int count = current.read(target, offset, length);
        while (count < 0 && !rest.isEmpty()) {
            current.close();
            current = InputStream.nullInputStream();
            current = source.take(rest.remove());
            count = current.read(target, offset, length);
        }
        return count;
    }

    @Override
    public void close() throws IOException {
        current.close();
    }

    /** Gives the bytes of a chunk. */
    @FunctionalInterface
    interface Source {
        InputStream take(Chunk chunk) throws IOException;
    }
}
