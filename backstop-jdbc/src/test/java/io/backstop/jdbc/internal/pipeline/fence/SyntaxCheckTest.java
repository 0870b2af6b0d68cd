package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** The server reads what Backstop cannot, and runs nothing of it. */
@ExtendWith(PostgresExtension.class)
class SyntaxCheckTest {
    private final SyntaxCheck check = new SyntaxCheck();
    private TestDatabase database;
    private Connection connection;
    private GuardedSession session;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int)",
                "INSERT INTO users SELECT generate_series(1, 10)",
                "CREATE FUNCTION wipe(int) RETURNS boolean LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN true; END'",
                "CREATE DOMAIN wiping AS int CHECK (public.wipe(VALUE))",
                "CREATE TYPE pair AS (a wiping, b int)");
        connection = database.connect();
        session = new GuardedSession(connection, () -> Optional.of(database.connect()), "here/test", "agent");
        session.beginTurn();
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SELEC 1", "DROP TABL users", "DELETE users", "SELECT (1", "UPDATE users SET"})
    void a_syntax_error_is_the_servers_own(String sql) throws SQLException {
        SQLException refusal = check.refusal(session, sql).orElseThrow();
        assertThat(refusal.getSQLState()).isEqualTo("42601");
        assertThat(refusal.getMessage()).contains("syntax error at");
        execute("UPDATE users SET id = id + 1");
        assertThat(connection.getAutoCommit()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE FROM users", "TRUNCATE users", "SELECT '(1,2)'::pair", "SELECT * FROM nosuch"})
    void what_the_server_reads_does_not_run(String sql) throws SQLException {
        for (boolean autoCommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autoCommit);
            session.beginTurn();
            assertThat(check.refusal(session, sql)).isEmpty();
            execute("INSERT INTO users VALUES (11)");
            if (!autoCommit) {
                session.beginTurn();
                assertThat(check.refusal(session, sql)).isEmpty();
                execute("INSERT INTO users VALUES (12)");
                connection.commit();
            }
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("13");
    }

    @Test
    void a_transaction_of_the_callers_fails_of_a_syntax_error_as_it_does_without_backstop() throws SQLException {
        connection.setAutoCommit(false);
        execute("INSERT INTO users VALUES (11)");
        session.beginTurn();
        assertThat(check.refusal(session, "SELEC 1")).isPresent();
        assertThat(session.inFailedTransaction()).isTrue();
        connection.rollback();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    @Test
    void two_statements_in_one_are_refused_by_the_server_before_either_runs() throws SQLException {
        assertThat(check.refusal(session, "DELETE FROM users; SELEC 1")).isPresent();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }
}
