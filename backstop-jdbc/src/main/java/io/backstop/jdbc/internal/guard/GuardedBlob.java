package io.backstop.jdbc.internal.guard;

import io.backstop.api.error.UnguardedAccessException;
import io.backstop.jdbc.internal.guard.delegating.DelegatingBlob;

import java.io.InputStream;
import java.io.OutputStream;
import java.sql.Blob;
import java.sql.SQLException;

/** A large object that can be read; to write it is a change that no statement announced. */
final class GuardedBlob extends DelegatingBlob {
    private final GuardedConnection connection;

    GuardedBlob(GuardedConnection connection, Blob blob) {
        super(blob);
        this.connection = connection;
    }

    @Override
    public long length() throws SQLException {
        return connection.fetching(() -> super.length());
    }

    @Override
    public byte[] getBytes(long pos, int length) throws SQLException {
        return connection.fetching(() -> super.getBytes(pos, length));
    }

    @Override
    public InputStream getBinaryStream() throws SQLException {
        return new FetchedStream(connection, connection.fetching(() -> super.getBinaryStream()));
    }

    @Override
    public InputStream getBinaryStream(long pos, long length) throws SQLException {
        return new FetchedStream(connection, connection.fetching(() -> super.getBinaryStream(pos, length)));
    }

    @Override
    public long position(byte[] pattern, long start) throws SQLException {
        return connection.fetching(() -> super.position(pattern, start));
    }

    @Override
    public long position(Blob pattern, long start) throws SQLException {
        return connection.fetching(() -> super.position(pattern, start));
    }

    @Override
    public int setBytes(long pos, byte[] bytes) throws SQLException {
        throw refusal();
    }

    @Override
    public int setBytes(long pos, byte[] bytes, int offset, int len) throws SQLException {
        throw refusal();
    }

    @Override
    public OutputStream setBinaryStream(long pos) throws SQLException {
        throw refusal();
    }

    @Override
    public void truncate(long len) throws SQLException {
        throw refusal();
    }

    @Override
    public void free() throws SQLException {
        connection.whileOpen(() -> {
            super.free();
            return connection;
        });
    }

    private static UnguardedAccessException refusal() {
        return new UnguardedAccessException(
                "writing into a large object through Blob is refused: no statement announced it",
                "send the change as a statement, for instance SELECT lo_put(…)");
    }
}
