package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Commands that run code which stands in a definition and not in their text: of an index, a constraint, a partition key, a
 * domain, an event trigger. Under {@code application} they run, and what the code changes is counted.
 */
@Sampled
@ExtendWith(PostgresExtension.class)
class DefinitionsThatRunCodeTest {
    private static final String WIPING =
            "CREATE OR REPLACE FUNCTION code(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                    + " 'BEGIN RETURN public.wipe(); END'";

    private TestDatabase database;
    private ApplicationGuard guard;

    @BeforeEach
    void connect(TestDatabase testDatabase, @TempDir Path folder) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int)",
                "INSERT INTO users SELECT generate_series(1, 5000)",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.users; RETURN 1; END'",
                "CREATE FUNCTION code(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
                "CREATE DOMAIN number AS int",
                "CREATE TABLE notes (id int, note text, kind number)",
                "INSERT INTO notes SELECT n, 'note', n FROM generate_series(1, 10) AS n");
        guard = new ApplicationGuard(database, folder);
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
        database.run("DROP EVENT TRIGGER IF EXISTS e");
    }

    private void define(String definitions) throws SQLException {
        for (String definition : definitions.split("; (?=[A-Z])", -1)) {
            database.run(definition);
        }
    }

    private String users() throws SQLException {
        return database.value("SELECT count(*) FROM users");
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

    private void assertRefused(String sql) throws SQLException {
        assertThatThrownBy(() -> guard.execute(sql)).as(sql).isInstanceOf(BackstopException.class);
        assertThat(users()).as(sql).isEqualTo("5000");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE INDEX i ON notes (code(id)) | REINDEX TABLE notes",
                "CREATE INDEX i ON notes (code(id)) | REINDEX INDEX i",
                "CREATE INDEX i ON notes (code(id)) | CLUSTER notes USING i",
                "CREATE INDEX i ON notes (code(id)) | ANALYZE notes",
                "CREATE INDEX i ON notes (code(id)) | ANALYZE",
                "CREATE INDEX i ON notes (id) WHERE code(id) = 1 | REINDEX TABLE notes",
                "CREATE INDEX i ON notes (code(id)) | ALTER TABLE notes SET UNLOGGED",
                "CREATE INDEX i ON notes (code(id)) | ALTER TABLE notes ADD more float DEFAULT random()",
                "CREATE INDEX i ON notes (code(id)); ALTER TABLE notes RENAME TO renamed | REINDEX TABLE renamed",
                "CREATE STATISTICS s ON (code(id)), id FROM notes | ANALYZE notes",
                "SELECT 1 | CREATE INDEX ON notes (code(id))",
                "SELECT 1 | CREATE UNIQUE INDEX ON notes (id) WHERE code(id) = 2",
                "SELECT 1 | ALTER TABLE notes ADD CHECK (code(id) = 1)",
                "SELECT 1 | ALTER TABLE notes ADD made int GENERATED ALWAYS AS (code(id)) STORED",
                "SELECT 1 | ALTER TABLE notes ADD made int DEFAULT wipe()",
                "SELECT 1 | ALTER TABLE notes ADD EXCLUDE USING btree (code(id) WITH =) WHERE (id < 2)",
                "SELECT 1 | ALTER DOMAIN number ADD CHECK (code(VALUE) = 1)",
                "ALTER TABLE notes ADD CONSTRAINT c CHECK (code(id) = 1) NOT VALID"
                        + " | ALTER TABLE notes VALIDATE CONSTRAINT c",
                "ALTER DOMAIN number ADD CONSTRAINT c CHECK (code(VALUE) = 1) NOT VALID"
                        + " | ALTER DOMAIN number VALIDATE CONSTRAINT c",
                "ALTER DOMAIN number ADD CONSTRAINT c CHECK (code(VALUE) = 1) NOT VALID"
                        + " | ALTER TABLE notes ADD more number DEFAULT 5",
                "CREATE TABLE parted (id int) PARTITION BY LIST ((code(id))); CREATE TABLE part (id int);"
                        + " INSERT INTO part VALUES (1) | ALTER TABLE parted ATTACH PARTITION part FOR VALUES IN (1)",
                "CREATE TABLE parted (id int) PARTITION BY LIST ((code(id)));"
                        + " CREATE TABLE rest PARTITION OF parted DEFAULT; INSERT INTO parted VALUES (1)"
                        + " | CREATE TABLE part PARTITION OF parted FOR VALUES IN (5)",
                "CREATE TABLE parted (id int) PARTITION BY LIST ((code(id)));"
                        + " CREATE TABLE sub PARTITION OF parted FOR VALUES IN (1) PARTITION BY LIST (id);"
                        + " CREATE TABLE part (id int); INSERT INTO part VALUES (1)"
                        + " | ALTER TABLE sub ATTACH PARTITION part FOR VALUES IN (1)",
                "CREATE TABLE parent (id int); ALTER TABLE notes INHERIT parent; CREATE INDEX i ON notes (code(id))"
                        + " | ALTER TABLE parent ADD more float DEFAULT random()",
                "CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parted DEFAULT;"
                        + " INSERT INTO parted VALUES (1); CREATE INDEX i ON part (code(id)) | ANALYZE parted",
                "CREATE TABLE parted (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parted DEFAULT;"
                        + " INSERT INTO parted VALUES (1); CREATE INDEX i ON part (id) WHERE code(1) = 1"
                        + " | SELECT * FROM parted WHERE id = 1",
                "CREATE MATERIALIZED VIEW m AS SELECT id FROM notes; CREATE INDEX i ON m (code(id))"
                        + " | REFRESH MATERIALIZED VIEW m",
                "CREATE MATERIALIZED VIEW m AS SELECT code(id) FROM notes | REFRESH MATERIALIZED VIEW m",
                "SELECT 1 | CREATE MATERIALIZED VIEW m AS SELECT code(id) FROM notes"
            })
    void what_a_definition_runs_is_counted(String definitions, String command) throws SQLException {
        define(definitions);
        database.run(WIPING);
        requireThatItWipes(command);
        assertRefused(command);
        guard.connection().setAutoCommit(false);
        guard.execute("SELECT 1");
        assertRefused(command);
        guard.connection().rollback();
    }

    /** In a transaction block the server refuses them, so they cannot be undone when they were counted. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "VACUUM FULL notes",
                "VACUUM FULL",
                "VACUUM ANALYZE notes",
                "VACUUM (ANALYZE)",
                "REINDEX INDEX CONCURRENTLY i",
                "REINDEX TABLE CONCURRENTLY notes",
                "REINDEX (CONCURRENTLY) TABLE notes",
                "REINDEX SCHEMA public",
                "CLUSTER",
                "CREATE INDEX CONCURRENTLY ON notes (code(id))",
                "CREATE INDEX CONCURRENTLY ON notes (id)"
            })
    void what_cannot_be_undone_does_not_run(String command) throws SQLException {
        define("CREATE INDEX i ON notes (code(id)); CLUSTER notes USING i");
        database.run(WIPING);
        assertRefused(command);
        database.run(WIPING.replace("public.wipe()", "1"));
        guard.execute("COMMENT ON TABLE notes IS 'the catalog is read again'");
        assertThatCode(() -> guard.execute(command)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TABLE made (id int)",
                "CREATE TEMP TABLE made (id int)",
                "CREATE TABLE made AS SELECT 1",
                "SELECT 1 AS a INTO made",
                "CREATE VIEW made AS SELECT 1 AS a",
                "CREATE INDEX ON notes (id)",
                "CREATE INDEX CONCURRENTLY ON notes (id)",
                "ALTER TABLE notes ADD more int",
                "COMMENT ON TABLE notes IS 'x'",
                "GRANT SELECT ON notes TO PUBLIC",
                "CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "DROP FUNCTION code(int)"
            })
    void what_an_event_trigger_does_is_counted(String command) throws SQLException {
        database.run(
                "CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM public.wipe(); END'",
                "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION on_event()");
        if (!command.contains("CONCURRENTLY")) {
            requireThatItWipes(command);
        }
        assertRefused(command);
    }

    @Test
    void an_event_trigger_counts_for_its_commands_and_only_where_it_may_change_something() throws SQLException {
        database.run(
                "CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; END'",
                "CREATE FUNCTION notifies() RETURNS event_trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN NOTIFY schema_changed, 'x'; RAISE NOTICE 'done %', tg_tag; END $$",
                "CREATE EVENT TRIGGER e ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION on_event()",
                "CREATE EVENT TRIGGER n ON ddl_command_end EXECUTE FUNCTION notifies()");
        try {
            guard.execute("CREATE INDEX CONCURRENTLY ON notes (id)");
            guard.execute("CREATE TABLE made (id int)");
            guard.execute("BEGIN; CREATE TABLE another (id int); COMMIT");
            assertRefused("CREATE VIEW made_too AS SELECT 1");
            database.run("ALTER EVENT TRIGGER e DISABLE");
            guard.execute("CREATE VIEW made_too AS SELECT 1");
        } finally {
            database.run("DROP EVENT TRIGGER n");
        }
    }

    @Test
    void harmless_definitions_are_no_hindrance() throws SQLException {
        define("CREATE INDEX i ON notes (code(id)); ALTER TABLE notes ADD CONSTRAINT c CHECK (code(id) = 1) NOT VALID");
        for (String command : new String[] {
            "REINDEX TABLE notes",
            "CLUSTER notes USING i",
            "VACUUM FULL notes",
            "ANALYZE notes",
            "ALTER TABLE notes VALIDATE CONSTRAINT c",
            "ALTER TABLE notes SET UNLOGGED",
            "CREATE INDEX CONCURRENTLY ON notes (code(id))",
            "BEGIN; ALTER TABLE notes ADD more int; COMMIT"
        }) {
            assertThatCode(() -> guard.execute(command)).as(command).doesNotThrowAnyException();
        }
        assertThat(users()).isEqualTo("5000");
    }
}
