package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.PreparedExecution;
import io.backstop.jdbc.internal.pipeline.statement.PreparedText;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import org.postgresql.PGStatement;
import org.postgresql.core.TypeInfo;
import org.postgresql.jdbc.PgConnection;
import org.postgresql.util.PGobject;

import java.io.InputStream;
import java.io.Reader;
import java.math.BigDecimal;
import java.net.URL;
import java.sql.Array;
import java.sql.Blob;
import java.sql.Clob;
import java.sql.Date;
import java.sql.NClob;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.Ref;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.RowId;
import java.sql.SQLException;
import java.sql.SQLType;
import java.sql.SQLXML;
import java.sql.Time;
import java.sql.Timestamp;
import java.util.Calendar;
import java.util.Map;

/**
 * A prepared statement: its text is read when it is prepared, and judged with the values bound to it when it is executed.
 */
class GuardedPreparedStatement extends DelegatingPreparedStatement {
    private final BoundParameters parameters = new BoundParameters(this::asSent);
    private final PreparedText text;

    GuardedPreparedStatement(GuardedConnection connection, PreparedStatement prepared, String sql) throws SQLException {
        this(connection, prepared, sql, false);
    }

    /** @param call whether JDBC prepared it as a call */
    GuardedPreparedStatement(GuardedConnection connection, PreparedStatement prepared, String sql, boolean call)
            throws SQLException {
        super(connection, prepared);
        this.text = connection.pipeline().prepare(sql, call, connection.session());
    }

    /** The statement with its values as pgjdbc will send them, whatever was given to it. */
    private String asSent() throws SQLException {
        return String.valueOf(statement().unwrap(PGStatement.class));
    }

    final BoundParameters parameters() {
        return parameters;
    }

    /** What the driver holds for it is not known then. */
    @Override
    void changeFailed() {
        parameters.failed();
    }

    /** Of a statement whose rows may have to be told by its text, arrays can be told as well. */
    private Object sent(Object value) throws SQLException {
        return text.latest().assessment().destructions().isEmpty()
                ? GuardedValues.behind(value)
                : GuardedValues.written(value);
    }

    private <T> T run(Execution<T> execution) throws SQLException {
        return run(() -> new PreparedExecution(text, parameters.bound(false)), execution);
    }

    private <T> Execution<T> sending(ServerCall<T> call) {
        return ExecutionFactory.single(statement(), parameters.repeatable(), noting(call));
    }

    @Override
    public ResultSet executeQuery() throws SQLException {
        return guarded(run(sending(() -> super.executeQuery())));
    }

    @Override
    public int executeUpdate() throws SQLException {
        return run(sending(() -> super.executeUpdate()));
    }

    @Override
    public long executeLargeUpdate() throws SQLException {
        return run(sending(() -> super.executeLargeUpdate()));
    }

    @Override
    public boolean execute() throws SQLException {
        return run(sending(() -> super.execute()));
    }

    @Override
    public void addBatch() throws SQLException {
        changing(() -> {
            super.addBatch();
            parameters.addBatch();
        });
    }

    @Override
    public void clearBatch() throws SQLException {
        changing(() -> {
            parameters.clearBatch();
            statement().clearBatch();
        });
    }

    @Override
    public int[] executeBatch() throws SQLException {
        return runBatch(() -> statement().executeBatch());
    }

    @Override
    public long[] executeLargeBatch() throws SQLException {
        return runBatch(() -> statement().executeLargeBatch());
    }

    @Override
    int batchSize() {
        return parameters.batchSize();
    }

    private <T> T runBatch(ServerCall<T> call) throws SQLException {
        return runBatch(() -> new PreparedExecution(text, parameters.bound(true)), call, parameters::clearBatch);
    }

    @Override
    public ResultSetMetaData getMetaData() throws SQLException {
        ResultSetMetaData described = describe(() -> super.getMetaData());
        return described == null ? null : new GuardedResultSetMetaData(connection(), described);
    }

    @Override
    public ParameterMetaData getParameterMetaData() throws SQLException {
        return describe(() -> super.getParameterMetaData());
    }

    /** With the types of what is bound now, which decide what the server makes of the text. */
    private <T> T describe(ServerCall<T> call) throws SQLException {
        return connection()
                .pipeline()
                .describe(connection().session(), new PreparedExecution(text, parameters.bound(false)), sending(call));
    }

    @Override
    public void clearParameters() throws SQLException {
        changing(() -> {
            parameters.clear();
            super.clearParameters();
        });
    }

