package io.backstop.jdbc.internal.guard;

import io.backstop.api.error.UnguardedAccessException;
import io.backstop.jdbc.internal.guard.delegating.DelegatingClob;

import java.io.OutputStream;
import java.io.Writer;
import java.sql.Clob;
import java.sql.SQLException;

/** A large object that can be read; to write it is a change that no statement announced. */
final class GuardedClob extends DelegatingClob {
    GuardedClob(Clob clob) {
        super(clob);
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

    private static UnguardedAccessException refusal() {
        return new UnguardedAccessException(
                "writing into a large object through Clob is refused: no statement announced it",
                "send the change as a statement, for instance SELECT lo_put(…)");
    }
}
