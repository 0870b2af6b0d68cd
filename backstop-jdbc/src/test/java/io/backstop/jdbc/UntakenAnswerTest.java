package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** What the server ran, and the driver cannot take the answer of: it is kept as without Backstop, and looked at all the same. */
@ExtendWith(PostgresExtension.class)
class UntakenAnswerTest {
    private static final String TRIGGER = "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private ApplicationGuard guard;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY)",
                "INSERT INTO users SELECT n FROM generate_series(1, 5000) AS n",
                "CREATE TABLE notes (id int UNIQUE, note text)",
                "CREATE TABLE ten (id int PRIMARY KEY)",
                "INSERT INTO ten SELECT n FROM generate_series(1, 10) AS n",
                "CREATE FUNCTION wiping() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users; RETURN NEW; END'");
        guard = new ApplicationGuard(database, folder);
        guard.execute("INSERT INTO notes VALUES (0, 'zero')"); // what is known of the schema is read
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
    }

    /** Calls that the driver refuses when the server has answered. */
    enum Call {
        QUERY_THAT_HAS_NO_ROWS {
            @Override
            void on(Connection connection) throws SQLException {
                try (Statement statement = connection.createStatement()) {
                    statement.executeQuery("INSERT INTO notes VALUES (1, 'one')");
                }
            }
        },
        PREPARED_QUERY_THAT_HAS_NO_ROWS {
            @Override
            void on(Connection connection) throws SQLException {
                try (PreparedStatement statement = connection.prepareStatement("INSERT INTO notes VALUES (?, 'one')")) {
                    statement.setInt(1, 1);
                    statement.executeQuery();
                }
            }
        },
        UPDATE_THAT_HAS_ROWS {
            @Override
            void on(Connection connection) throws SQLException {
                try (Statement statement = connection.createStatement()) {
                    statement.executeUpdate("INSERT INTO notes VALUES (1, 'one') RETURNING id");
                }
            }
        },
        LARGE_UPDATE_THAT_HAS_ROWS {
            @Override
            void on(Connection connection) throws SQLException {
                try (Statement statement = connection.createStatement()) {
                    statement.executeLargeUpdate("INSERT INTO notes VALUES (1, 'one') RETURNING id");
                }
            }
        },
        COUNTED_QUERY_THAT_HAS_NO_ROWS {
            @Override
            void on(Connection connection) throws SQLException {
                try (Statement statement = connection.createStatement()) {
                    statement.executeQuery(
                            "INSERT INTO notes VALUES (1, 'one') ON CONFLICT (id) DO UPDATE SET note = 'x'");
                }
            }
        },
        COUNTED_UPDATE_THAT_HAS_ROWS {
            @Override
            void on(Connection connection) throws SQLException {
                try (Statement statement = connection.createStatement()) {
                    statement.executeUpdate(
                            "WITH more AS (INSERT INTO notes VALUES (1, 'one')) UPDATE ten SET id = id WHERE id = 1 RETURNING id");
                }
            }
        },
        BATCH_THAT_HAS_ROWS {
            @Override
            void on(Connection connection) throws SQLException {
                try (Statement statement = connection.createStatement()) {
                    statement.addBatch("INSERT INTO notes VALUES (1, 'one') RETURNING id");
                    BatchRefusal.execute(statement);
                }
            }
        };

        abstract void on(Connection connection) throws SQLException;
    }

    /** The SQLSTATE with which it fails, and how many rows are there when it is over. */
    private String outcome(Call call, Connection connection, boolean autoCommit) throws SQLException {
        database.run("DELETE FROM notes");
        connection.setAutoCommit(autoCommit);
        SQLException failure = catchThrowableOfType(SQLException.class, () -> call.on(connection));
        if (!autoCommit) {
            connection.commit();
        }
        return (failure == null ? "" : failure.getSQLState()) + " " + database.value("SELECT count(*) FROM notes");
    }

    @ParameterizedTest
    @EnumSource
    void what_the_driver_cannot_take_is_kept_as_without_backstop(Call call) throws SQLException {
        for (boolean autoCommit : new boolean[] {true, false}) {
            try (Connection plain = database.connect()) {
                assertThat(outcome(call, guard.connection(), autoCommit))
                        .as("auto-commit " + autoCommit)
                        .isEqualTo(outcome(call, plain, autoCommit));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_it_set_off_is_undone(Call call) throws SQLException {
        database.run(TRIGGER);
        assertThatThrownBy(() -> call.on(guard.connection())).isInstanceOf(SQLException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("1");
    }

    @Test
    void a_batch_that_set_something_off_is_said_to_be_a_batch() throws SQLException {
        database.run(TRIGGER);
        try (Statement statement = guard.connection().createStatement()) {
            statement.addBatch("INSERT INTO notes VALUES (1, 'one')");
            statement.addBatch("INSERT INTO notes VALUES (2, 'two')");
            assertThatThrownBy(() -> BatchRefusal.execute(statement))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageStartingWith("the batch was rolled back: it changed ")
                    .hasMessageNotContaining("stream");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }
}