    @Override
    public void setNull(int parameterIndex, int sqlType) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, null, sqlType);
            super.setNull(parameterIndex, sqlType);
        });
    }

    @Override
    public void setBoolean(int parameterIndex, boolean x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setBoolean(parameterIndex, x);
        });
    }

    @Override
    public void setByte(int parameterIndex, byte x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setByte(parameterIndex, x);
        });
    }

    @Override
    public void setShort(int parameterIndex, short x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setShort(parameterIndex, x);
        });
    }

    @Override
    public void setInt(int parameterIndex, int x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setInt(parameterIndex, x);
        });
    }

    @Override
    public void setLong(int parameterIndex, long x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setLong(parameterIndex, x);
        });
    }

    @Override
    public void setFloat(int parameterIndex, float x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setFloat(parameterIndex, x);
        });
    }

    @Override
    public void setDouble(int parameterIndex, double x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setDouble(parameterIndex, x);
        });
    }

    @Override
    public void setBigDecimal(int parameterIndex, BigDecimal x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setBigDecimal(parameterIndex, x);
        });
    }

    @Override
    public void setString(int parameterIndex, String x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setString(parameterIndex, x);
        });
    }

    @Override
    public void setBytes(int parameterIndex, byte[] x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setBytes(parameterIndex, x);
        });
    }

    @Override
    public void setDate(int parameterIndex, Date x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setDate(parameterIndex, x);
        });
    }

    @Override
    public void setTime(int parameterIndex, Time x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setTime(parameterIndex, x);
        });
    }

    @Override
    public void setTimestamp(int parameterIndex, Timestamp x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setTimestamp(parameterIndex, x);
        });
    }

    @Override
    public void setAsciiStream(int parameterIndex, InputStream x, int length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setAsciiStream(parameterIndex, x, length);
        });
    }

    @Override
    @Deprecated
    @SuppressWarnings("deprecation") // delegates what JDBC still asks for
    public void setUnicodeStream(int parameterIndex, InputStream x, int length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setUnicodeStream(parameterIndex, x, length);
        });
    }

    @Override
    public void setBinaryStream(int parameterIndex, InputStream x, int length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setBinaryStream(parameterIndex, x, length);
        });
    }

    @Override
    public void setObject(int parameterIndex, Object x, int targetSqlType) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters.bind(parameterIndex, value, targetSqlType);
            binding(value, () -> super.setObject(parameterIndex, GuardedValues.behind(value), targetSqlType));
        });
    }

    @Override
    public void setObject(int parameterIndex, Object x) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters.bind(parameterIndex, value);
            binding(value, () -> super.setObject(parameterIndex, sent(value)));
        });
    }

    @Override
    public void setCharacterStream(int parameterIndex, Reader reader, int length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, reader);
            super.setCharacterStream(parameterIndex, reader, length);
        });
    }

    @Override
    public void setRef(int parameterIndex, Ref x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setRef(parameterIndex, x);
        });
    }

    @Override
    public void setBlob(int parameterIndex, Blob x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            connection().creating(() -> super.setBlob(parameterIndex, x));
        });
    }

    @Override
    public void setClob(int parameterIndex, Clob x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            connection().creating(() -> super.setClob(parameterIndex, x));
        });
    }

    @Override
    public void setArray(int parameterIndex, Array x) throws SQLException {
        changing(() -> {
            Array value = GuardedValues.ofOneType(x);
            parameters.bind(parameterIndex, value);
            binding(value, () -> super.setArray(parameterIndex, (Array) sent(value)));
        });
    }

    @Override
    public void setDate(int parameterIndex, Date x, Calendar cal) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x, cal);
            super.setDate(parameterIndex, x, cal);
        });
    }

    @Override
    public void setTime(int parameterIndex, Time x, Calendar cal) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x, cal);
            super.setTime(parameterIndex, x, cal);
        });
    }

    @Override
    public void setTimestamp(int parameterIndex, Timestamp x, Calendar cal) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x, cal);
            super.setTimestamp(parameterIndex, x, cal);
        });
    }

    @Override
    public void setNull(int parameterIndex, int sqlType, String typeName) throws SQLException {
        changing(() -> {
            parameters.bindNull(parameterIndex, sqlType + " " + typeName, typeName);
            connection().binding(() -> {
                super.setNull(parameterIndex, sqlType, typeName);
                parameters.boundNull(typeName, driverTypes());
            });
        });
    }

    @Override
    public void setURL(int parameterIndex, URL x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setURL(parameterIndex, x);
        });
    }

    @Override
    public void setRowId(int parameterIndex, RowId x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setRowId(parameterIndex, x);
        });
    }

    @Override
    public void setNString(int parameterIndex, String value) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, value);
            super.setNString(parameterIndex, value);
        });
    }

    @Override
    public void setNCharacterStream(int parameterIndex, Reader value, long length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, value);
            super.setNCharacterStream(parameterIndex, value, length);
        });
    }

    @Override
    public void setNClob(int parameterIndex, NClob value) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, value);
            connection().creating(() -> super.setNClob(parameterIndex, value));
        });
    }

    @Override
    public void setClob(int parameterIndex, Reader reader, long length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, reader);
            connection().creating(() -> super.setClob(parameterIndex, reader, length));
        });
    }

    @Override
    public void setBlob(int parameterIndex, InputStream inputStream, long length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, inputStream);
            connection().creating(() -> super.setBlob(parameterIndex, inputStream, length));
        });
    }

    @Override
    public void setNClob(int parameterIndex, Reader reader, long length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, reader);
            connection().creating(() -> super.setNClob(parameterIndex, reader, length));
        });
    }

    @Override
    public void setSQLXML(int parameterIndex, SQLXML xmlObject) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, xmlObject);
            super.setSQLXML(parameterIndex, xmlObject);
        });
    }

    @Override
    public void setObject(int parameterIndex, Object x, int targetSqlType, int scaleOrLength) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters.bind(parameterIndex, value, targetSqlType + " " + scaleOrLength);
            binding(
                    value,
                    () -> super.setObject(parameterIndex, GuardedValues.behind(value), targetSqlType, scaleOrLength));
        });
    }

    @Override
    public void setAsciiStream(int parameterIndex, InputStream x, long length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setAsciiStream(parameterIndex, x, length);
        });
    }

    @Override
    public void setBinaryStream(int parameterIndex, InputStream x, long length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setBinaryStream(parameterIndex, x, length);
        });
    }

    @Override
    public void setCharacterStream(int parameterIndex, Reader reader, long length) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, reader);
            super.setCharacterStream(parameterIndex, reader, length);
        });
    }

    @Override
    public void setAsciiStream(int parameterIndex, InputStream x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setAsciiStream(parameterIndex, x);
        });
    }

    @Override
    public void setBinaryStream(int parameterIndex, InputStream x) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, x);
            super.setBinaryStream(parameterIndex, x);
        });
    }

    @Override
    public void setCharacterStream(int parameterIndex, Reader reader) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, reader);
            super.setCharacterStream(parameterIndex, reader);
        });
    }

    @Override
    public void setNCharacterStream(int parameterIndex, Reader value) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, value);
            super.setNCharacterStream(parameterIndex, value);
        });
    }

    @Override
    public void setClob(int parameterIndex, Reader reader) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, reader);
            connection().creating(() -> super.setClob(parameterIndex, reader));
        });
    }

    @Override
    public void setBlob(int parameterIndex, InputStream inputStream) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, inputStream);
            connection().creating(() -> super.setBlob(parameterIndex, inputStream));
        });
    }

    @Override
    public void setNClob(int parameterIndex, Reader reader) throws SQLException {
        changing(() -> {
            parameters.bind(parameterIndex, reader);
            connection().creating(() -> super.setNClob(parameterIndex, reader));
        });
    }

    @Override
    public void setObject(int parameterIndex, Object x, SQLType targetSqlType, int scaleOrLength) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters.bind(parameterIndex, value, targetSqlType + " " + scaleOrLength);
            binding(
                    value,
                    () -> super.setObject(parameterIndex, GuardedValues.behind(value), targetSqlType, scaleOrLength));
        });
    }

    @Override
    public void setObject(int parameterIndex, Object x, SQLType targetSqlType) throws SQLException {
        changing(() -> {
            Object value = GuardedValues.ofOneType(x);
            parameters.bind(parameterIndex, value, targetSqlType);
            binding(value, () -> super.setObject(parameterIndex, GuardedValues.behind(value), targetSqlType));
        });
    }

    /** Binds a value whose type pgjdbc may have to ask for. */
    private void binding(Object value, StatementUse.Change change) throws SQLException {
        boolean asks = value instanceof PGobject
                || value instanceof Array
                || value instanceof Map
                || (value != null && value.getClass().isArray() && !(value instanceof byte[]));
        if (asks) {
            connection().binding(() -> {
                change.apply();
                parameters.bound(value, driverTypes());
            });
        } else {
            change.apply();
        }
    }

    private TypeInfo driverTypes() throws SQLException {
        return connection().session().connection().unwrap(PgConnection.class).getTypeInfo();
    }
}
