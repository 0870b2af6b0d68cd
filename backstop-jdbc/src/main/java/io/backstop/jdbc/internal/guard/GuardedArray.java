package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.guard.delegating.DelegatingArray;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;

/** An array whose result sets do not lead to pgjdbc's connection. */
final class GuardedArray extends DelegatingArray {
    private final GuardedConnection connection;

    GuardedArray(GuardedConnection connection, Array array) {
        super(array);
        this.connection = connection;
    }

    @Override
    public ResultSet getResultSet() throws SQLException {
        return guarded(super.getResultSet());
    }

    @Override
    public ResultSet getResultSet(Map<String, Class<?>> map) throws SQLException {
        return guarded(super.getResultSet(map));
    }

    @Override
    public ResultSet getResultSet(long index, int count) throws SQLException {
        return guarded(super.getResultSet(index, count));
    }

    @Override
    public ResultSet getResultSet(long index, int count, Map<String, Class<?>> map) throws SQLException {
        return guarded(super.getResultSet(index, count, map));
    }

    private ResultSet guarded(ResultSet resultSet) throws SQLException {
        return GuardedValues.resultSet(connection, null, resultSet);
    }

    /** The array of pgjdbc, for pgjdbc. */
    Array unguarded() {
        return array();
    }

    /** As PostgreSQL writes it. */
    @Override
    public String toString() {
        return array().toString();
    }
}
