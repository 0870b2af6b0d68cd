package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** Code that a statement runs by what stands in it without a name: a cast, another operator, a stored expression, a key word. */
@ExtendWith(PostgresExtension.class)
class CodeWithoutANameTest {
    private static final String WIPES = " LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.users; RETURN $; END'";

    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE TABLE log (a text)",
                "CREATE TABLE jl (j json, t text)",
                "CREATE SEQUENCE s",
                "CREATE TYPE mood AS ENUM ('a', 'b')",
                "CREATE TABLE m (id int, v mood)",
                "INSERT INTO m VALUES (1, 'a')",
                "CREATE TABLE notes (id int, note text)",
                "INSERT INTO notes SELECT n, 'note' FROM generate_series(1, 10) AS n",
                "CREATE FUNCTION wipe() RETURNS int" + WIPES.replace("$", "1"));
    }

    @AfterEach
    void drop() throws SQLException {
        database.run(
                "DROP FOREIGN DATA WRAPPER IF EXISTS w CASCADE",
                "DROP LANGUAGE IF EXISTS fake CASCADE",
                "DROP EVENT TRIGGER IF EXISTS e",
                "DROP FUNCTION IF EXISTS pg_catalog.timezone(text, mood)");
        if (!database.value("SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND objid = to_regproc('ev')")
                .equals("0")) {
            database.run("ALTER EXTENSION plpgsql DROP FUNCTION ev()");
        }
    }

    private void define(String definitions) throws SQLException {
        for (String definition : definitions.split("; (?=CREATE|ALTER|INSERT)", -1)) {
            database.run(definition
                    .replace("WIPES 1", WIPES.replace("$", "1"))
                    .replace("WIPES TRUE", WIPES.replace("$", "true"))
                    .replace("WIPES JSON", WIPES.replace("$", "''{}''"))
                    .replace("WIPES.", WIPES.replace(" RETURN $;", "")));
        }
    }

    private void guarded(String policy, String sql) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy(policy)
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve(policy + ".db"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void requireThatItWipes(String sql) throws SQLException {
        try (Connection bare = database.connect();
                Statement statement = bare.createStatement()) {
            bare.setAutoCommit(false);
            statement.execute(sql);
            try (var row = statement.executeQuery("SELECT count(*) FROM users")) {
                row.next();
                assertThat(row.getInt(1)).as("it runs the code: " + sql).isZero();
            }
            bare.rollback();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                // A cast to json, text, boolean or integer that no token names
                "CREATE FUNCTION mj(mood) RETURNS json WIPES JSON; CREATE CAST (mood AS json) WITH FUNCTION mj(mood)"
                        + "~INSERT INTO jl (j) SELECT to_json(v) FROM m",
                "CREATE FUNCTION mj(mood) RETURNS json WIPES JSON; CREATE CAST (mood AS json) WITH FUNCTION mj(mood)"
                        + "~SELECT nextval('s'), row_to_json(m) FROM m",
                "CREATE FUNCTION mt(mood) RETURNS text WIPES 1; CREATE CAST (mood AS text) WITH FUNCTION mt(mood)"
                        + "~INSERT INTO jl (t) SELECT 'x' || v FROM m",
                "CREATE FUNCTION mb(mood) RETURNS bool WIPES TRUE;"
                        + " CREATE CAST (mood AS bool) WITH FUNCTION mb(mood) AS ASSIGNMENT"
                        + "~SELECT id FROM m WHERE v FOR UPDATE",
                "CREATE FUNCTION mb(mood) RETURNS bool WIPES TRUE;"
                        + " CREATE CAST (mood AS bool) WITH FUNCTION mb(mood) AS ASSIGNMENT"
                        + "~CREATE TEMP TABLE q AS SELECT id FROM m WHERE v",
                "CREATE FUNCTION mi(mood) RETURNS int WIPES 1;"
                        + " CREATE CAST (mood AS int) WITH FUNCTION mi(mood) AS ASSIGNMENT"
                        + "~SELECT nextval('s'), (ARRAY[1])[v] FROM m",
                "CREATE FUNCTION mi(mood) RETURNS int WIPES 1;"
                        + " CREATE CAST (mood AS int) WITH FUNCTION mi(mood) AS ASSIGNMENT;"
                        + " CREATE FUNCTION hid() RETURNS int STABLE LANGUAGE sql AS 'SELECT v FROM m'"
                        + "~SELECT setval('s', hid())",
                // The planner takes an operator's negator in its place
                "CREATE FUNCTION ok(int, int) RETURNS bool STABLE LANGUAGE plpgsql AS 'BEGIN RETURN false; END';"
                        + " CREATE FUNCTION evil(int, int) RETURNS bool WIPES TRUE;"
                        + " CREATE OPERATOR <#< (LEFTARG = int, RIGHTARG = int, FUNCTION = ok);"
                        + " CREATE OPERATOR >#> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil, NEGATOR = <#<)"
                        + "~INSERT INTO log SELECT id FROM notes WHERE NOT (id <#< 5)",
                // PostgreSQL's own functions in stored expressions
                "CREATE TABLE dt (a xml DEFAULT query_to_xml('SELECT public.wipe()', true, true, ''), b int)"
                        + "~INSERT INTO dt (b) VALUES (1)",
                "CREATE TABLE dt (a int CHECK (query_to_xml('SELECT public.wipe()', true, true, '') IS NOT NULL), b int)"
                        + "~INSERT INTO dt (b) VALUES (1)",
                "CREATE DOMAIN dd AS xml DEFAULT query_to_xml('SELECT public.wipe()', true, true, '');"
                        + " CREATE TABLE dt (a dd, b int)~INSERT INTO dt (b) VALUES (1)",
                // An event trigger whose function somebody made a member of an extension
                "CREATE FUNCTION ev() RETURNS event_trigger WIPES.; ALTER EXTENSION plpgsql ADD FUNCTION ev();"
                        + " CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION ev()~CREATE TEMP TABLE made2 ()",
                // An operator class by its name, and statistics of all tables
                "CREATE FUNCTION mycmp(a int, b int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM public.wipe(); RETURN a - b; END';"
                        + " CREATE OPERATOR <#< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt);"
                        + " CREATE OPERATOR CLASS oc FOR TYPE int USING btree AS OPERATOR 1 <#<, FUNCTION 1 mycmp(int, int)"
                        + "~CREATE INDEX oi ON notes (id oc)",
                "CREATE FUNCTION mydiff(a int, b int) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM public.wipe(); RETURN a - b; END';"
                        + " CREATE TYPE rng AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = mydiff); CREATE TABLE rt (r rng);"
                        + " INSERT INTO rt SELECT rng(n, n + 5) FROM generate_series(1, 100) AS n~ANALYZE",
                // A validator
                "CREATE FUNCTION va(text[], oid) RETURNS void LANGUAGE plpgsql AS 'BEGIN END';"
                        + " CREATE FOREIGN DATA WRAPPER w VALIDATOR va;"
                        + " CREATE OR REPLACE FUNCTION va(text[], oid) RETURNS void WIPES."
                        + "~CREATE SERVER sv FOREIGN DATA WRAPPER w",
                "CREATE FUNCTION va(oid) RETURNS void WIPES.;"
                        + " CREATE LANGUAGE fake HANDLER plpgsql_call_handler VALIDATOR va"
                        + "~CREATE FUNCTION x() RETURNS int LANGUAGE fake AS 'SELECT 1'",
                // An index by its name in a literal
                "CREATE EXTENSION amcheck; CREATE FUNCTION code(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';"
                        + " CREATE INDEX i ON notes (code(id)); CREATE OR REPLACE FUNCTION code(int) RETURNS int IMMUTABLE"
                        + " LANGUAGE plpgsql AS 'BEGIN RETURN public.wipe(); END'"
                        + "~SELECT nextval('s'), bt_index_check('i', true)",
                // A key word for which the server calls a function of pg_catalog
                "CREATE FUNCTION pg_catalog.timezone(text, mood) RETURNS text WIPES 1"
                        + "~INSERT INTO log SELECT v AT TIME ZONE 'UTC' FROM m"
            })
    void is_counted(String definitions, String sql) throws SQLException {
        define(definitions);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        requireThatItWipes(sql);
        for (String policy : new String[] {"strict", "application"}) {
            assertThat(catchThrowable(() -> guarded(policy, sql))).as(policy).isNotNull();
            assertThat(database.value("SELECT count(*) FROM users")).as(policy).isEqualTo("5000");
        }
    }
}
