package io.backstop.jdbc;

import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The read fence on a hot standby, whose server refuses all writes by itself, and on one that becomes the primary. */
class HotStandbyTest {
    @TempDir
    private Path folder;

    private PrimaryAndStandby servers;

    @BeforeEach
    void startServers() throws Exception {
        Optional<Path> programs = PrimaryAndStandby.programs();
        assumeTrue(programs.isPresent(), "no installation of PostgreSQL has pg_basebackup");
        servers = PrimaryAndStandby.start(programs.get());
        servers.onPrimary(
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n",
                "CREATE SEQUENCE numbers",
                "CREATE VIEW next_number AS SELECT nextval('numbers') AS number",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'");
    }

    @AfterEach
    void stopServers() throws Exception {
        if (servers != null) {
            servers.close();
        }
    }

    private Backstop backstop(String profile) throws SQLException {
        return Backstop.builder()
                .control(SqlControlStore.sqlite(
                        folder.resolve(profile + ".db"), new SettableClock(Instant.parse("2026-01-01T00:00:00Z"))))
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .policy(profile.equals("strict") ? Policy.strict() : Policy.application())
                .build();
    }

    private static final List<String> STATEMENTS = List.of(
            "SELECT count(*) FROM users",
            "SELECT doubled(id) FROM users WHERE id = 1",
            "SELECT number FROM next_number",
            "SELECT nextval('numbers')",
            "SELECT id FROM users WHERE id = 1 FOR UPDATE",
            "INSERT INTO users VALUES (1000, 'new')",
            "UPDATE users SET name = 'b' WHERE id = 1",
            "DELETE FROM users WHERE id = 1",
            "CREATE TEMPORARY TABLE basket (item text)",
            "SHOW transaction_read_only",
            "SHOW default_transaction_read_only",
            "SELECT current_setting('transaction_read_only')",
            "SELECT pg_is_in_recovery()",
            "ANALYZE users",
            "LOCK TABLE users IN ACCESS SHARE MODE",
            "LISTEN news");

    private static List<String> answers(Connection connection) throws SQLException {
        List<String> answers = new ArrayList<>();
        for (boolean autoCommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autoCommit);
            for (String sql : STATEMENTS) {
                answers.add(sql + " -> " + answer(connection, sql));
                if (!autoCommit) {
                    connection.rollback();
                }
            }
            for (int i = 0; i < 7; i++) {
                try (PreparedStatement select = connection.prepareStatement("SELECT name FROM users WHERE id = ?")) {
                    select.setInt(1, i);
                    ResultSet row = select.executeQuery();
                    answers.add(row.next() ? row.getString(1) : "none");
                }
            }
            if (!autoCommit) {
                connection.commit();
            }
        }
        connection.setAutoCommit(true);
        for (String sql : List.of("BEGIN", "SELECT 1", "SHOW transaction_read_only", "DELETE FROM users", "ROLLBACK")) {
            answers.add(sql + " -> " + answer(connection, sql));
        }
        return answers;
    }

    private static String answer(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            boolean rows = statement.execute(sql);
            if (!rows) {
                return String.valueOf(statement.getUpdateCount());
            }
            try (ResultSet row = statement.getResultSet()) {
                row.next();
                return row.getString(1);
            }
        } catch (SQLException e) {
            return "refused: " + e.getSQLState();
        }
    }

    /** What is destructive needs a snapshot first, and it is the server's refusal that the caller has to see. */
    @ParameterizedTest
    @ValueSource(strings = {"targetServerType=secondary", "targetServerType=preferSecondary", "targetServerType=any"})
    void a_standby_answers_as_without_backstop(String target) throws Exception {
        List<String> bare;
        try (Connection connection = DriverManager.getConnection(servers.url(target))) {
            bare = answers(connection);
        }
        try (Backstop backstop = backstop("application");
                Connection connection = backstop.guard(DriverManager.getConnection(servers.url(target)))) {
            assertThat(answers(connection)).isEqualTo(bare);
        }
    }

    @Test
    void the_primary_is_found_and_written_to() throws Exception {
        String url = servers.url("targetServerType=primary");
        for (String profile : List.of("strict", "application")) {
            try (Backstop backstop = backstop(profile);
                    Connection connection = backstop.guard(DriverManager.getConnection(url))) {
                assertThat(answer(connection, "SELECT pg_is_in_recovery()")).isEqualTo("f");
                assertThat(answer(connection, "SHOW transaction_read_only")).isEqualTo("off");
                assertThat(answer(connection, "INSERT INTO users SELECT max(id) + 1, 'new' FROM users"))
                        .isEqualTo("1");
                // A second connection of the same URL finds it, too: what the first one set is not the server's
                // default.
                try (Connection other = backstop.guard(DriverManager.getConnection(url))) {
                    assertThat(answer(other, "SELECT count(*) FROM users")).isIn("101", "102");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void a_standby_that_is_promoted_is_fenced_from_then_on(String profile) throws Exception {
        try (Backstop backstop = backstop(profile);
                Connection connection = backstop.guard(servers.standby())) {
            assertThat(answer(connection, "SELECT count(*) FROM users")).isEqualTo("100");
            assertThat(answer(connection, "SELECT nextval('numbers')")).isEqualTo("refused: 25006");
            servers.promote();
            assertThat(answer(connection, "SELECT 1")).isEqualTo("1");
            assertThat(answer(connection, "INSERT INTO users VALUES (1000, 'new')"))
                    .isEqualTo("1");
            assertThat(answer(connection, "SELECT nextval('numbers')")).isEqualTo("1");
            if (profile.equals("strict")) { // under application a view over nextval is not fenced
                assertThatThrownBy(() -> connection.createStatement().execute("SELECT number FROM next_number"))
                        .isInstanceOf(StatementBlockedException.class)
                        .hasMessageContaining("the server refused it");
            }
            connection.setAutoCommit(false);
            assertThat(answer(connection, "SELECT count(*) FROM users")).isEqualTo("101");
            assertThat(answer(connection, "UPDATE users SET name = 'c' WHERE id = 1000"))
                    .isEqualTo("1");
            connection.commit();
            connection.setAutoCommit(true);
            assertThat(answer(connection, "SHOW transaction_read_only")).isEqualTo("off");
        }
    }
}
