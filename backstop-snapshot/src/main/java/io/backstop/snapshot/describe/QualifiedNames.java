package io.backstop.snapshot.describe;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Makes the server write every name with its schema, by a {@code search_path} of PostgreSQL's own schema, and gives the session its own back.
 * Within a transaction that failed in between there is nothing to give back: the rollback does it.
 */
final class QualifiedNames implements AutoCloseable {
    private final Connection connection;
    private final String previous;
    private boolean healthy;

    private QualifiedNames(Connection connection, String previous) {
        this.connection = connection;
        this.previous = previous;
    }

    static QualifiedNames in(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT pg_catalog.current_setting('search_path')")) {
            result.next();
            QualifiedNames names = new QualifiedNames(connection, result.getString(1));
            names.set("pg_catalog, pg_temp");
            return names;
        }
    }

    <T> T whileQualified(Reading<T> reading) throws SQLException {
        T result = reading.read();
        healthy = true;
        return result;
    }

    @Override
    public void close() throws SQLException {
        if (healthy || !TransactionBlock.surrounds(connection)) {
            set(previous);
        }
    }

    private void set(String path) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT pg_catalog.set_config('search_path', ?, ?)")) {
            statement.setString(1, path);
            // Within a transaction it must not outlive it: the caller's own may be SET LOCAL.
            statement.setBoolean(2, TransactionBlock.surrounds(connection));
            statement.executeQuery().close();
        }
    }

    /** Reads something from the catalog. */
    @FunctionalInterface
    interface Reading<T> {
        T read() throws SQLException;
    }
}
