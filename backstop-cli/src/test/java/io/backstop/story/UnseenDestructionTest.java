package io.backstop.story;

import io.backstop.api.snapshot.Progress.Step;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** What goes unseen although rows are counted, what is seen although nobody did it, and what callers come to notice. */
class UnseenDestructionTest extends GuardedStory {
    @BeforeEach
    void createAnother() throws SQLException {
        database.run("CREATE TABLE other (id int)", "INSERT INTO other SELECT generate_series(1, 5000)");
    }

    private Backstop backstop() throws SQLException {
        return under("application");
    }

    private String outcome(String sql) throws SQLException {
        try (Backstop backstop = backstop()) {
            return outcome(backstop, sql);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DO 'BEGIN TRUNCATE other; END'",
                "DO 'BEGIN DROP TABLE other; END'",
                "DO 'BEGIN ALTER TABLE other DROP COLUMN id; END'",
                "SELECT empty_other()",
                "DELETE FROM t WHERE id = 1"
            })
    void what_code_empties_or_drops_at_once_is_refused_or_saved(String sql) throws Exception {
        database.run(
                "CREATE FUNCTION empty_other() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN TRUNCATE public.other; RETURN 1; END'",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN TRUNCATE public.other; RETURN OLD; END'",
                "CREATE TRIGGER f BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()");
        String outcome = outcome(sql);
        boolean kept = database.value("SELECT count(*) FROM pg_attribute WHERE attname = 'id' AND NOT attisdropped"
                                + " AND attrelid = to_regclass('other')")
                        .equals("1")
                && database.value("SELECT count(*) FROM other").equals("5000");
        assertThat(kept || !archive.list("public", "other").isEmpty())
                .as("refused or saved, but: " + outcome)
                .isTrue();
    }

    private void codeThatDeletes() throws SQLException {
        database.run("CREATE FUNCTION delete_other() RETURNS int LANGUAGE plpgsql AS"
                + " 'BEGIN DELETE FROM public.other; RETURN 1; END'");
    }

