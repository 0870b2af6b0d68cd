package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.guard.delegating.DelegatingArray;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;

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
        return guarded(() -> super.getResultSet());
    }

    @Override
    public ResultSet getResultSet(Map<String, Class<?>> map) throws SQLException {
        return guarded(() -> super.getResultSet(map));
    }

    @Override
    public ResultSet getResultSet(long index, int count) throws SQLException {
        return guarded(() -> super.getResultSet(index, count));
    }

    @Override
    public ResultSet getResultSet(long index, int count, Map<String, Class<?>> map) throws SQLException {
        return guarded(() -> super.getResultSet(index, count, map));
    }

    private ResultSet guarded(ServerCall<ResultSet> values) throws SQLException {
        return GuardedValues.resultSet(connection, null, connection.askingOfType(values));
    }

    @Override
    public String getBaseTypeName() throws SQLException {
        return connection.askingOfType(() -> super.getBaseTypeName());
    }

    @Override
    public int getBaseType() throws SQLException {
        return connection.askingOfType(() -> super.getBaseType());
    }

    @Override
    public Object getArray() throws SQLException {
        return connection.askingOfType(() -> super.getArray());
    }

    @Override
    public Object getArray(Map<String, Class<?>> map) throws SQLException {
        return connection.askingOfType(() -> super.getArray(map));
    }

    @Override
    public Object getArray(long index, int count) throws SQLException {
        return connection.askingOfType(() -> super.getArray(index, count));
    }

    @Override
    public Object getArray(long index, int count, Map<String, Class<?>> map) throws SQLException {
        return connection.askingOfType(() -> super.getArray(index, count, map));
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
