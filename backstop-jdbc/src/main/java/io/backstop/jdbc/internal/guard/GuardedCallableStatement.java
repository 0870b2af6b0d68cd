package io.backstop.jdbc.internal.guard;

import java.io.InputStream;
import java.io.Reader;
import java.math.BigDecimal;
import java.net.URL;
import java.sql.Array;
import java.sql.Blob;
import java.sql.CallableStatement;
import java.sql.Clob;
import java.sql.Date;
import java.sql.NClob;
import java.sql.RowId;
import java.sql.SQLException;
import java.sql.SQLType;
import java.sql.SQLXML;
import java.sql.Time;
import java.sql.Timestamp;
import java.util.Calendar;
import java.util.Map;

/** A call: executed as the prepared statement that it is, its named parameters recorded too. */
final class GuardedCallableStatement extends DelegatingCallableStatement {
    GuardedCallableStatement(GuardedConnection connection, CallableStatement callable, String sql) throws SQLException {
        super(connection, callable, sql);
    }

    @Override
    public Object getObject(int parameterIndex) throws SQLException {
        return GuardedValues.value(connection(), connection().askingOfType(() -> super.getObject(parameterIndex)));
    }

    @Override
    public Object getObject(int parameterIndex, Map<String, Class<?>> map) throws SQLException {
        return GuardedValues.value(connection(), connection().askingOfType(() -> super.getObject(parameterIndex, map)));
    }

    @Override
    public Blob getBlob(int parameterIndex) throws SQLException {
        return GuardedValues.blob(connection(), super.getBlob(parameterIndex));
    }

    @Override
    public Clob getClob(int parameterIndex) throws SQLException {
        return GuardedValues.clob(connection(), super.getClob(parameterIndex));
    }

    @Override
    public Array getArray(int parameterIndex) throws SQLException {
        return GuardedValues.array(connection(), connection().askingOfType(() -> super.getArray(parameterIndex)));
    }

    @Override
    public Object getObject(String parameterName) throws SQLException {
        return GuardedValues.value(connection(), connection().askingOfType(() -> super.getObject(parameterName)));
    }

    @Override
    public Object getObject(String parameterName, Map<String, Class<?>> map) throws SQLException {
        return GuardedValues.value(connection(), connection().askingOfType(() -> super.getObject(parameterName, map)));
    }

    @Override
    public Blob getBlob(String parameterName) throws SQLException {
        return GuardedValues.blob(connection(), super.getBlob(parameterName));
    }

    @Override
    public Clob getClob(String parameterName) throws SQLException {
        return GuardedValues.clob(connection(), super.getClob(parameterName));
    }

    @Override
    public Array getArray(String parameterName) throws SQLException {
        return GuardedValues.array(connection(), connection().askingOfType(() -> super.getArray(parameterName)));
    }

    @Override
    public <T> T getObject(int parameterIndex, Class<T> type) throws SQLException {
        return GuardedValues.value(
                connection(), connection().askingOfType(() -> super.getObject(parameterIndex, type)), type);
    }

    @Override
    public <T> T getObject(String parameterName, Class<T> type) throws SQLException {
        return GuardedValues.value(
                connection(), connection().askingOfType(() -> super.getObject(parameterName, type)), type);
    }

