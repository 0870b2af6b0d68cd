package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Code that works outside of its transaction is not run, by whatever name or place a text leads to it. */
@Sampled
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

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT 'CONN'::text === 'DELETE FROM public.users'::text",
                "SELECT boom('DELETE FROM public.users'::text)",
                "SELECT * FROM looks",
                "SELECT count(*) FROM looks_again",
                "SELECT '1'::checked",
                "SELECT renamed('CONN', 'DELETE FROM public.users')",
                "INSERT INTO filled (id) VALUES (1)",
                "UPDATE filled SET note = DEFAULT WHERE id = 0",
                "SELECT table_to_xml('looks', true, true, '')",
                "DO 'BEGIN PERFORM * FROM looks; END'",
                "EXPLAIN ANALYZE SELECT * FROM looks"
            })
    void not_by_another_name_for_code_in_c(String sql) throws SQLException {
        database.run(
                "CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = dblink_exec)",
                "CREATE AGGREGATE boom(text) (SFUNC = dblink_exec, STYPE = text, INITCOND = '" + address() + "')",
                "CREATE VIEW looks AS SELECT " + leave() + " AS x",
                "CREATE VIEW looks_again AS SELECT * FROM looks",
                "CREATE DOMAIN checked AS int CHECK (" + leave() + " IS NOT NULL)",
                "CREATE FUNCTION renamed(text, text) RETURNS text LANGUAGE c AS '$libdir/dblink', 'dblink_exec'",
                "CREATE TABLE filled (id int, note text)",
                "INSERT INTO filled VALUES (0, 'zero'), (7, 'seven'), (8, 'eight')",
                "ALTER TABLE filled ALTER note SET DEFAULT " + leave());
        assertNotRun(sql.replace("CONN", address()));
    }

    private String address() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT query_to_xml('SELECT dbl' || 'ink_exec(''CONN'', ''DELETE FROM public.users'')', true, true, '')",
                "SELECT query_to_xml(format('SELECT %s_exec(''CONN'', ''DELETE FROM public.users'')', 'dblink'), true, true, '')",
                "SELECT query_to_xml(E'SELECT dbl\\x69nk_exec(''CONN'', ''DELETE FROM public.users'')', true, true, '')"
            })
    void not_by_a_text_that_a_query_puts_together(String sql) throws SQLException {
        assertNotRun(sql.replace("CONN", address()));
    }

    @Test
    void not_by_a_text_that_is_bound() throws SQLException {
        try (PreparedStatement query = guard.connection().prepareStatement("SELECT query_to_xml(?, true, true, '')")) {
            query.setString(1, "SELECT " + leave());
            assertThatThrownBy(query::executeQuery).isInstanceOf(ImpactLimitException.class);
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = dblink_exec);"
                        + " SELECT 'CONN'::text === 'DELETE FROM public.users'::text",
                "CREATE VIEW looks AS SELECT dblink_exec('CONN', 'DELETE FROM public.users') AS x; SELECT * FROM looks"
            })
    void not_by_what_the_same_text_defines(String sql) throws SQLException {
        assertNotRun(sql.replace("CONN", address()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT c FROM pairs ORDER BY c",
                "SELECT DISTINCT c FROM pairs",
                "UPDATE pairs SET n = 1 WHERE c IN (SELECT c FROM pairs ORDER BY c LIMIT 1)"
            })
    void not_by_an_operator_class(String sql) throws SQLException {
        database.run(
                "CREATE TYPE pair AS (a int)",
                "CREATE TABLE pairs (c pair, n int)",
                "INSERT INTO pairs SELECT row(n)::pair, n FROM generate_series(1, 5) AS n",
                "CREATE FUNCTION compared(pair, pair) RETURNS int LANGUAGE sql AS $f$ SELECT length(" + leave()
                        + ") $f$",
                "CREATE FUNCTION less(pair, pair) RETURNS boolean LANGUAGE sql AS 'SELECT $1.a < $2.a'",
                "CREATE OPERATOR <<< (LEFTARG = pair, RIGHTARG = pair, FUNCTION = less)",
                "CREATE OPERATOR CLASS pairs DEFAULT FOR TYPE pair USING btree AS OPERATOR 1 <<<, FUNCTION 1 compared(pair, pair)");
        assertNotRun(sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TABLE more (id int)",
                "COMMENT ON TABLE users IS 'x'",
                "CREATE TEMPORARY TABLE more (id int)",
                "SELECT * INTO more FROM notes"
            })
    void not_by_an_event_trigger(String sql) throws SQLException {
        database.run(
                "CREATE FUNCTION fires() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM " + leave()
                        + "; END $f$",
                "CREATE EVENT TRIGGER fires ON ddl_command_end EXECUTE FUNCTION fires()");
        try {
            assertNotRun(sql);
        } finally {
            database.run("DROP EVENT TRIGGER fires");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE EXTENSION IF NOT EXISTS dblink",
                "GRANT EXECUTE ON FUNCTION dblink_exec(text, text) TO PUBLIC",
                "CREATE VIEW looks AS SELECT * FROM dblink('CONN', 'SELECT 1') AS t (a int)",
                "SELECT query_to_xml('SELECT 1', true, true, '')",
                "INSERT INTO notes VALUES (11, 'dblink_exec')",
                "UPDATE notes SET note = 'query_to_xml of dblink_exec' WHERE id = 1",
                "SELECT note FROM notes ORDER BY note"
            })
    void what_only_names_it_runs(String sql) {
        assertThatCode(() -> guard.execute(sql.replace("CONN", address()))).doesNotThrowAnyException();
    }
}