    private boolean otherIsKeptOrSaved() throws Exception {
        return database.value("SELECT count(*) FROM other").equals("5000")
                || !archive.list("public", "other").isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT delete_other(); COMMENT ON TABLE t IS 'x'",
                "SELECT delete_other(), pg_reload_conf()",
                "SELECT delete_other() INTO made",
                "CREATE TABLE made AS SELECT delete_other()",
                "CREATE MATERIALIZED VIEW made AS SELECT delete_other()",
                "ALTER TABLE t ADD COLUMN made int DEFAULT delete_other()",
                "DECLARE c CURSOR WITH HOLD FOR SELECT delete_other()"
            })
    void what_a_function_deletes_is_counted_whatever_stands_beside(String sql) throws Exception {
        codeThatDeletes();
        String outcome = outcome(sql);
        assertThat(otherIsKeptOrSaved()).as("refused or saved, but: " + outcome).isTrue();
    }

    @Test
    void what_a_materialized_view_deletes_when_it_is_refreshed_is_counted() throws Exception {
        codeThatDeletes();
        database.run(
                "CREATE MATERIALIZED VIEW made AS SELECT delete_other()",
                "INSERT INTO other SELECT generate_series(1, 5000)");
        String outcome = outcome("REFRESH MATERIALIZED VIEW made");
        assertThat(otherIsKeptOrSaved()).as("refused or saved, but: " + outcome).isTrue();
    }

    @Test
    void what_a_cursor_deletes_when_it_is_fetched_from_is_counted() throws Exception {
        codeThatDeletes();
        String outcome;
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            outcome = outcome(statement, "DECLARE c CURSOR FOR SELECT delete_other()")
                    + outcome(statement, "FETCH ALL FROM c");
            connection.commit();
        }
        assertThat(otherIsKeptOrSaved()).as("refused or saved, but: " + outcome).isTrue();
    }

    private void readsThatDelete() throws SQLException {
        database.run(
                "CREATE FUNCTION f(int, int) RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.other; RETURN 1; END'",
                "CREATE OPERATOR ### (FUNCTION = f, LEFTARG = int, RIGHTARG = int)",
                "CREATE AGGREGATE total (int) (SFUNC = f, STYPE = int, INITCOND = '0')",
                "CREATE FUNCTION is_fine(text) RETURNS boolean LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.other; RETURN true; END'",
                "CREATE DOMAIN fine AS text CHECK (is_fine(VALUE))",
                "CREATE TYPE pair AS (a int, b int)",
                "CREATE FUNCTION first(pair) RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.other; RETURN 1; END'",
                "CREATE CAST (pair AS int) WITH FUNCTION first(pair)",
                "CREATE FUNCTION said_to_be_stable() RETURNS int LANGUAGE plpgsql STABLE AS"
                        + " 'BEGIN PERFORM public.f(1, 2); RETURN 1; END'",
                "CREATE VIEW by_operator AS SELECT 1 ### 2 AS x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT 1 ### 2",
                "SELECT 1 OPERATOR(public.###) 2",
                "SELECT total(k) FROM t",
                "SELECT CAST('x' AS fine)",
                "SELECT CAST(ROW (1, 2)::pair AS int)",
                "SELECT said_to_be_stable()",
                "SELECT * FROM by_operator"
            })
    void a_query_that_runs_the_users_code_is_no_safe_one(String sql) throws Exception {
        readsThatDelete();
        String outcome;
        try (Backstop backstop = Backstop.builder()
                        .policy("read-only")
                        .control(control())
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            outcome = outcome(statement, sql);
        }
        assertThat(database.value("SELECT count(*) FROM other"))
                .as("the policy reads only, but: " + outcome)
                .isEqualTo("5000");
    }

    @Test
    void a_pause_stops_an_operator_that_deletes() throws Exception {
        readsThatDelete();
        assertThat(outcome("SELECT 1")).as("the guard makes the control store").isEqualTo("ok -1");
        CommandRun pause = CommandRun.of(
                "pause", "--reason", "attack", "--control", control().toString());
        assertThat(pause.exitCode()).as(pause.errors()).isZero();
        String outcome = outcome("SELECT 1 ### 2");
        assertThat(database.value("SELECT count(*) FROM other"))
                .as("writes are paused, but: " + outcome)
                .isEqualTo("5000");
    }

    @Test
    void a_snapshot_may_take_longer_than_a_transaction_of_the_application() throws Exception {
        Assumptions.assumeTrue(database.majorVersion() >= 17, "there is no transaction_timeout before");
        String alter = "ALTER DATABASE \"" + database.value("SELECT current_database()") + "\" ";
        database.run(alter + "SET transaction_timeout = '3s'");
        meanwhile = step -> {
            if (step == Step.COPIED) {
                try (Connection administrator = database.connect();
                        Statement statement = administrator.createStatement()) {
                    statement.execute("SET transaction_timeout = 0; SELECT pg_sleep(3.5)");
                }
            }
        };
        try {
            assertThat(outcome("TRUNCATE other")).isEqualTo("ok 0");
        } finally {
            database.run(alter + "RESET transaction_timeout");
        }
    }

    @Test
    void what_others_empty_meanwhile_is_not_the_statements_doing() throws Exception {
        database.run(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM pg_catalog.pg_sleep(2); RETURN OLD; END'",
                "CREATE TRIGGER slow BEFORE DELETE ON t FOR EACH STATEMENT EXECUTE FUNCTION slow()");
        CompletableFuture<String> statement = CompletableFuture.supplyAsync(() -> {
            try {
                return outcome("DELETE FROM t");
            } catch (SQLException e) {
                return e.toString();
            }
        });
        while (!statement.isDone()
                && database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                                + " AND datname = current_database()")
                        .equals("0")) {
            Thread.onSpinWait();
        }
        database.run("TRUNCATE other");
        assertThat(statement.get()).isEqualTo("ok 1000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE FROM t", "UPDATE t SET id = 2 WHERE id = 3"})
    void a_statement_that_the_server_refuses_ends_the_callers_transaction(String sql) throws Exception {
        database.run("CREATE TABLE child (id int REFERENCES t)", "INSERT INTO child VALUES (5)");
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO t VALUES (2000, 1, 'before')");
            assertThat(outcome(statement, sql)).startsWith("23");
            outcome(statement, "INSERT INTO t VALUES (2001, 1, 'after')");
            try {
                connection.commit();
            } catch (SQLException e) {
                // as the driver says where the transaction had failed
            }
        }
        assertThat(database.value("SELECT count(*) FROM t WHERE id >= 2000"))
                .as("of a transaction in which a statement failed, the server keeps nothing")
                .isEqualTo("0");
    }

    @Test
    void a_url_that_cannot_be_used_is_not_repeated_with_its_password() {
        String url = "jdbc:backstop:postgresql://localhost:99999/db?user=u&password=open-sesame&backstop.control="
                + control();
        assertThat(catchThrowable(() -> DriverManager.getConnection(url).close()))
                .isInstanceOf(SQLException.class)
                .hasMessageNotContaining("open-sesame");
    }
}