    @Override
    public void setURL(String parameterName, URL val) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, val);
            super.setURL(parameterName, val);
        });
    }

    @Override
    public void setNull(String parameterName, int sqlType) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, (Object) null);
            super.setNull(parameterName, sqlType);
        });
    }

    @Override
    public void setBoolean(String parameterName, boolean x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setBoolean(parameterName, x);
        });
    }

    @Override
    public void setByte(String parameterName, byte x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setByte(parameterName, x);
        });
    }

    @Override
    public void setShort(String parameterName, short x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setShort(parameterName, x);
        });
    }

    @Override
    public void setInt(String parameterName, int x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setInt(parameterName, x);
        });
    }

    @Override
    public void setLong(String parameterName, long x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setLong(parameterName, x);
        });
    }

    @Override
    public void setFloat(String parameterName, float x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setFloat(parameterName, x);
        });
    }

    @Override
    public void setDouble(String parameterName, double x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setDouble(parameterName, x);
        });
    }

    @Override
    public void setBigDecimal(String parameterName, BigDecimal x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setBigDecimal(parameterName, x);
        });
    }

    @Override
    public void setString(String parameterName, String x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setString(parameterName, x);
        });
    }

    @Override
    public void setBytes(String parameterName, byte[] x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setBytes(parameterName, x);
        });
    }

    @Override
    public void setDate(String parameterName, Date x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setDate(parameterName, x);
        });
    }

    @Override
    public void setTime(String parameterName, Time x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setTime(parameterName, x);
        });
    }

    @Override
    public void setTimestamp(String parameterName, Timestamp x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setTimestamp(parameterName, x);
        });
    }

    @Override
    public void setAsciiStream(String parameterName, InputStream x, int length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setAsciiStream(parameterName, x, length);
        });
    }

    @Override
    public void setBinaryStream(String parameterName, InputStream x, int length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setBinaryStream(parameterName, x, length);
        });
    }

    @Override
    public void setObject(String parameterName, Object x, int targetSqlType, int scale) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters().bind(parameterName, value, targetSqlType + " " + scale);
            super.setObject(parameterName, GuardedValues.behind(value), targetSqlType, scale);
        });
    }

    @Override
    public void setObject(String parameterName, Object x, int targetSqlType) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters().bind(parameterName, value, targetSqlType);
            super.setObject(parameterName, GuardedValues.behind(value), targetSqlType);
        });
    }

    @Override
    public void setObject(String parameterName, Object x) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters().bind(parameterName, value);
            super.setObject(parameterName, GuardedValues.behind(value));
        });
    }

    @Override
    public void setCharacterStream(String parameterName, Reader reader, int length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, reader);
            super.setCharacterStream(parameterName, reader, length);
        });
    }

    @Override
    public void setDate(String parameterName, Date x, Calendar cal) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x, cal);
            super.setDate(parameterName, x, cal);
        });
    }

    @Override
    public void setTime(String parameterName, Time x, Calendar cal) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x, cal);
            super.setTime(parameterName, x, cal);
        });
    }

    @Override
    public void setTimestamp(String parameterName, Timestamp x, Calendar cal) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x, cal);
            super.setTimestamp(parameterName, x, cal);
        });
    }

    @Override
    public void setNull(String parameterName, int sqlType, String typeName) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, (Object) null);
            super.setNull(parameterName, sqlType, typeName);
        });
    }

    @Override
    public void setRowId(String parameterName, RowId x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setRowId(parameterName, x);
        });
    }

    @Override
    public void setNString(String parameterName, String value) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, value);
            super.setNString(parameterName, value);
        });
    }

    @Override
    public void setNCharacterStream(String parameterName, Reader value, long length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, value);
            super.setNCharacterStream(parameterName, value, length);
        });
    }

    @Override
    public void setNClob(String parameterName, NClob value) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, value);
            super.setNClob(parameterName, value);
        });
    }

    @Override
    public void setClob(String parameterName, Reader reader, long length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, reader);
            super.setClob(parameterName, reader, length);
        });
    }

    @Override
    public void setBlob(String parameterName, InputStream inputStream, long length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, inputStream);
            super.setBlob(parameterName, inputStream, length);
        });
    }

    @Override
    public void setNClob(String parameterName, Reader reader, long length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, reader);
            super.setNClob(parameterName, reader, length);
        });
    }

    @Override
    public void setSQLXML(String parameterName, SQLXML xmlObject) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, xmlObject);
            super.setSQLXML(parameterName, xmlObject);
        });
    }

    @Override
    public void setBlob(String parameterName, Blob x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setBlob(parameterName, x);
        });
    }

    @Override
    public void setClob(String parameterName, Clob x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setClob(parameterName, x);
        });
    }

    @Override
    public void setAsciiStream(String parameterName, InputStream x, long length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setAsciiStream(parameterName, x, length);
        });
    }

    @Override
    public void setBinaryStream(String parameterName, InputStream x, long length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setBinaryStream(parameterName, x, length);
        });
    }

    @Override
    public void setCharacterStream(String parameterName, Reader reader, long length) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, reader);
            super.setCharacterStream(parameterName, reader, length);
        });
    }

    @Override
    public void setAsciiStream(String parameterName, InputStream x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setAsciiStream(parameterName, x);
        });
    }

    @Override
    public void setBinaryStream(String parameterName, InputStream x) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, x);
            super.setBinaryStream(parameterName, x);
        });
    }

    @Override
    public void setCharacterStream(String parameterName, Reader reader) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, reader);
            super.setCharacterStream(parameterName, reader);
        });
    }

    @Override
    public void setNCharacterStream(String parameterName, Reader value) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, value);
            super.setNCharacterStream(parameterName, value);
        });
    }

    @Override
    public void setClob(String parameterName, Reader reader) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, reader);
            super.setClob(parameterName, reader);
        });
    }

    @Override
    public void setBlob(String parameterName, InputStream inputStream) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, inputStream);
            super.setBlob(parameterName, inputStream);
        });
    }

    @Override
    public void setNClob(String parameterName, Reader reader) throws SQLException {
        changing(() -> {
            parameters().bind(parameterName, reader);
            super.setNClob(parameterName, reader);
        });
    }

    @Override
    public void setObject(String parameterName, Object x, SQLType targetSqlType, int scaleOrLength)
            throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters().bind(parameterName, value, targetSqlType + " " + scaleOrLength);
            super.setObject(parameterName, GuardedValues.behind(value), targetSqlType, scaleOrLength);
        });
    }

    @Override
    public void setObject(String parameterName, Object x, SQLType targetSqlType) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters().bind(parameterName, value, targetSqlType);
            super.setObject(parameterName, GuardedValues.behind(value), targetSqlType);
        });
    }
}
