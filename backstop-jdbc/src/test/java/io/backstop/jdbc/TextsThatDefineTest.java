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
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Texts and batches that define something, and run it before the catalog can be read again. */
@Sampled
@ExtendWith(PostgresExtension.class)
class TextsThatDefineTest {
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
                "CREATE TABLE notes (id int, note text)",
                "INSERT INTO notes VALUES (1, 'note')",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.users; RETURN 1; END'",
                "CREATE FUNCTION code(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN public.wipe(); END'",
                "CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN NEW; END'",
                "CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; END'",
                "CREATE TABLE base (id int DEFAULT public.wipe(), b int)",
                "CREATE TABLE parted (id int) PARTITION BY LIST (id)",
                "CREATE TABLE fired (a text)",
                "CREATE TRIGGER t BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION fires()",
                "ALTER TABLE fired DISABLE TRIGGER t",
                "CREATE TABLE firing (a text)",
                "CREATE TRIGGER t BEFORE INSERT ON firing FOR EACH ROW EXECUTE FUNCTION fires()");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP EVENT TRIGGER IF EXISTS e");
    }

    private interface Use {
        void of(Statement statement) throws SQLException;
    }

    private void guarded(String policy, Use use) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy(policy)
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve(policy + ".db"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            use.of(statement);
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

    private void assertRefused(String policy, Use use) throws SQLException {
        assertThatThrownBy(() -> guarded(policy, use)).isInstanceOf(BackstopException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TEMP TABLE tp (id int DEFAULT wipe(), b int); INSERT INTO tp (b) VALUES (1)",
                "CREATE TEMP TABLE tp (LIKE base INCLUDING DEFAULTS); INSERT INTO tp (b) VALUES (1)",
                "CREATE TEMP TABLE tp () INHERITS (base); INSERT INTO tp (b) VALUES (1)",
                "CREATE TEMP TABLE tp (a int CHECK (code(a) = 1)); INSERT INTO tp VALUES (1)",
                "CREATE TEMP TABLE tp (a int) PARTITION BY LIST ((code(a)));"
                        + " CREATE TEMP TABLE tq PARTITION OF tp DEFAULT; INSERT INTO tp VALUES (1)",
                "CREATE TEMP TABLE notes (id int DEFAULT wipe(), note text); INSERT INTO notes (note) VALUES ('x')",
                "CREATE TEMP TABLE tp (id int) PARTITION BY LIST (id);"
                        + " CREATE TEMP TABLE p PARTITION OF tp FOR VALUES IN (wipe())",
                "CREATE TABLE p PARTITION OF parted FOR VALUES IN (wipe())",
                "CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION fires(); INSERT INTO log VALUES ('x')",
                "ALTER TABLE fired ENABLE TRIGGER t; INSERT INTO fired VALUES ('x')",
                "ALTER TABLE firing RENAME TO renamed; INSERT INTO renamed VALUES ('x')",
                "CREATE TEMP VIEW through AS SELECT * FROM firing; INSERT INTO through VALUES ('x')",
                "CREATE RULE r AS ON INSERT TO log DO ALSO DELETE FROM users WHERE id > 0; INSERT INTO log VALUES ('x')",
                "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION on_event(); CREATE TABLE zz ()",
                "CREATE FUNCTION pg_temp.ff() RETURNS int LANGUAGE sql AS 'SELECT wipe()';"
                        + " INSERT INTO log SELECT pg_temp.ff()"
            })
    void what_a_text_defines_and_runs_is_counted(String sql) throws SQLException {
        requireThatItWipes(sql);
        assertRefused("application", statement -> statement.execute(sql));
        assertRefused("strict", statement -> statement.execute(sql));
        assertRefused("application", statement -> batch(statement, sql));
        assertRefused("strict", statement -> batch(statement, sql));
    }

    private static void batch(Statement statement, String sql) throws SQLException {
        for (String each : sql.split("; ", -1)) {
            statement.addBatch(each);
        }
        BatchRefusal.execute(statement);
    }

    @Test
    void plain_migrations_do_not_count_as_unseen_code() throws SQLException {
        guarded("application", statement -> {
            statement.execute("CREATE TABLE made (id int PRIMARY KEY, at timestamptz DEFAULT now());"
                    + " INSERT INTO made SELECT generate_series(1, 5000)");
            statement.execute("CREATE INDEX ON made (at); INSERT INTO made VALUES (0)");
            statement.execute("ALTER TABLE made ADD more int DEFAULT 0; INSERT INTO made VALUES (-1)");
        });
        guarded(
                "strict",
                statement ->
                        statement.execute("CREATE TEMP TABLE made (id int PRIMARY KEY, at timestamptz DEFAULT now());"
                                + " INSERT INTO made VALUES (1); SELECT count(*) FROM made"));
        assertThat(database.value("SELECT count(*) FROM made")).isEqualTo("5002");
    }
}
