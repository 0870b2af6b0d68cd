package io.backstop.jdbc.internal.guard;

import io.backstop.api.error.UnguardedAccessException;
import io.backstop.jdbc.internal.guard.delegating.DelegatingClob;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.io.Writer;
import java.sql.Clob;
import java.sql.SQLException;

/** A large object that can be read; to write it is a change that no statement announced. */
final class GuardedClob extends DelegatingClob {
    private final GuardedConnection connection;

    GuardedClob(GuardedConnection connection, Clob clob) {
        super(clob);
        this.connection = connection;
    }

    @Override
    public long length() throws SQLException {
        return connection.fetching(() -> super.length());
    }

    @Override
    public String getSubString(long pos, int length) throws SQLException {
        return connection.fetching(() -> super.getSubString(pos, length));
    }

    @Override
    public Reader getCharacterStream() throws SQLException {
        return FetchedStream.reader(connection, connection.fetching(() -> super.getCharacterStream()));
    }

    @Override
    public Reader getCharacterStream(long pos, long length) throws SQLException {
        return FetchedStream.reader(connection, connection.fetching(() -> super.getCharacterStream(pos, length)));
    }

    @Override
    public InputStream getAsciiStream() throws SQLException {
        return new FetchedStream(connection, connection.fetching(() -> super.getAsciiStream()));
    }

    @Override
    public long position(String searchstr, long start) throws SQLException {
        return connection.fetching(() -> super.position(searchstr, start));
    }

    @Override
    public long position(Clob searchstr, long start) throws SQLException {
        return connection.fetching(() -> super.position(searchstr, start));
    }

    @Override
    public int setString(long pos, String str) throws SQLException {
        throw refusal();
    }

    @Override
    public int setString(long pos, String str, int offset, int len) throws SQLException {
        throw refusal();
    }

    @Override
    public OutputStream setAsciiStream(long pos) throws SQLException {
        throw refusal();
    }

    @Override
    public Writer setCharacterStream(long pos) throws SQLException {
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
                "writing into a large object through Clob is refused: no statement announced it",
                "send the change as a statement, for instance SELECT lo_put(…)");
    }
}
