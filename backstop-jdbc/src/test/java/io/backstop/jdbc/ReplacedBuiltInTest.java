package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A superuser may replace PostgreSQL's own functions that are written in SQL: their names then run the user's code. */
@ExtendWith(PostgresExtension.class)
class ReplacedBuiltInTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private final List<String> originals = new ArrayList<>();

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE TABLE log (v text)",
                "CREATE FUNCTION wipe() RETURNS text LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN NULL; END'");
        for (String function : List.of("lpad(text,int)", "pg_sleep_for(interval)", "bit_length(text)")) {
            originals.add(database.value("SELECT pg_get_functiondef('pg_catalog." + function + "'::regprocedure)"));
        }
    }

    @AfterEach
    void restore() throws SQLException {
        database.run(originals.toArray(String[]::new));
    }

    private void run(String policy, String sql) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy(policy)
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "lpad(text, int) RETURNS text LANGUAGE sql AS 'SELECT public.wipe()' ~ SELECT lpad('a', 3)",
                "lpad(text, int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT public.wipe()' ~ SELECT lpad('a', 3)",
                "lpad(text, int) RETURNS text STABLE LANGUAGE sql BEGIN ATOMIC SELECT public.wipe(); END"
                        + " ~ SELECT lpad('a', 3)",
                "lpad(text, int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN public.wipe(); END'"
                        + " ~ SELECT lpad('a', 3)",
                "lpad(text, int) RETURNS text STABLE LANGUAGE plpgsql AS"
                        + " 'DECLARE t text; BEGIN EXECUTE ''SELECT public.wi'' || ''pe()'' INTO t; RETURN t; END'"
                        + " ~ SELECT lpad('a', 3)",
                "pg_sleep_for(interval) RETURNS void LANGUAGE sql AS 'SELECT public.wipe()' ~ SELECT pg_sleep_for('0')",
                "bit_length(text) RETURNS int STABLE LANGUAGE sql AS"
                        + " 'SELECT lo_unlink(oid) FROM pg_largeobject_metadata' ~ SELECT bit_length('a')"
            })
    void code_in_the_place_of_a_function_of_postgresqls_own_is_the_users(String definition, String sql)
            throws SQLException {
        run("read-only", sql);
        database.run("CREATE OR REPLACE FUNCTION pg_catalog." + definition);
        assertThatThrownBy(() -> run("read-only", sql)).isInstanceOf(StatementBlockedException.class);
        assertThatThrownBy(() -> run("strict", "INSERT INTO log SELECT v::text FROM (" + sql + ") AS s (v)"))
                .isInstanceOf(ApprovalRequiredException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void a_replacement_is_seen_by_a_session_that_knew_the_original() throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy("strict")
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT lpad('a', 3)");
            statement.execute("CREATE TEMP TABLE mine (v text)");
            database.run("CREATE OR REPLACE FUNCTION pg_catalog.lpad(text, int) RETURNS text LANGUAGE sql AS"
                    + " 'SELECT public.wipe()'");
            assertThatThrownBy(() -> statement.execute("SELECT lpad('a', 3)"))
                    .isInstanceOfAny(StatementBlockedException.class, ApprovalRequiredException.class);
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }
}
