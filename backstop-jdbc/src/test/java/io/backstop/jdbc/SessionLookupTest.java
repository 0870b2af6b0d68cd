package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Statements whose text says the worst, and of which the session knows better. */
@ExtendWith(PostgresExtension.class)
class SessionLookupTest {
    @TempDir
    private Path folder;

    private final FakeSnapshots snapshots = new FakeSnapshots();
    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int)",
                "INSERT INTO users SELECT generate_series(1, 5000)",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN 1; END'",
                "CREATE FUNCTION preparing() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DEALLOCATE ALL; PREPARE q AS DELETE FROM users; RETURN 1; END'");
        guard("strict");
    }

    private void guard(String policy) throws SQLException {
        if (connection != null) {
            close();
        }
        backstop = Backstop.builder()
                .policy(policy)
                .snapshots(snapshots)
                .agentId("agent")
                .control(folder.resolve(policy + ".db"))
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String... texts) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String text : texts) {
                statement.execute(text);
            }
        }
    }

    private String users() throws SQLException {
        return database.value("SELECT count(*) FROM users");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PREPARE q AS SELECT 1|EXECUTE q",
                "PREPARE q(int) AS SELECT * FROM users WHERE id = $1|EXECUTE q(7)",
                "PREPARE \"Q q\" AS VALUES (1)|EXECUTE \"Q q\"",
                "PREPARE q AS SELECT 1; EXECUTE q",
                "PREPARE q AS SELECT 1; PREPARE p AS SELECT 2; EXECUTE q",
                "PREPARE q AS SELECT 1|EXPLAIN ANALYZE EXECUTE q",
                "PREPARE q AS SELECT E'\\\\'|EXECUTE q"
            })
    void a_query_that_was_prepared_is_executed_like_one(String texts) throws SQLException {
        guard("read-only");
        execute(texts.split("\\|"));
    }

    @Test
    void a_prepared_write_is_executed_like_one() throws SQLException {
        execute("PREPARE d(int) AS DELETE FROM users WHERE id = $1", "EXECUTE d(7)");
        assertThat(users()).isEqualTo("4999");
        assertThatThrownBy(() -> execute("PREPARE many(int) AS DELETE FROM users WHERE id > $1", "EXECUTE many(0)"))
                .isInstanceOf(BackstopException.class)
                .hasMessageContaining("it changed 4999 rows");
        assertThat(users()).isEqualTo("4999");
    }

    @Test
    void the_rows_of_a_prepared_delete_are_stored_like_those_of_the_delete_itself() throws SQLException {
        guard("application");
        execute("PREPARE d(int) AS DELETE FROM users WHERE id > $1", "EXECUTE d(0)");
        assertThat(users()).isEqualTo("0");
        assertThat(snapshots.requests)
                .singleElement()
                .satisfies(request -> assertThat(request.destructions())
                        .singleElement()
                        .satisfies(destruction -> assertThat(
                                        destruction.relations().get(0).name())
                                .isEqualTo("users")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "EXECUTE nosuch",
                "PREPARE q AS SELECT 1|DEALLOCATE q|EXECUTE q",
                "PREPARE q AS SELECT 1|DISCARD ALL|EXECUTE q",
                "PREPARE q AS SELECT 1|DEALLOCATE q; EXECUTE q",
                "PREPARE q AS SELECT 1|SELECT 1; EXECUTE q",
                "PREPARE q AS SELECT wipe()|EXECUTE q",
                "PREPARE q(int) AS SELECT $1|EXECUTE q(wipe())"
            })
    void what_is_not_known_or_changes_anything_is_held(String texts) throws SQLException {
        assertThatThrownBy(() -> execute(texts.split("\\|"))).isInstanceOf(ApprovalRequiredException.class);
        assertThat(users()).isEqualTo("5000");
    }

    @Test
    void what_was_prepared_by_a_function_is_read_as_the_server_keeps_it() throws SQLException {
        guard("application");
        execute("PREPARE q AS SELECT 1", "SELECT preparing()", "EXECUTE q");
        assertThat(users()).isEqualTo("0");
        assertThat(snapshots.requests).as("stored before it ran").hasSize(1);
    }

    @Test
    void what_is_prepared_anew_between_two_statements_of_a_text_is_not_taken_for_the_old() throws SQLException {
        guard("application");
        execute("PREPARE q AS SELECT 1");
        assertThatThrownBy(() -> execute("SELECT preparing(); EXECUTE q")).isInstanceOf(BackstopException.class);
        assertThat(users()).isEqualTo("5000");
    }

    @Test
    void a_failed_or_rolled_back_transaction_takes_no_prepared_statement_with_it() throws SQLException {
        connection.setAutoCommit(false);
        execute("PREPARE q AS SELECT 1");
        connection.rollback();
        execute("EXECUTE q");
        connection.rollback();
    }

    @Test
    void the_drivers_own_prepared_statements_are_not_executed_by_name() throws SQLException {
        try (PreparedStatement prepared = connection.prepareStatement("SELECT id FROM users WHERE id = ?")) {
            prepared.setInt(1, 1);
            for (int i = 0; i < 6; i++) {
                prepared.executeQuery().close();
            }
            assertThatThrownBy(() -> execute("EXECUTE \"S_1\"(1)")).isInstanceOf(ApprovalRequiredException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SET ROLE 'ME'",
                "SET ROLE \"ME\"",
                "SET SESSION ROLE 'ME'",
                "SET LOCAL ROLE 'ME'",
                "SET SESSION AUTHORIZATION 'ME'",
                "SET SESSION SESSION AUTHORIZATION 'ME'"
            })
    void the_role_in_force_can_be_set(String sql) throws SQLException {
        guard("read-only");
        execute(sql.replace("ME", database.value("SELECT current_user")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SET ROLE pg_monitor",
                "SET ROLE NONE",
                "SET SESSION AUTHORIZATION DEFAULT",
                "SET SESSION AUTHORIZATION pg_monitor",
                "SET ROLE 'ME'; SET ROLE pg_monitor",
                "SET ROLE \"me \""
            })
    void another_role_is_held(String sql) throws SQLException {
        String me = database.value("SELECT current_user");
        assertThatThrownBy(() -> execute(sql.replace("ME", me))).isInstanceOf(ApprovalRequiredException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP TABLE IF EXISTS nosuch CASCADE",
                "DROP TYPE IF EXISTS nosuch CASCADE",
                "DROP FUNCTION IF EXISTS nosuch(int)",
                "DROP SCHEMA IF EXISTS nosuch CASCADE"
            })
    void dropping_nothing_needs_no_approval_and_no_snapshot(String sql) throws SQLException {
        execute(sql);
        connection.setAutoCommit(false);
        execute(sql, "SELECT 1", sql);
        connection.commit();
        assertThat(snapshots.requests).isEmpty();
        assertThatThrownBy(() -> execute("DROP TABLE IF EXISTS users")).isInstanceOf(ApprovalRequiredException.class);
    }

    @Test
    void syntax_errors_are_the_callers_and_quarantine_nobody() throws SQLException {
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> execute("SELEC 1"))
                    .isNotInstanceOf(BackstopException.class)
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("42601"));
        }
        execute("UPDATE users SET id = 0 WHERE id = 1");
        try (PreparedStatement prepared = connection.prepareStatement("SELEC ?")) {
            prepared.setInt(1, 1);
            assertThatThrownBy(prepared::execute)
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("42601"));
        }
    }
}
