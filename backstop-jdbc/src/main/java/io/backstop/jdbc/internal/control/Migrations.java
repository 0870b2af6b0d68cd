package io.backstop.jdbc.internal.control;

import io.backstop.api.error.ControlStoreUnavailableException;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * Brings the tables of a control store to today's version. A table of the store lists the steps that it has had; a
 * store from before steps were numbered has no such table, and the first step leaves its rows alone. Stateless,
 * thread-safe.
 */
public final class Migrations {
    private static final String TABLE = "schema_migrations";

    private final Dialect dialect;
    private final String name;

    /** @param name the name of the store in messages */
    public Migrations(Dialect dialect, String name) {
        this.dialect = dialect;
        this.name = name;
    }

    /** Whether a step is missing. Takes no lock. */
    public boolean needed(Connection connection) throws SQLException {
        int seen = seen(connection);
        if (seen > known()) {
            throw new ControlStoreUnavailableException(
                    "the control store " + name + " has version " + seen + ", and this Backstop knows versions up to "
                            + known(),
                    "use the newer Backstop in every process that shares the control store");
        }
        return seen < known();
    }

    /** Whether any step was run. Takes no lock. */
    public boolean begun(Connection connection) throws SQLException {
        return seen(connection) > 0;
    }

    /** Runs and records the missing steps, within a unit of work that holds the write lock. */
    public void apply(Connection connection) throws SQLException {
        if (!needed(connection)) {
            return; // another process was quicker
        }
        execute(connection, "CREATE TABLE IF NOT EXISTS " + TABLE + " (number INTEGER PRIMARY KEY)");
        int seen = seen(connection);
        for (Migration migration : dialect.migrations()) {
            if (migration.number() > seen) {
                for (String statement : migration.statements()) {
                    execute(connection, statement);
                }
                try (PreparedStatement insert =
                        connection.prepareStatement("INSERT INTO " + TABLE + " (number) VALUES (?)")) {
                    insert.setInt(1, migration.number());
                    insert.executeUpdate();
                }
            }
        }
    }

    private int known() {
        List<Migration> migrations = dialect.migrations();
        return migrations.get(migrations.size() - 1).number();
    }

    private int seen(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(dialect.tableNamed())) {
            select.setString(1, TABLE);
            try (ResultSet table = select.executeQuery()) {
                if (!table.next()) {
                    return 0;
                }
            }
        }
        try (Statement select = connection.createStatement();
                ResultSet newest = select.executeQuery("SELECT coalesce(max(number), 0) FROM " + TABLE)) {
            newest.next();
            return newest.getInt(1);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
