package io.backstop.jdbc;

import io.backstop.testing.TestDatabase;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** A connection that is guarded under the profile application, with snapshots that store nothing. */
final class ApplicationGuard implements AutoCloseable {
    final FakeSnapshots snapshots = new FakeSnapshots();
    private final Backstop backstop;
    private Connection connection;

    /** @param folder where the control store is put */
    ApplicationGuard(TestDatabase database, Path folder) throws SQLException {
        backstop = Backstop.builder()
                .policy("application")
                .snapshots(snapshots)
                .control(folder.resolve("backstop.db"))
                .build();
        connection = backstop.guard(database.connect());
    }

    Connection connection() {
        return connection;
    }

    /** Goes on over this connection. */
    void reconnect(Connection plain) throws SQLException {
        connection.close();
        connection = backstop.guard(plain);
    }

    void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
        backstop.close();
    }
}
