package io.backstop.snapshot.internal.session;

import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** The caller's connection, asked in SQL that Backstop wrote. */
public record CallerSession(Connection connection) {

    public void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Whether the server is in a transaction, also in a failed one. Asks the driver, not the server. */
    public boolean inTransaction() throws SQLException {
        return connection.unwrap(BaseConnection.class).getTransactionState() != TransactionState.IDLE;
    }

    /** Ends the transaction, if there is one. Said in SQL, as some pools and transaction managers forbid it in JDBC. */
    public void rollBack() throws SQLException {
        if (inTransaction()) {
            execute("ROLLBACK");
        }
    }

    public <T> List<T> rows(String sql, Row<T> reader) throws SQLException {
        List<T> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(sql)) {
            while (result.next()) {
                rows.add(reader.read(result));
            }
        }
        return rows;
    }

    public String value(String sql) throws SQLException {
        return rows(sql, row -> row.getString(1)).get(0);
    }

    /** Oids as an SQL array. Numbers need no quoting. */
    public static String array(Collection<Long> oids) {
        return oids.stream().map(String::valueOf).collect(Collectors.joining(",", "'{", "}'::pg_catalog.oid[]"));
    }

    /** What the server said, without the detail that may hold values. */
    public static String reason(SQLException failure) {
        ServerErrorMessage answer = failure instanceof PSQLException e ? e.getServerErrorMessage() : null;
        return answer == null ? String.valueOf(failure.getMessage()) : String.valueOf(answer.getMessage());
    }

    /** Reads one row. */
    @FunctionalInterface
    public interface Row<T> {
        T read(ResultSet result) throws SQLException;
    }
}
