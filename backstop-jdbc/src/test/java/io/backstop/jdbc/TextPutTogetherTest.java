package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Functions, procedures and triggers that put text together: what they run cannot be read, and in a role to which the ways out
 * of a transaction are open it may be what no counter shows.
 */
@ExtendWith(PostgresExtension.class)
class TextPutTogetherTest {
    private static final String UNCOUNTED = "PERFORM set_config('track_' || 'counts', 'off', true);"
            + " DELETE FROM public.users; PERFORM set_config('track_' || 'counts', 'on', true);";

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
                "CREATE TABLE log (id int, v text)",
                "CREATE ROLE ordinary LOGIN",
                "GRANT USAGE ON SCHEMA public TO ordinary",
                "GRANT ALL ON log TO ordinary");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP OWNED BY ordinary CASCADE", "DROP ROLE ordinary", "DROP ROLE IF EXISTS chief");
    }

    private void define(String definitions) throws SQLException {
        String place = database.url().replaceFirst("^jdbc:", "");
        for (String definition : definitions.split("; (?=CREATE|ALTER|INSERT|GRANT)", -1)) {
            database.run(definition
                    .replace("DBLINK", "EXECUTE 'SELECT dbl' || 'ink_exec(''" + place + "'', ''DELETE FROM users'')';")
                    .replace("UNCOUNTED", UNCOUNTED));
        }
    }

    private void run(String policy, String role, String sql) throws SQLException {
        run(policy, role, "SELECT 1", sql);
    }

    /** @param first what the session has sent before it is guarded */
    private void run(String policy, String role, String first, String sql) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy(policy)
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection plain =
                        DriverManager.getConnection(database.url().replace("user=postgres", "user=" + role));
                Statement setting = plain.createStatement()) {
            setting.execute(first);
            try (Connection connection = backstop.guard(plain);
                    Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }
    }

    private void assertNotRun(String policy, String role, String sql) throws SQLException {
        assertNotRun(policy, role, "SELECT 1", sql);
    }

    private void assertNotRun(String policy, String role, String first, String sql) throws SQLException {
        assertThatThrownBy(() -> run(policy, role, first, sql))
                .isInstanceOf(BackstopException.class)
                .hasMessageContaining("the write was not run: what it changes cannot be counted: ");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN DBLINK RETURN 1; END$$ ~ SELECT f()",
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$ ~ SELECT f()",
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$"
                        + " ~ DO 'BEGIN PERFORM f(); END'",
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$"
                        + " ~ SELECT query_to_xml('SELECT f()', true, true, '')",
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$;"
                        + " CREATE VIEW v AS SELECT f() AS id ~ SELECT id FROM v",
                "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$;"
                        + " ALTER TABLE log ADD d int DEFAULT f() ~ INSERT INTO log (id) VALUES (1)",
                "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$;"
                        + " CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT g()' ~ SELECT f()",
                "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$BEGIN EXECUTE 'COPY users TO PRO' ||"
                        + " 'GRAM ''cat > /dev/null'''; DELETE FROM users; END$$ ~ CALL p()",
                "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN DBLINK RETURN NEW; END$$;"
                        + " CREATE TRIGGER t BEFORE INSERT ON log EXECUTE FUNCTION t() ~ INSERT INTO log VALUES (1)",
                "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN NEW; END$$;"
                        + " CREATE TRIGGER t BEFORE INSERT ON log EXECUTE FUNCTION t() ~ INSERT INTO log VALUES (1)",
                "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN OLD; END$$;"
                        + " CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1), (2), (3);"
                        + " CREATE TABLE children (id int REFERENCES parents ON DELETE CASCADE);"
                        + " INSERT INTO children VALUES (1);"
                        + " CREATE TRIGGER t BEFORE DELETE ON children FOR EACH ROW EXECUTE FUNCTION t()"
                        + " ~ DELETE FROM parents WHERE id = 1"
            })
    void what_runs_text_with_the_rights_of_a_superuser_is_not_run(String definitions, String sql) throws SQLException {
        database.run("CREATE EXTENSION IF NOT EXISTS dblink");
        define(definitions);
        assertNotRun("application", "postgres", sql);
        database.run("DROP EXTENSION dblink");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                        + " $$BEGIN UNCOUNTED RETURN NEW; END$$;"
                        + " CREATE TRIGGER t BEFORE INSERT ON log EXECUTE FUNCTION t() ~ INSERT INTO log VALUES (1)",
                "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$;"
                        + " CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                        + " $$BEGIN PERFORM g(); RETURN NEW; END$$;"
                        + " CREATE TRIGGER t BEFORE INSERT ON log EXECUTE FUNCTION t() ~ INSERT INTO log VALUES (1)",
                "CREATE TABLE inner_log (id int); CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$BEGIN UNCOUNTED RETURN NEW; END$$;"
                        + " CREATE TRIGGER g BEFORE INSERT ON inner_log EXECUTE FUNCTION g();"
                        + " CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                        + " $$BEGIN INSERT INTO inner_log VALUES (1); RETURN NEW; END$$;"
                        + " CREATE TRIGGER t BEFORE INSERT ON log EXECUTE FUNCTION t() ~ INSERT INTO log VALUES (1)"
            })
    void what_runs_text_with_the_rights_of_its_owner_is_not_run(String definitions, String sql) throws SQLException {
        define(definitions);
        assertNotRun("strict", "ordinary", sql);
        assertNotRun("application", "ordinary", sql);
    }

    /** A session may take another role while its text runs: the one that logged in, and those that it is a member of. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "SELECT 1 ~ postgres ~ SET ROLE ordinary",
                "SELECT 1 ~ postgres ~ SET SESSION AUTHORIZATION ordinary",
                "ALTER ROLE chief SET role = 'ordinary' ~ chief ~ SELECT 1",
                "GRANT chief TO ordinary ~ ordinary ~ SELECT 1",
                "GRANT chief TO ordinary; ALTER ROLE ordinary NOINHERIT ~ ordinary ~ SELECT 1",
                "CREATE ROLE middle NOINHERIT; GRANT chief TO middle; GRANT middle TO ordinary ~ ordinary ~ SELECT 1",
                "ALTER ROLE chief NOSUPERUSER; GRANT pg_execute_server_program TO chief; GRANT chief TO ordinary"
                        + " ~ ordinary ~ SELECT 1"
            })
    void a_role_that_the_session_may_take_counts(String given, String login, String first) throws SQLException {
        database.run("CREATE ROLE chief LOGIN SUPERUSER", "GRANT ALL ON users TO ordinary", given);
        define("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN EXECUTE 'SET RO' || 'LE NONE'; UNCOUNTED"
                + " RETURN 1; END$$; CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS"
                + " $$BEGIN PERFORM f(); RETURN NEW; END$$;"
                + " CREATE TRIGGER t BEFORE INSERT ON log EXECUTE FUNCTION t();"
                + " CREATE VIEW v AS SELECT f() AS id; GRANT SELECT ON v TO ordinary");
        try {
            for (String sql : new String[] {
                "DO $$BEGIN EXECUTE 'SET RO' || 'LE NONE'; EXECUTE 'DELETE FR' || 'OM public.users'; END$$",
                "SELECT f()",
                "SELECT id FROM v",
                "INSERT INTO log VALUES (1)"
            }) {
                assertNotRun("application", login, first, sql);
            }
        } finally {
            database.run("REASSIGN OWNED BY chief TO postgres", "DROP ROLE IF EXISTS middle");
        }
    }

    @Test
    void a_role_that_was_granted_the_counters_setting_counts() throws SQLException {
        Assumptions.assumeTrue(database.majorVersion() >= 15, "no setting can be granted before");
        database.run("GRANT SET ON PARAMETER track_counts TO ordinary", "GRANT ALL ON users TO ordinary");
        define("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN UNCOUNTED RETURN 1; END$$");
        assertNotRun("application", "ordinary", "SELECT f()");
    }

    /** Nothing is open to the role, so what the text changes is counted. */
    @Test
    void text_of_an_ordinary_role_runs() throws SQLException {
        define("CREATE TABLE parts (id int); CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS"
                + " $$BEGIN EXECUTE 'INSERT INTO parts VALUES ($1)' USING NEW.id; RETURN NEW; END$$;"
                + " CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION t();"
                + " GRANT ALL ON parts TO ordinary");
        run("strict", "ordinary", "INSERT INTO log VALUES (1)");
        assertThat(database.value("SELECT count(*) FROM parts")).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"app.author", "search_path", "App.Tenant"})
    void a_setting_whose_name_is_a_constant_is_read(String setting) throws SQLException {
        define("CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM set_config('" + setting
                + "', NEW.v, true); RETURN NEW; END$$;"
                + " CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION t()");
        run("strict", "postgres", "INSERT INTO log VALUES (1, 'me')");
        assertThat(database.value("SELECT count(*) FROM log")).isEqualTo("1");
    }

    @Test
    void a_guarded_setting_is_not_an_ordinary_one() throws SQLException {
        define("CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                + " PERFORM set_config('session_replication_role', 'replica', true); RETURN NEW; END$$;"
                + " CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION t()");
        assertNotRun("strict", "postgres", "INSERT INTO log VALUES (1, 'me')");
    }
}
