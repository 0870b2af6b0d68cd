package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** PostgreSQL's own functions that leave the transaction are found in every expression that is stored. */
@ExtendWith(PostgresExtension.class)
class StoredCallsTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private ApplicationGuard guard;
    private Path file;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        file = folder.resolve("written");
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE EXTENSION IF NOT EXISTS dblink",
                "SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
                "SELECT lo_from_bytea(4711, 'abc')",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE TABLE notes (id int, note text)",
                "INSERT INTO notes SELECT n, 'n' FROM generate_series(1, 10) AS n",
                "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'");
        guard = new ApplicationGuard(database, folder);
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
    }

    private void assertNotRun(String sql) {
        assertThatThrownBy(() -> guard.execute(sql.replace("FILE", file.toString())))
                .as(sql)
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the write was not run: what it changes cannot be counted: ");
        assertThat(Files.exists(file)).as(sql).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE VIEW looks AS SELECT EXPORT AS x | SELECT * FROM looks",
                "CREATE VIEW looks AS SELECT EXPORT AS x; CREATE VIEW again AS SELECT x + 1 FROM looks | SELECT * FROM again",
                "CREATE VIEW looks AS SELECT EXPORT AS x | DO 'BEGIN PERFORM * FROM looks; END'",
                "CREATE VIEW looks AS SELECT EXPORT AS x | EXPLAIN ANALYZE SELECT * FROM looks",
                "CREATE MATERIALIZED VIEW looks AS SELECT EXPORT AS x WITH NO DATA | REFRESH MATERIALIZED VIEW looks",
                "CREATE RULE noted AS ON INSERT TO notes DO ALSO SELECT EXPORT | INSERT INTO notes VALUES (11, 'x')",
                "CREATE DOMAIN checked AS int CHECK (EXPORT > 0) | SELECT '1'::checked",
                "CREATE DOMAIN filled AS int DEFAULT EXPORT; CREATE TABLE t (i int, x filled) | INSERT INTO t (i) VALUES (1)",
                "ALTER TABLE notes ADD x int, ALTER x SET DEFAULT EXPORT | INSERT INTO notes VALUES (11, 'x')",
                "ALTER TABLE notes ADD x int, ALTER x SET DEFAULT EXPORT | UPDATE notes SET x = DEFAULT WHERE id = 1",
                "ALTER TABLE notes ADD CHECK (EXPORT > 0) NOT VALID | INSERT INTO notes VALUES (11, 'x')",
                "ALTER TABLE notes ADD CHECK (EXPORT > 0) NOT VALID | UPDATE notes SET note = 'x' WHERE id = 1",
                "CREATE TRIGGER noted BEFORE UPDATE ON notes FOR EACH ROW WHEN (EXPORT > 0) EXECUTE FUNCTION noted()"
                        + " | UPDATE notes SET note = 'x' WHERE id = 1",
                "CREATE FUNCTION f(a int DEFAULT EXPORT) RETURNS int LANGUAGE sql AS 'SELECT 1' | SELECT f()",
                "CREATE OPERATOR === (LEFTARG = oid, RIGHTARG = text, FUNCTION = lo_export) | SELECT 4711::oid === 'FILE'::text",
                "CREATE OPERATOR === (LEFTARG = oid, RIGHTARG = text, FUNCTION = lo_export);"
                        + " CREATE VIEW looks AS SELECT 4711::oid === 'FILE'::text AS x | SELECT * FROM looks",
                "CREATE CAST (text AS oid) WITH FUNCTION lo_import(text) | SELECT CAST('FILE'::text AS oid)",
                "CREATE FUNCTION f(oid, text) RETURNS int LANGUAGE internal AS 'be_lo_export' | SELECT f(4711, 'FILE')",
            })
    void a_file_of_the_server_is_not_written(String made, String sql) throws SQLException {
        database.run(made.replace("EXPORT", "lo_export(4711, 'FILE')").replace("FILE", file.toString()));
        try {
            assertNotRun(sql);
        } finally {
            database.run("DROP CAST IF EXISTS (text AS oid)");
        }
    }

    @Test
    void text_is_not_run_over_another_connection() throws SQLException {
        guard.execute("CREATE VIEW looks AS SELECT query_to_xml('SELECT dbl' || 'ink_exec(''"
                + database.url().replaceFirst("^jdbc:", "") + "'', ''DELETE FROM public.users'')', true, true, '')");
        assertNotRun("SELECT * FROM looks");
        assertNotRun("DO 'BEGIN PERFORM * FROM looks; END'");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT * FROM reads",
                "INSERT INTO notes VALUES (11, 'x')",
                "UPDATE notes SET note = 'x' WHERE id = 1",
                "SELECT lo_get(4711)",
                "DO 'BEGIN PERFORM * FROM reads; END'"
            })
    void what_leads_to_others_runs(String sql) throws SQLException {
        database.run(
                "CREATE VIEW looks AS SELECT lo_export(4711, '" + file + "') AS x",
                "CREATE VIEW reads AS SELECT lo_get(4711), lower(note), clock_timestamp() FROM notes",
                "ALTER TABLE notes ADD at timestamptz, ALTER at SET DEFAULT clock_timestamp()");
        assertThatCode(() -> guard.execute(sql)).doesNotThrowAnyException();
    }
}
