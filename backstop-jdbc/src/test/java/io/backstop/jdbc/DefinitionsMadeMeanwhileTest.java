package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * A statement that was judged, and waits in the server for a table's lock while its owner gives the table code to run: what
 * that code changes is counted, or is not kept.
 */
@Sampled
@Timeout(120)
@ExtendWith(PostgresExtension.class)
class DefinitionsMadeMeanwhileTest {
    private static final String INSERT = "INSERT INTO notes (id, note) VALUES (1, 'one')";
    private static final String TRIGGER = "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()";

    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private TestDatabase database;
    private ApplicationGuard guard;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) AS n",
                "CREATE DOMAIN word AS text",
                "CREATE TABLE notes (id int, note text)",
                "CREATE TABLE words (id int, word word)",
                "CREATE VIEW looks AS SELECT id, note FROM notes",
                "CREATE SEQUENCE numbers",
                "CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id)",
                "CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)",
                "CREATE FUNCTION wiped() RETURNS int LANGUAGE plpgsql AS"
                        + " $$ BEGIN DELETE FROM users; RETURN 1; END $$",
                "CREATE FUNCTION wiping() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN DELETE FROM users; RETURN NEW; END $$");
        guard = new ApplicationGuard(database, folder);
        guard.execute("INSERT INTO notes VALUES (0, 'zero')"); // what is known of the schema is read
        guard.execute("INSERT INTO words VALUES (0, 'zero')");
        guard.execute("INSERT INTO parts VALUES (0, 'zero')");
    }

    @AfterEach
    void close() throws SQLException {
        threads.shutdownNow();
        guard.close();
    }

    private void assertNothingLost() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private boolean waits() throws SQLException {
        return !database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        + " AND datname = current_database()")
                .equals("0");
    }

    /** Another session has made the definition, and commits it when the work waits for its lock. */
    private void meanwhile(String definition, Callable<?> work) throws Exception {
        try (Connection other = database.connect()) {
            other.setAutoCommit(false);
            execute(other, definition);
            Future<?> waiting = threads.submit(work);
            while (!waiting.isDone() && !waits()) {
                Thread.onSpinWait();
            }
            other.commit();
            try {
                waiting.get();
            } catch (ExecutionException refused) {
                assertThat(refused).hasCauseInstanceOf(SQLException.class);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | INSERT INTO notes VALUES (1, 'one')",
                "ALTER TABLE notes ALTER note SET DEFAULT wiped() | INSERT INTO notes (id) VALUES (1)",
                "ALTER TABLE notes ADD CHECK (wiped() = 1) NOT VALID | INSERT INTO notes VALUES (1, 'one')",
                "CREATE RULE wipes AS ON INSERT TO notes DO ALSO DELETE FROM users | INSERT INTO notes VALUES (1, 'one')",
                "CREATE CONSTRAINT TRIGGER wipes AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                        + " EXECUTE FUNCTION wiping() | INSERT INTO notes VALUES (1, 'one')",
                "CREATE TRIGGER wipes BEFORE INSERT ON part_1 EXECUTE FUNCTION wiping()"
                        + " | INSERT INTO part_1 VALUES (1, 'one')",
                "CREATE TRIGGER wipes BEFORE INSERT ON part_1 FOR EACH ROW EXECUTE FUNCTION wiping()"
                        + " | INSERT INTO parts VALUES (1, 'one')",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | INSERT INTO notes SELECT * FROM looks",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | CREATE TABLE more AS SELECT * FROM looks",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | SELECT * INTO more FROM looks",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | CREATE MATERIALIZED VIEW more AS SELECT * FROM looks",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | EXPLAIN ANALYZE INSERT INTO notes SELECT * FROM looks",
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | MERGE INTO notes USING (VALUES (7)) AS v (id) ON notes.id = v.id"
                        + " WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'one')",
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | SET ROLE postgres; INSERT INTO notes VALUES (1, 'one')",
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | SET row_security = on; INSERT INTO notes VALUES (1, 'one')",
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | INSERT INTO notes SELECT 1, set_config('row_security', 'on', false)",
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | ALTER ROLE CURRENT_USER SET lc_messages = 'C'; INSERT INTO notes VALUES (1, 'one')",
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | BEGIN; CREATE TABLE made (id int); INSERT INTO notes VALUES (1, 'one')",
                "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()"
                        + " | SAVEPOINT s; CREATE TABLE made (id int); INSERT INTO notes VALUES (1, 'one')",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | SET ROLE postgres; SELECT * FROM looks",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | SELECT *, set_config('row_security', 'on', false) FROM looks",
                "CREATE OR REPLACE VIEW looks AS SELECT wiped() AS id, 'one' AS note"
                        + " | COPY (SELECT * FROM looks) TO PROGRAM 'cat > /dev/null'",
                "CREATE FUNCTION built(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';"
                        + " CREATE INDEX built ON notes (built(id));"
                        + " CREATE OR REPLACE FUNCTION built(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN 1; END'"
                        + " | CLUSTER notes USING built",
            })
    void code_that_is_committed_while_a_statement_waits_is_counted(String definition, String sql) throws Exception {
        for (boolean autoCommit : new boolean[] {true, false}) {
            guard.connection().setAutoCommit(autoCommit);
            meanwhile(definition, () -> {
                guard.execute(sql);
                if (!autoCommit) {
                    guard.connection().commit();
                } else if (sql.startsWith("BEGIN")) {
                    guard.execute("COMMIT");
                }
                return sql;
            });
            if (!autoCommit) {
                guard.connection().rollback();
            } else if (sql.startsWith("BEGIN")) {
                guard.execute("ROLLBACK");
            }
            assertNothingLost();
            create(database);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"read-only", "strict"})
    void what_is_SAFE_and_cannot_be_fenced_changes_nothing_either(String policy) throws Exception {
        for (boolean autoCommit : new boolean[] {true, false}) {
            try (Backstop backstop = Backstop.builder()
                            .policy(policy)
                            .snapshots(new FakeSnapshots())
                            .control(folder.resolve(policy + autoCommit + ".db"))
                            .build();
                    Connection connection = backstop.guard(database.connect())) {
                connection.setAutoCommit(autoCommit);
                for (String sql : List.of(
                        "SELECT * FROM notes WHERE id = 0 FOR UPDATE",
                        "SELECT nextval('numbers'), id FROM notes",
                        "EXPLAIN ANALYZE SELECT id FROM notes FOR SHARE")) {
                    meanwhile(
                            "ALTER TABLE notes RENAME TO others;"
                                    + " CREATE VIEW notes AS SELECT wiped() AS id, 'one' AS note FROM others",
                            () -> {
                                execute(connection, sql);
                                if (!autoCommit) {
                                    connection.commit();
                                }
                                return sql;
                            });
                    if (!autoCommit) {
                        connection.rollback();
                    }
                    assertNothingLost();
                    database.run("DROP VIEW notes", "ALTER TABLE others RENAME TO notes");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {TRIGGER, "CREATE RULE wipes AS ON INSERT TO notes DO ALSO DELETE FROM users"})
    void code_that_a_client_around_the_guard_has_just_made_is_counted(String definition) throws Exception {
        database.run(definition);
        assertThatThrownBy(() -> guard.execute(INSERT)).hasMessageContaining("it changed 5000 rows");
        assertNothingLost();
    }

    private static final String STATE =
            "SELECT (SELECT count(*) || md5(string_agg(u::text, '' ORDER BY u.id)) FROM users AS u)"
                    + " || (SELECT count(*) FROM looks) || (SELECT count(*) FROM pg_largeobject_metadata)"
                    + " || obj_description('users'::regclass)";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "TRUNCATE users;",
                "DROP TABLE users;",
                "ALTER TABLE users DROP COLUMN name;",
                "UPDATE users SET name = 'forged';",
                "BEGIN DELETE FROM users; EXCEPTION WHEN others THEN NULL; END;",
                "BEGIN DELETE FROM users; RAISE 'x'; EXCEPTION WHEN others THEN TRUNCATE users; END;",
                "DELETE FROM users; INSERT INTO users SELECT n, 'forged' FROM generate_series(1, 5000) AS n;",
                "CREATE TABLE copies AS TABLE users; DROP TABLE users; ALTER TABLE copies RENAME TO users;",
                "PERFORM lo_put(oid, 0, '') FROM pg_largeobject_metadata; DELETE FROM pg_largeobject_metadata;",
                "SET session_replication_role = replica; DELETE FROM users; SET session_replication_role = origin;",
                "PERFORM count(*) FROM (SELECT wiped()) AS w;",
                "WITH gone AS (DELETE FROM users RETURNING id) INSERT INTO notes SELECT id, 'gone' FROM gone;",
                "DECLARE c CURSOR FOR SELECT * FROM users FOR UPDATE; BEGIN FOR r IN c LOOP"
                        + " DELETE FROM users WHERE CURRENT OF c; END LOOP; END;",
                "EXECUTE 'TRUN' || 'CATE users';"
            })
    void whatever_such_code_does_is_found(String effect) throws Exception {
        database.run(
                "SELECT lo_from_bytea(0, 'kept')",
                "COMMENT ON TABLE users IS 'kept'",
                "CREATE FUNCTION does() RETURNS trigger LANGUAGE plpgsql AS $does$BEGIN IF pg_trigger_depth() = 1 THEN "
                        + effect + " END IF; RETURN NEW; END$does$",
                "CREATE TRIGGER does BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION does()");
        String before = database.value(STATE);
        for (boolean autoCommit : new boolean[] {true, false}) {
            guard.connection().setAutoCommit(autoCommit);
            assertThatThrownBy(() -> {
                        guard.execute(INSERT);
                        if (!autoCommit) {
                            guard.connection().commit();
                        }
                    })
                    .as("auto-commit %s", autoCommit)
                    .isInstanceOf(BackstopException.class);
            if (!autoCommit) {
                guard.connection().rollback();
            }
            assertThat(database.value(STATE)).as("auto-commit %s", autoCommit).isEqualTo(before);
        }
        database.run("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "TRUNCATE users | CREATE TABLE more AS SELECT * FROM looks",
                "DROP TABLE users | CREATE TABLE more AS SELECT * FROM looks",
                "ALTER TABLE users DROP COLUMN name | CREATE TABLE more AS SELECT * FROM looks",
                "TRUNCATE users | SELECT * INTO more FROM looks",
                "DROP TABLE users | SELECT * INTO more FROM looks",
                "ALTER TABLE users DROP COLUMN name | SELECT * INTO TEMP more FROM looks",
                "TRUNCATE users | CREATE MATERIALIZED VIEW more AS SELECT * FROM looks",
                "DROP TABLE users | REFRESH MATERIALIZED VIEW stored",
                "ALTER TABLE users DROP COLUMN name | EXPLAIN ANALYZE CREATE TABLE more AS SELECT * FROM looks",
                "TRUNCATE users | SELECT * INTO more FROM looks; INSERT INTO notes VALUES (2, 'two')"
            })
    void what_code_takes_away_inside_of_a_defining_command_is_found(String deed, String sql) throws Exception {
        String before = database.value("SELECT count(*) || md5(string_agg(u::text, '' ORDER BY u.id)) FROM users AS u");
        database.run(
                "CREATE FUNCTION deed() RETURNS int LANGUAGE plpgsql AS $$ BEGIN " + deed + "; RETURN 1; END $$",
                "CREATE MATERIALIZED VIEW stored AS SELECT * FROM looks");
        for (boolean autoCommit : new boolean[] {true, false}) {
            guard.connection().setAutoCommit(autoCommit);
            meanwhile("CREATE OR REPLACE VIEW looks AS SELECT deed() AS id, 'one' AS note", () -> {
                guard.execute(sql);
                if (!autoCommit) {
                    guard.connection().commit();
                }
                return sql;
            });
            if (!autoCommit) {
                guard.connection().rollback();
            }
            assertThat(database.value("SELECT count(*) || md5(string_agg(u::text, '' ORDER BY u.id)) FROM users AS u"))
                    .isEqualTo(before);
            database.run(
                    "CREATE OR REPLACE VIEW looks AS SELECT id, note FROM notes",
                    "DO $$ BEGIN IF to_regclass('more') IS NOT NULL THEN RAISE 'it was kept'; END IF; END $$");
        }
    }

    @Test
    void at_a_higher_level_it_is_counted_too() throws Exception {
        guard.execute("SET default_transaction_isolation = 'serializable'");
        meanwhile(TRIGGER, () -> {
            guard.execute(INSERT);
            return INSERT;
        });
        assertNothingLost();
    }

    /** What an honest transaction does, whose commit must not be refused. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT * INTO copies FROM notes; INSERT INTO notes VALUES (2, 'two')",
                "INSERT INTO notes VALUES (2, 'two'); CREATE TABLE copies AS SELECT * FROM notes",
                "INSERT INTO notes VALUES (2, 'two'); CREATE TEMPORARY TABLE copies (id int, note text)",
                "SELECT * FROM audited FOR UPDATE; UPDATE audited SET note = 'new' WHERE id = 1",
                "SELECT nextval('numbers'); DELETE FROM audited WHERE id = 1; INSERT INTO notes VALUES (2, 'two')",
                "INSERT INTO notes VALUES (2, 'two'); UPDATE notes SET note = 'new' WHERE id = 2;"
                        + " INSERT INTO notes VALUES (3, 'three'); DELETE FROM notes WHERE id = 3",
                "INSERT INTO notes VALUES (2, 'two'); SAVEPOINT s; UPDATE audited SET note = 'x' WHERE id = 1;"
                        + " ROLLBACK TO s; INSERT INTO notes VALUES (3, 'three')",
                "INSERT INTO notes VALUES (2, 'two'); CREATE TRIGGER late BEFORE INSERT ON notes FOR EACH ROW"
                        + " EXECUTE FUNCTION passing(); INSERT INTO notes VALUES (3, 'three')",
                "INSERT INTO keyed VALUES (1) ON CONFLICT DO NOTHING; INSERT INTO keyed VALUES (2)",
                "INSERT INTO notes VALUES (2, 'two'); DROP TABLE keyed; INSERT INTO notes VALUES (3, 'three')",
            })
    void an_honest_transaction_commits(String texts) throws SQLException {
        database.run(
                "CREATE TABLE keyed (id int PRIMARY KEY)",
                "INSERT INTO keyed VALUES (1)",
                "CREATE FUNCTION passing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE FUNCTION notes_it() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN INSERT INTO notes VALUES (9, 'changed'); RETURN NULL; END $$",
                "CREATE TABLE audited (id int PRIMARY KEY, note text)",
                "INSERT INTO audited VALUES (1, 'one'), (2, 'two')",
                "CREATE TRIGGER audits AFTER UPDATE OR DELETE ON audited FOR EACH ROW EXECUTE FUNCTION notes_it()");
        for (int round = 0; round < 2; round++) {
            guard.connection().setAutoCommit(false);
            for (String sql : texts.split("; ", -1)) {
                guard.execute(sql);
            }
            if (round == 0) {
                guard.connection().rollback();
            } else {
                guard.connection().commit();
            }
            guard.connection().setAutoCommit(true);
        }
    }
}
