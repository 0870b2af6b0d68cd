package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** No statement is judged by what the catalog no longer says. */
@Sampled
@ExtendWith(PostgresExtension.class)
class CatalogFreshnessTest {
    private static final String WIPE =
            "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM kept RETURNING id'";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Backstop strict;
    private Backstop lax;

    @BeforeEach
    void create(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE kept (id int)",
                "INSERT INTO kept VALUES (1)",
                "CREATE FUNCTION harmless() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'");
        strict = Backstop.builder()
                .policy("strict")
                .control(folder.resolve("strict.db"))
                .build();
        lax = Backstop.builder()
                .policy("application")
                .snapshots(new FakeSnapshots())
                .control(folder.resolve("lax.db"))
                .build();
    }

    @AfterEach
    void close() throws SQLException {
        strict.close();
        lax.close();
        assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("1");
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void assertHeld(ThrowingCallable query) {
        assertThatThrownBy(query).isInstanceOf(ApprovalRequiredException.class);
    }

    @Test
    void an_unguarded_clients_new_function_is_seen_at_once() throws SQLException {
        try (Connection reader = strict.guard(database.connect())) {
            execute(reader, "SELECT harmless()");
            database.run(WIPE);
            assertHeld(() -> execute(reader, "SELECT wipe()"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE VIEW late AS SELECT wipe() AS id; SELECT * FROM late",
                "CREATE DOMAIN late AS int CHECK (VALUE > wipe()); SELECT 1::late",
                "CREATE FUNCTION late(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT wipe()'; SELECT (1).late",
                "CREATE OPERATOR <%%> (FUNCTION = pairwise, LEFTARG = int, RIGHTARG = int); SELECT 1 <%%> 2",
                "ALTER TABLE kept ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON kept USING (wipe() = 1); SELECT * FROM kept"
            })
    void an_unguarded_clients_new_name_is_seen_at_once(String sql) throws SQLException {
        String[] statements = sql.split("; ", -1);
        database.run(WIPE, "CREATE FUNCTION pairwise(int, int) RETURNS int LANGUAGE sql AS 'SELECT wipe()'");
        try (Connection reader = strict.guard(database.connect())) {
            execute(reader, "SELECT harmless()");
            for (int i = 0; i < statements.length - 1; i++) {
                database.run(statements[i]);
            }
            assertHeld(() -> execute(reader, statements[statements.length - 1]));
        }
    }

    /** In what is not SAFE, which no fence holds back. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO log SELECT harmless()",
                "INSERT INTO log SELECT calls()",
                "INSERT INTO log SELECT id FROM seen",
                "INSERT INTO log SELECT id FROM over_it",
                "INSERT INTO log VALUES (1 <%> 2)",
                "INSERT INTO log VALUES (1::number)",
                "INSERT INTO log SELECT id FROM ruled",
                "UPDATE log SET id = harmless() WHERE id = 1",
                "DELETE FROM log WHERE id = harmless() + 1",
                "MERGE INTO log USING (VALUES (1)) AS v (id) ON log.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (harmless())",
                "SELECT setval('numbers', harmless())",
                "CREATE TEMP TABLE made AS SELECT harmless()",
                "EXPLAIN ANALYZE INSERT INTO log SELECT harmless()"
            })
    void what_an_unguarded_client_replaced_is_seen_by_the_next_write(String sql) throws SQLException {
        if (sql.startsWith("MERGE") && database.majorVersion() < 15) {
            return;
        }
        database.run(
                "CREATE TABLE log (id int)",
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION calls() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN harmless(); END'",
                "CREATE VIEW seen AS SELECT 1 AS id",
                "CREATE VIEW over_it AS SELECT * FROM seen",
                "CREATE FUNCTION pairwise(int, int) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'",
                "CREATE OPERATOR <%> (FUNCTION = pairwise, LEFTARG = int, RIGHTARG = int)",
                "CREATE DOMAIN number AS int CHECK (VALUE > 0)",
                "CREATE TABLE ruled AS SELECT 1 AS id",
                "ALTER TABLE ruled ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY p ON ruled USING (true)");
        try (Connection writer = strict.guard(database.connect());
                Statement statement = writer.createStatement()) {
            statement.execute(sql);
            statement.execute(sql.replace("made", "made_again"));
            database.run(
                    WIPE,
                    "CREATE OR REPLACE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT wipe()'",
                    "CREATE OR REPLACE VIEW seen AS SELECT wipe() AS id",
                    "CREATE OR REPLACE FUNCTION pairwise(int, int) RETURNS int LANGUAGE sql AS 'SELECT wipe()'",
                    "ALTER DOMAIN number ADD CHECK (VALUE <> wipe() + 100) NOT VALID",
                    "ALTER POLICY p ON ruled USING (wipe() = 1)");
            assertHeld(() -> statement.execute(sql.replace("made", "made_once_more")));
        }
    }

    @Test
    void a_prepared_write_is_judged_by_what_it_calls_now() throws SQLException {
        database.run("CREATE TABLE log (id int)");
        try (Connection writer = strict.guard(database.connect());
                PreparedStatement insert = writer.prepareStatement("INSERT INTO log SELECT ? + harmless()")) {
            writer.setAutoCommit(false);
            for (int i = 0; i < 7; i++) {
                insert.setInt(1, i);
                insert.executeUpdate();
            }
            database.run(WIPE, "CREATE OR REPLACE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT wipe()'");
            assertHeld(insert::executeUpdate);
            writer.commit();
        }
    }

    @Test
    void a_text_that_failed_for_want_of_a_name_is_judged_anew() throws SQLException {
        try (Connection reader = strict.guard(database.connect())) {
            assertThatThrownBy(() -> execute(reader, "SELECT * FROM late"))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("does not exist");
            database.run(WIPE, "CREATE VIEW late AS SELECT wipe()");
            assertHeld(() -> execute(reader, "SELECT * FROM late"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SELECT * FROM seen", "INSERT INTO written VALUES (1)"})
    void a_clock_that_is_set_back_makes_nothing_fresh(String sql) throws Exception {
        SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
        database.run("CREATE TABLE seen (id int)", "CREATE TABLE written (id int)", WIPE);
        try (Backstop backstop = Backstop.builder()
                        .policy("application")
                        .clock(clock)
                        .control(SqlControlStore.sqlite(folder.resolve("clock.db"), clock))
                        .build();
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, sql);
            clock.advance(Duration.ofHours(-1));
            database.run(
                    "DROP TABLE seen",
                    "CREATE VIEW seen AS SELECT wipe() AS id",
                    "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM wipe(); RETURN NEW; END'",
                    "CREATE TRIGGER t BEFORE INSERT ON written EXECUTE FUNCTION t()",
                    "INSERT INTO kept SELECT generate_series(2, 2000)");
            assertThatThrownBy(() -> execute(connection, sql)).isInstanceOf(BackstopException.class);
        }
        assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("2000");
        database.run("DELETE FROM kept WHERE id > 1");
    }

    /** Both guards share nothing; the two connections of one guard do. */
    @Test
    void a_functions_maker_sees_it_before_the_commit_and_the_others_after() throws Exception {
        try (Connection maker = lax.guard(database.connect());
                Connection other = lax.guard(database.connect())) {
            maker.setAutoCommit(false);
            execute(maker, WIPE.replace("DELETE FROM kept RETURNING id", "SELECT 1"));
            execute(other, "SELECT harmless()"); // fills what all sessions share
            assertThatThrownBy(() -> execute(maker, "DECLARE c CURSOR FOR SELECT wipe()"))
                    .isInstanceOf(BackstopException.class)
                    .hasMessageContaining("runs code of the user's");
            execute(other, "SELECT harmless()");
            maker.commit();
            other.setAutoCommit(false);
            assertThatThrownBy(() -> execute(other, "DECLARE c CURSOR FOR SELECT wipe()"))
                    .isInstanceOf(BackstopException.class)
                    .hasMessageContaining("runs code of the user's");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jdbc", "text", "autocommit", "chain"})
    void a_replaced_function_is_known_to_all_once_it_is_committed(String how) throws Exception {
        try (Connection maker = lax.guard(database.connect());
                Connection other = lax.guard(database.connect())) {
            execute(other, "SELECT harmless()");
            maker.setAutoCommit(false);
            execute(maker, "CREATE OR REPLACE FUNCTION harmless() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 2'");
            execute(other, "SELECT harmless()"); // the old one, read again before the commit
            switch (how) {
                case "jdbc" -> maker.commit();
                case "text" -> execute(maker, "COMMIT");
                case "autocommit" -> maker.setAutoCommit(true);
                default -> execute(maker, "COMMIT AND CHAIN");
            }
            other.setAutoCommit(false);
            assertThatThrownBy(() -> execute(other, "DECLARE c CURSOR FOR SELECT harmless()"))
                    .isInstanceOf(BackstopException.class)
                    .hasMessageContaining("runs code of the user's");
        }
    }

    @Test
    void a_rollback_to_the_old_definition_in_the_same_text_is_not_trusted() throws Exception {
        database.run(WIPE);
        try (Connection maker = lax.guard(database.connect())) {
            maker.setAutoCommit(false);
            execute(maker, "DROP FUNCTION wipe()");
            assertThatThrownBy(() -> execute(maker, "ROLLBACK; SELECT wipe()")).isInstanceOf(BackstopException.class);
            execute(maker, "ROLLBACK");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jdbc", "text"})
    void what_a_session_saw_behind_a_savepoint_is_forgotten_when_it_goes_back(String how) throws Exception {
        database.run(WIPE, "CREATE VIEW seen AS SELECT wipe() AS id");
        try (Connection maker = lax.guard(database.connect())) {
            maker.setAutoCommit(false);
            execute(maker, "SELECT 1");
            Savepoint savepoint = maker.setSavepoint("before");
            execute(maker, "DROP VIEW seen");
            execute(maker, "CREATE TABLE seen (id int)");
            execute(maker, "DECLARE c CURSOR FOR SELECT id FROM seen");
            if (how.equals("jdbc")) {
                maker.rollback(savepoint);
            } else {
                execute(maker, "ROLLBACK TO before");
            }
            assertThatThrownBy(() -> execute(maker, "DECLARE c CURSOR FOR SELECT id FROM seen"))
                    .isInstanceOf(BackstopException.class)
                    .hasMessageContaining("runs code of the user's");
        }
    }

    @Test
    void definitions_that_a_trigger_made_are_nobody_elses_before_the_commit() throws Exception {
        database.run(
                WIPE,
                "CREATE VIEW seen AS SELECT wipe() AS id",
                "CREATE TABLE log (id int)",
                "CREATE TABLE wanted (id int)",
                "CREATE FUNCTION define() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN DROP VIEW seen;"
                        + " CREATE TABLE seen (id int);"
                        + " CREATE FUNCTION late() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'; RETURN NEW; END$$",
                "CREATE TRIGGER define BEFORE INSERT ON wanted FOR EACH ROW EXECUTE FUNCTION define()");
        try (Connection maker = strict.guard(database.connect());
                Connection other = strict.guard(database.connect())) {
            maker.setAutoCommit(false);
            execute(maker, "INSERT INTO wanted VALUES (1)");
            execute(maker, "SELECT late()");
            execute(maker, "INSERT INTO log SELECT id FROM seen");
            maker.rollback();
            assertHeld(() -> execute(other, "INSERT INTO log SELECT id FROM seen"));
            assertHeld(() -> execute(maker, "INSERT INTO log SELECT id FROM seen"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ROLLBACK; SELECT wipe()", "ABORT; SELECT * FROM seen", "ROLLBACK WORK; SELECT 1 <%> 2"})
    void what_follows_a_rollback_in_one_text_is_looked_up_behind_a_failed_transaction(String sql) throws SQLException {
        database.run(
                WIPE,
                "CREATE VIEW seen AS SELECT wipe()",
                "CREATE FUNCTION pairwise(int, int) RETURNS int LANGUAGE sql AS 'SELECT wipe()'",
                "CREATE OPERATOR <%> (FUNCTION = pairwise, LEFTARG = int, RIGHTARG = int)");
        try (Connection reader = strict.guard(database.connect())) {
            reader.setAutoCommit(false);
            assertThatThrownBy(() -> execute(reader, "SELECT 1/0")).hasMessageContaining("division by zero");
            assertHeld(() -> execute(reader, sql));
            assertHeld(() -> execute(reader, "SELECT wipe()"));
            execute(reader, "ROLLBACK");
            execute(reader, "SELECT 1");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"COMMIT; SELECT wipe()", "ROLLBACK AND CHAIN; SELECT * FROM seen", "COMMIT; SELECT 1 <%> 2"})
    void nothing_runs_behind_a_failed_transaction_in_one_text(String sql) throws SQLException {
        database.run(
                WIPE,
                "CREATE VIEW seen AS SELECT wipe()",
                "CREATE FUNCTION pairwise(int, int) RETURNS int LANGUAGE sql AS 'SELECT wipe()'",
                "CREATE OPERATOR <%> (FUNCTION = pairwise, LEFTARG = int, RIGHTARG = int)");
        try (Connection reader = strict.guard(database.connect())) {
            reader.setAutoCommit(false);
            assertThatThrownBy(() -> execute(reader, "SELECT 1/0")).hasMessageContaining("division by zero");
            // It would be held, but who asks cannot be found out in this state of the transaction.
            assertThatThrownBy(() -> execute(reader, sql)).hasMessageContaining("current transaction is aborted");
            assertThatThrownBy(() -> execute(reader, "SELECT wipe()"))
                    .hasMessageContaining("current transaction is aborted");
            execute(reader, "ROLLBACK");
            execute(reader, "SELECT 1");
        }
    }

    @Test
    void a_transaction_with_an_old_view_of_the_catalog_does_not_call_what_it_cannot_look_up() throws SQLException {
        try (Connection reader = strict.guard(database.connect(), () -> Optional.of(database.connect()))) {
            reader.setAutoCommit(false);
            reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            execute(reader, "SELECT id FROM kept");
            database.run(WIPE);
            assertThatThrownBy(() -> execute(reader, "SELECT wipe()"))
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessageContaining("sees other definitions than are committed by now");
            execute(reader, "SELECT lower('A'), count(*) FROM kept");
        }
    }

    @Test
    void threads_that_need_the_catalog_at_once_all_get_it() throws Exception {
        database.run(WIPE);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Callable<Boolean>> readers = Collections.nCopies(8, this::readOnce);
        try {
            for (Future<Boolean> result : threads.invokeAll(readers)) {
                result.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private boolean readOnce() throws SQLException {
        try (Connection reader = strict.guard(database.connect())) {
            assertHeld(() -> execute(reader, "SELECT wipe()"));
            execute(reader, "SELECT harmless()");
        }
        return true;
    }
}
