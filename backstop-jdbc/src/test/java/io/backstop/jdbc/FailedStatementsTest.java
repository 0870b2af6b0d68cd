package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A statement that the server refuses makes the caller's transaction fail as it does without Backstop, locks and all. */
@Sampled
@ExtendWith(PostgresExtension.class)
class FailedStatementsTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n",
                "CREATE FUNCTION fails(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT n / 0'",
                "CREATE SEQUENCE numbers");
        open("application");
    }

    private void open(String policy) throws SQLException {
        backstop = Backstop.builder()
                .policy(policy)
                .snapshots(new FakeSnapshots())
                .control(folder.resolve("backstop.db"))
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static Stream<Arguments> failing() {
        return Stream.of("strict", "application")
                .flatMap(policy -> Stream.of(
                                "UPDATE users SET id = id / 0 WHERE id = 2",
                                "UPDATE users SET id = 3 WHERE id = 2",
                                "DELETE FROM users WHERE nope = 1",
                                "UPDATE nope SET id = 1 WHERE id = 2",
                                "INSERT INTO users VALUES (2, 'again')",
                                "SELECT 1 / 0",
                                "SELECT fails(1)",
                                "SELECT nextval('numbers') / 0",
                                "SELECT 1 / 0 FROM users FOR UPDATE",
                                "CREATE TABLE more AS SELECT 1 / 0 AS id",
                                "TRUNCATE nope",
                                "ELSE")
                        .map(sql -> Arguments.of(policy, sql)));
    }

    @ParameterizedTest
    @MethodSource("failing")
    void its_locks_are_free_at_once(String policy, String sql) throws SQLException {
        close();
        open(policy);
        connection.setAutoCommit(false);
        execute("UPDATE users SET name = 'mine' WHERE id = 1");
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(SQLException.class);
        boolean failed = isFailed();
        if (failed) {
            database.run("SET lock_timeout = '5s'", "UPDATE users SET name = 'theirs' WHERE id = 1");
        }
        connection.rollback();
        assertThat(database.value("SELECT name FROM users WHERE id = 1")).isEqualTo(failed ? "theirs" : "user 1");
        assertThat(failed || !policy.equals("application"))
                .as("what is held or blocked leaves the transaction as it was")
                .isTrue();
    }

    private boolean isFailed() {
        try {
            execute("SELECT 1");
            return false;
        } catch (SQLException e) {
            assertThat(e.getSQLState()).isEqualTo("25P02");
            return true;
        }
    }

    @ParameterizedTest
    @MethodSource("failing")
    void behind_a_savepoint_of_the_callers_the_transaction_goes_on_from_there(String policy, String sql)
            throws SQLException {
        close();
        open(policy);
        connection.setAutoCommit(false);
        execute("UPDATE users SET name = 'kept' WHERE id = 1");
        Savepoint savepoint = connection.setSavepoint();
        execute("UPDATE users SET name = 'undone' WHERE id = 4");
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> execute(sql)).isInstanceOf(SQLException.class);
            connection.rollback(savepoint);
        }
        database.run("SET lock_timeout = '5s'", "UPDATE users SET name = 'theirs' WHERE id = 4");
        execute("UPDATE users SET name = 'after' WHERE id = 5");
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT name FROM users WHERE id = 1")) {
            row.next();
            assertThat(row.getString(1)).isEqualTo("kept");
        }
        connection.commit();
        assertThat(database.rows("SELECT name FROM users WHERE id IN (1, 4, 5) ORDER BY id"))
                .isEqualTo(List.of("kept", "theirs", "after"));
    }
}
