package io.backstop.jdbc.internal.guard;

import java.sql.ResultSetMetaData;
import java.sql.SQLException;

/** What a result set's columns are. pgjdbc looks some of it up in the catalog when it is asked for. */
final class GuardedResultSetMetaData implements ResultSetMetaData {
    private final GuardedConnection connection;
    private final ResultSetMetaData columns;

    GuardedResultSetMetaData(GuardedConnection connection, ResultSetMetaData columns) {
        this.connection = connection;
        this.columns = columns;
    }

    @Override
    public int getColumnCount() throws SQLException {
        return columns.getColumnCount();
    }

    @Override
    public boolean isAutoIncrement(int column) throws SQLException {
        return connection.asking(() -> columns.isAutoIncrement(column));
    }

    @Override
    public boolean isCaseSensitive(int column) throws SQLException {
        return connection.askingOfType(() -> columns.isCaseSensitive(column));
    }

    @Override
    public boolean isSearchable(int column) throws SQLException {
        return connection.askingOfType(() -> columns.isSearchable(column));
    }

    @Override
    public boolean isCurrency(int column) throws SQLException {
        return connection.askingOfType(() -> columns.isCurrency(column));
    }

    @Override
    public int isNullable(int column) throws SQLException {
        return connection.asking(() -> columns.isNullable(column));
    }

    @Override
    public boolean isSigned(int column) throws SQLException {
        return connection.askingOfType(() -> columns.isSigned(column));
    }

    @Override
    public int getColumnDisplaySize(int column) throws SQLException {
        return connection.askingOfType(() -> columns.getColumnDisplaySize(column));
    }

    @Override
    public String getColumnLabel(int column) throws SQLException {
        return columns.getColumnLabel(column);
    }

    @Override
    public String getColumnName(int column) throws SQLException {
        return columns.getColumnName(column);
    }

    @Override
    public String getSchemaName(int column) throws SQLException {
        return connection.asking(() -> columns.getSchemaName(column));
    }

    @Override
    public int getPrecision(int column) throws SQLException {
        return connection.askingOfType(() -> columns.getPrecision(column));
    }

    @Override
    public int getScale(int column) throws SQLException {
        return connection.askingOfType(() -> columns.getScale(column));
    }

    @Override
    public String getTableName(int column) throws SQLException {
        return connection.asking(() -> columns.getTableName(column));
    }

    @Override
    public String getCatalogName(int column) throws SQLException {
        return columns.getCatalogName(column);
    }

    @Override
    public int getColumnType(int column) throws SQLException {
        return connection.askingOfType(() -> columns.getColumnType(column));
    }

    @Override
    public String getColumnTypeName(int column) throws SQLException {
        return connection.askingOfType(() -> columns.getColumnTypeName(column));
    }

    @Override
    public boolean isReadOnly(int column) throws SQLException {
        return columns.isReadOnly(column);
    }

    @Override
    public boolean isWritable(int column) throws SQLException {
        return columns.isWritable(column);
    }

    @Override
    public boolean isDefinitelyWritable(int column) throws SQLException {
        return columns.isDefinitelyWritable(column);
    }

    @Override
    public String getColumnClassName(int column) throws SQLException {
        return connection.askingOfType(() -> columns.getColumnClassName(column));
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
