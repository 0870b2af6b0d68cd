package io.backstop.jdbc.internal.guard;

import io.backstop.api.error.UnguardedAccessException;
import io.backstop.jdbc.internal.guard.delegating.DelegatingResultSet;

import java.sql.Array;
import java.sql.Blob;
import java.sql.Clob;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.Map;

/** A result set that reads, and whose way back ends at the guard. */
final class GuardedResultSet extends DelegatingResultSet {
    private final GuardedConnection connection;
    private final Statement statement;

    /** Whether the server holds back rows, so that moving on has it run more of the query. */
    private final boolean partial;

    private final boolean fenced;

    /** Which columns are cursors, each of which is fetched when it is asked for; null until somebody asks. */
    private boolean[] cursors;

    /**
     * @param statement the guarded statement that it belongs to, or null
     * @param fenced whether it came from behind the read fence, where the rest of it has to come from, too
     */
    GuardedResultSet(GuardedConnection connection, Statement statement, ResultSet resultSet, boolean fenced)
            throws SQLException {
        super(resultSet);
        this.connection = connection;
        this.statement = statement;
        this.partial = resultSet.getFetchSize() > 0;
        this.fenced = fenced;
    }

    @Override
    public boolean next() throws SQLException {
        return partial ? connection.fetching(fenced, () -> super.next()) : super.next();
    }

    @Override
    public boolean isLast() throws SQLException {
        return partial ? connection.fetching(fenced, () -> super.isLast()) : super.isLast();
    }

    @Override
    public ResultSetMetaData getMetaData() throws SQLException {
        return new GuardedResultSetMetaData(connection, super.getMetaData());
    }

    private boolean cursor(int column) throws SQLException {
        if (cursors == null) {
            cursors = connection.askingOfType(() -> cursors(super.getMetaData()));
        }
        return column >= 1 && column <= cursors.length && cursors[column - 1];
    }

    private static boolean[] cursors(ResultSetMetaData columns) throws SQLException {
        boolean[] found = new boolean[columns.getColumnCount()];
        for (int i = 0; i < found.length; i++) {
            found[i] = columns.getColumnType(i + 1) == Types.REF_CURSOR;
        }
        return found;
    }

    private Object object(int column) throws SQLException {
        return cursor(column)
                ? connection.fetching(() -> super.getObject(column))
                : connection.askingOfType(() -> super.getObject(column));
    }

    @Override
    public Statement getStatement() throws SQLException {
        return statement;
    }

    @Override
    public void insertRow() throws SQLException {
        throw refusal("insertRow", "an INSERT");
    }

    @Override
    public void updateRow() throws SQLException {
        throw refusal("updateRow", "an UPDATE");
    }

    @Override
    public void deleteRow() throws SQLException {
        throw refusal("deleteRow", "a DELETE");
    }

    @Override
    public void refreshRow() throws SQLException {
        throw new UnguardedAccessException(
                "ResultSet.refreshRow is refused: it would send a query that nobody has judged",
                "send the query again instead");
    }

    private static UnguardedAccessException refusal(String method, String statement) {
        return new UnguardedAccessException(
                "ResultSet." + method + " is refused: it changes a row without a statement that could be judged",
                "send " + statement + " statement instead");
    }

    @Override
    public Array getArray(int columnIndex) throws SQLException {
        return GuardedValues.array(connection, connection.askingOfType(() -> super.getArray(columnIndex)));
    }

    @Override
    public Array getArray(String columnLabel) throws SQLException {
        return GuardedValues.array(connection, connection.askingOfType(() -> super.getArray(columnLabel)));
    }

    @Override
    public Blob getBlob(int columnIndex) throws SQLException {
        return GuardedValues.blob(connection, super.getBlob(columnIndex));
    }

    @Override
    public Blob getBlob(String columnLabel) throws SQLException {
        return GuardedValues.blob(connection, super.getBlob(columnLabel));
    }

    @Override
    public Clob getClob(int columnIndex) throws SQLException {
        return GuardedValues.clob(connection, super.getClob(columnIndex));
    }

    @Override
    public Clob getClob(String columnLabel) throws SQLException {
        return GuardedValues.clob(connection, super.getClob(columnLabel));
    }

    @Override
    public Object getObject(int columnIndex) throws SQLException {
        return GuardedValues.value(connection, object(columnIndex));
    }

    @Override
    public Object getObject(String columnLabel) throws SQLException {
        return GuardedValues.value(connection, object(findColumn(columnLabel)));
    }

    @Override
    public Object getObject(int columnIndex, Map<String, Class<?>> map) throws SQLException {
        return GuardedValues.value(
                connection,
                cursor(columnIndex)
                        ? connection.fetching(() -> super.getObject(columnIndex, map))
                        : connection.askingOfType(() -> super.getObject(columnIndex, map)));
    }

    @Override
    public Object getObject(String columnLabel, Map<String, Class<?>> map) throws SQLException {
        return getObject(findColumn(columnLabel), map);
    }

    @Override
    public <T> T getObject(int columnIndex, Class<T> type) throws SQLException {
        return GuardedValues.value(connection, connection.askingOfType(() -> super.getObject(columnIndex, type)), type);
    }

    @Override
    public <T> T getObject(String columnLabel, Class<T> type) throws SQLException {
        return GuardedValues.value(connection, connection.askingOfType(() -> super.getObject(columnLabel, type)), type);
    }

    @Override
    public <T> T unwrap(Class<T> iface) throws SQLException {
        return GuardedConnection.unwrap(this, iface);
    }

    @Override
    public boolean isWrapperFor(Class<?> iface) {
        return iface.isInstance(this);
    }
}
