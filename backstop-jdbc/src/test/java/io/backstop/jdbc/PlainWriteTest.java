package io.backstop.jdbc;

import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Writes whose rows are told by the server's answer alone, because nothing else happens by them: whatever somebody else has
 * defined a moment ago, what it takes away is counted all the same.
 */
@Sampled
@ExtendWith(PostgresExtension.class)
class PlainWriteTest {
    private static final String UPDATE = "UPDATE accounts SET name = 'x' WHERE id = 1";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA IF EXISTS other CASCADE",
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TYPE state AS ENUM ('new', 'old')",
                "CREATE TABLE owners (id int PRIMARY KEY)",
                "INSERT INTO owners SELECT generate_series(1, 10)",
                "CREATE TABLE accounts (id int PRIMARY KEY, name text CHECK (name <> ''), state state DEFAULT 'new',"
                        + " owner int DEFAULT 1 REFERENCES owners, UNIQUE (name) DEFERRABLE)",
                "INSERT INTO accounts SELECT n, 'account ' || n FROM generate_series(1, 3000) AS n",
                "CREATE TABLE users (id int)",
                "INSERT INTO users SELECT generate_series(1, 5000)",
                "CREATE FUNCTION wipe() RETURNS boolean LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN true; END'",
                "CREATE FUNCTION wiping() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN NULL; END'",
                "CREATE FUNCTION said(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS"
                        + " 'BEGIN PERFORM public.wipe(); RETURN $1::text; END'",
                "CREATE FUNCTION harmless() RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'h'$$");
        backstop = Backstop.builder()
                .policy(new PolicyReader()
                        .read("{\"require_approval_for_risks\": [\"CRITICAL\"], \"write_budget\": \"none\"}", "p"))
                .snapshots(new FakeSnapshots())
                .control(folder.resolve("backstop.db"))
                .build();
        connection = backstop.guard(database.connect());
        execute("UPDATE accounts SET name = 'y' WHERE id = 2");
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static Stream<Arguments> definedAMomentAgo() {
        String trigger = "FOR EACH ROW EXECUTE FUNCTION wiping()";
        return Stream.of(
                Arguments.of("CREATE TRIGGER w AFTER UPDATE ON accounts " + trigger, UPDATE),
                Arguments.of("CREATE TRIGGER w BEFORE UPDATE ON accounts " + trigger, UPDATE),
                Arguments.of(
                        "CREATE TRIGGER w AFTER DELETE ON accounts " + trigger, "DELETE FROM accounts WHERE id = 1"),
                Arguments.of(
                        "CREATE TRIGGER w AFTER UPDATE ON accounts EXECUTE FUNCTION wiping();"
                                + "ALTER TABLE accounts ENABLE ALWAYS TRIGGER w",
                        UPDATE),
                Arguments.of(
                        "CREATE CONSTRAINT TRIGGER w AFTER UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED " + trigger,
                        UPDATE),
                Arguments.of("CREATE RULE w AS ON UPDATE TO accounts DO ALSO DELETE FROM users", UPDATE),
                Arguments.of("ALTER TABLE accounts ADD CHECK (said(id) > '') NOT VALID", UPDATE),
                Arguments.of("CREATE INDEX ON accounts (said(id)) WHERE id < 0", UPDATE + " AND id = -1 + 2"),
                Arguments.of("CREATE INDEX ON accounts (id) WHERE said(id) > ''", UPDATE),
                Arguments.of(
                        "ALTER TABLE accounts ALTER name SET DEFAULT said(1)",
                        "UPDATE accounts SET name = DEFAULT WHERE id = 1"),
                Arguments.of(
                        "CREATE DOMAIN checked AS text CHECK (said(1) > ''); ALTER TABLE accounts ADD c checked",
                        "UPDATE accounts SET c = 'x' WHERE id = 1"),
                Arguments.of("ALTER TABLE accounts ADD g text GENERATED ALWAYS AS (said(id)) STORED", UPDATE),
                Arguments.of(
                        "CREATE TABLE child () INHERITS (accounts); INSERT INTO child VALUES (1, 'child');"
                                + "CREATE TRIGGER w AFTER UPDATE ON child " + trigger,
                        UPDATE),
                Arguments.of(
                        "CREATE FUNCTION worded(int) RETURNS text LANGUAGE sql AS 'SELECT CASE WHEN wipe() THEN $$x$$ END';"
                                + "CREATE CAST (int AS text) WITH FUNCTION worded(int) AS ASSIGNMENT",
                        "UPDATE accounts SET name = 7 WHERE id = 1"),
                Arguments.of(
                        "CREATE FUNCTION counted(timestamptz) RETURNS bigint LANGUAGE sql AS 'SELECT 1 WHERE said(1) > $$$$';"
                                + "CREATE CAST (timestamptz AS bigint) WITH FUNCTION counted(timestamptz) AS IMPLICIT",
                        "UPDATE accounts SET state = 'old' WHERE id = 1 AND pg_size_pretty(now()) IS NULL"),
                Arguments.of(
                        "CREATE FUNCTION lower(int) RETURNS text LANGUAGE sql AS 'SELECT said($1)'",
                        "UPDATE accounts SET name = lower(7) WHERE id = 1"),
                Arguments.of(
                        "CREATE OR REPLACE FUNCTION harmless() RETURNS text LANGUAGE sql AS 'SELECT said(1)'",
                        "UPDATE accounts SET name = harmless() WHERE id = 1"),
                Arguments.of(
                        "CREATE OR REPLACE FUNCTION harmless() RETURNS text LANGUAGE sql AS 'SELECT said(1)'",
                        "UPDATE accounts SET name = \"harmless\"() WHERE id = 1"),
                Arguments.of(
                        "CREATE FUNCTION rowed(accounts) RETURNS text LANGUAGE sql AS 'SELECT said(1)'",
                        "UPDATE accounts SET name = accounts.rowed WHERE id = 1"),
                Arguments.of(
                        "CREATE FUNCTION equal(int, text) RETURNS boolean LANGUAGE sql AS 'SELECT said($1) > $2';"
                                + "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = text, FUNCTION = equal)",
                        "UPDATE accounts SET name = 'x' WHERE id === ''::text AND id = 1"),
                Arguments.of(
                        "CREATE FUNCTION equal(int, text) RETURNS boolean LANGUAGE sql AS 'SELECT said($1) > $2';"
                                + "CREATE OPERATOR = (LEFTARG = int, RIGHTARG = text, FUNCTION = equal)",
                        "UPDATE accounts SET state = 'old' WHERE id IN (name)"),
                Arguments.of(
                        "CREATE FUNCTION same(state, state) RETURNS boolean LANGUAGE sql AS 'SELECT said(1) > $1::text';"
                                + "CREATE OPERATOR public.= (LEFTARG = state, RIGHTARG = state, FUNCTION = same)",
                        "UPDATE accounts SET name = 'x' WHERE state = 'new' AND id = 1"),
                Arguments.of(
                        "ALTER TABLE accounts RENAME TO stored; CREATE VIEW accounts AS SELECT * FROM stored;"
                                + "CREATE TRIGGER w INSTEAD OF UPDATE ON accounts " + trigger,
                        UPDATE),
                Arguments.of(
                        "CREATE VIEW other_rows AS SELECT said(1) AS name",
                        "UPDATE accounts SET name = (SELECT name FROM other_rows) WHERE id = 1"),
                Arguments.of(
                        "ALTER TABLE users ADD account int DEFAULT 1 REFERENCES accounts ON DELETE CASCADE",
                        "DELETE FROM accounts WHERE id = 1"),
                Arguments.of(
                        "ALTER TABLE users ADD account int DEFAULT 1 REFERENCES accounts ON UPDATE SET NULL",
                        "UPDATE accounts SET id = 6000 WHERE id = 1"));
    }

    @ParameterizedTest
    @MethodSource("definedAMomentAgo")
    void what_a_new_definition_takes_away_is_counted(String definition, String sql) throws Exception {
        for (boolean autoCommit : new boolean[] {true, false}) {
            database.run(definition.split(";"));
            if (database.value("SELECT count(*) FROM users").equals("0")) { // of an index that was built by it
                database.run("INSERT INTO users SELECT generate_series(1, 5000)");
            }
            connection.setAutoCommit(autoCommit);
            try {
                execute(sql);
                if (!autoCommit) {
                    connection.commit();
                }
            } catch (SQLException e) {
                assertThat(e.getSQLState()).as(e.getMessage()).startsWith("ZB");
                if (!autoCommit) {
                    connection.rollback();
                }
            }
            assertThat(database.value("SELECT count(*) FROM users"
                            + (definition.contains("account int") ? " WHERE account = 1" : "")))
                    .isEqualTo("5000");
            close();
            connect(database);
        }
    }

    @Test
    void a_trigger_that_is_created_while_the_write_waits_for_its_table_is_counted() throws Exception {
        try (Connection other = database.connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("CREATE TRIGGER w AFTER UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION wiping()");
            CompletableFuture<String> writing = CompletableFuture.supplyAsync(() -> {
                try {
                    execute(UPDATE);
                    return "executed";
                } catch (SQLException e) {
                    return String.valueOf(e.getSQLState());
                }
            });
            while (database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    .equals("0")) {
                Thread.onSpinWait();
            }
            other.commit();
            assertThat(writing.get()).isEqualTo("ZB010");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void the_limit_and_the_budget_are_those_of_what_was_answered(boolean autoCommit) throws SQLException {
        connection.setAutoCommit(autoCommit);
        assertThatThrownBy(() -> execute("UPDATE accounts SET state = 'old' WHERE id > 0"))
                .hasMessageContaining("it changed 3000 rows");
        assertThatThrownBy(() -> execute("DELETE FROM owners WHERE id > 4"))
                .hasMessageContaining("it changed 6 rows, more than 50 percent of owners");
        try (PreparedStatement update = connection.prepareStatement("UPDATE accounts SET state = 'old' WHERE id = ?")) {
            for (int i = 1; i < 9; i++) {
                update.setInt(1, i);
                assertThat(update.executeUpdate()).isEqualTo(1);
            }
        }
        execute("DELETE FROM accounts WHERE id <= 3");
        if (!autoCommit) {
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM accounts WHERE state = 'new'"))
                .isEqualTo("2992");
        assertThat(database.value("SELECT count(*) FROM accounts")).isEqualTo("2997");
    }
}
