package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Code that works outside of its transaction is not run, by whatever name or place a text leads to it. */
@ExtendWith(PostgresExtension.class)
class LeavingCodeTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private ApplicationGuard guard;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE EXTENSION IF NOT EXISTS dblink",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE TABLE notes (id int, note text)",
                "INSERT INTO notes SELECT n, 'n' FROM generate_series(1, 10) AS n");
        guard = new ApplicationGuard(database, folder);
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
    }

    private String leave() {
        return "dblink_exec('" + database.url().replaceFirst("^jdbc:", "") + "', 'DELETE FROM public.users')";
    }

    private String function(String signature, String returned, String value) {
        return "CREATE FUNCTION " + signature + " RETURNS " + returned + " LANGUAGE plpgsql AS $f$ BEGIN PERFORM "
                + leave() + "; RETURN " + value + "; END $f$";
    }

    private void assertNotRun(String sql) throws SQLException {
        assertThatThrownBy(() -> guard.execute(sql))
                .as(sql)
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the write was not run: what it changes cannot be counted: ");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT 1 === 1",
                "UPDATE notes SET note = 'x' WHERE id === 1 AND id = 1",
                "DO 'BEGIN PERFORM 1 === 1; END'",
                "SELECT comparing()"
            })
    void not_by_an_operator(String sql) throws SQLException {
        database.run(
                function("of(int, int)", "boolean", "true"),
                "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = of)",
                "CREATE FUNCTION comparing() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN 1 === 1; END'");
        assertNotRun(sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                " ~ SELECT ROW(1)::made::int",
                " ~ DO 'BEGIN PERFORM ROW(1)::made::int; END'",
                " AS IMPLICIT ~ UPDATE notes SET note = 'x' WHERE id = ROW(1)::made",
                " AS ASSIGNMENT ~ UPDATE notes SET id = ROW(1)::made WHERE id = 1"
            })
    void not_by_a_cast(String useAndText) throws SQLException {
        String[] parts = useAndText.split(" ~ ", 2);
        database.run(
                "CREATE TYPE made AS (i int)",
                function("number(made)", "int", "1"),
                "CREATE CAST (made AS int) WITH FUNCTION number(made)" + parts[0]);
        assertNotRun(parts[1]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"SELECT '1'::checked", "SELECT checked '1'", "DO 'DECLARE c checked := 1; BEGIN NULL; END'"})
    void not_by_a_domain(String sql) throws SQLException {
        database.run(function("checks(int)", "boolean", "true"), "CREATE DOMAIN checked AS int CHECK (checks(VALUE))");
        assertNotRun(sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT notes.attribute FROM notes WHERE id = 1",
                "SELECT \"a.b\"()",
                "SELECT \"my-fn\"()",
                "DO 'BEGIN PERFORM \"my-fn\"(); END'",
                "DO 'BEGIN PERFORM \"FN\"(); END'",
                "DO 'BEGIN PERFORM U&\"my\\002dfn\"(); END'",
                "SELECT calling()"
            })
    void not_by_a_name_that_is_no_plain_word(String sql) throws SQLException {
        database.run(
                function("attribute(notes)", "text", "'a'"),
                function("\"a.b\"()", "text", "'a'"),
                function("\"my-fn\"()", "text", "'a'"),
                function("\"FN\"()", "text", "'a'"),
                "CREATE FUNCTION calling() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN \"my-fn\"(); END'");
        assertNotRun(sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"DO 'BEGIN PERFORM calling(); END'", "SELECT calling()", "UPDATE notes SET id = 0 WHERE id = 1"})
    void not_by_an_escaped_name(String sql) throws SQLException {
        String escaped = leave().replace("dblink_exec", "U&\"\\0064blink\\005fexec\"");
        database.run(
                "CREATE FUNCTION calling() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN " + escaped + "; END $f$",
                "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM " + escaped
                        + "; RETURN NEW; END $f$",
                "CREATE TRIGGER fired BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION fired()");
        assertNotRun(sql);
        assertNotRun("DO $d$ BEGIN PERFORM " + escaped + "; END $d$");
    }

    @ParameterizedTest
    @ValueSource(strings = {"SELECT parsed()", "DO 'BEGIN PERFORM parsed(); END'"})
    void not_by_a_parsed_body(String sql) throws SQLException {
        database.run("CREATE FUNCTION parsed() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT " + leave() + "; END");
        assertNotRun(sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "COPY users TO /* ; */ PROGRAM 'touch %s'",
                "COPY (SELECT ';' FROM users LIMIT 1) TO PROGRAM 'touch %s'",
                "COPY users TO /* ; */ '%s'",
                "COPY (SELECT ';' FROM users LIMIT 1) TO '%s'",
                "COPY users TO /* /* */ x */ '%s'",
                "PERFORM lo_export(lo_from_bytea(0, 'abc'), '%s')"
            })
    void not_to_a_file_or_a_program(String command) throws SQLException {
        Path file = folder.resolve("written");
        String body = "BEGIN " + command.formatted(file) + "; END";
        database.run("CREATE FUNCTION writes() RETURNS void LANGUAGE plpgsql AS $f$ " + body + " $f$");
        assertNotRun("DO $d$ " + body + " $d$");
        assertNotRun("SELECT writes()");
        assertThat(Files.exists(file)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE notes SET note = 'x' WHERE id = 1 AND id::text = '1'",
                "DO 'BEGIN UPDATE notes SET note = 1::text WHERE id = 1; END'",
                "DO 'BEGIN PERFORM lo_from_bytea(0, ''abc''); END'"
            })
    void what_leads_elsewhere_is_no_hindrance_to_others(String sql) throws SQLException {
        database.run(
                function("of(int, int)", "boolean", "true"),
                "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = of)");
        assertThatCode(() -> guard.execute(sql)).doesNotThrowAnyException();
    }
}
