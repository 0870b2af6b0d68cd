package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.snapshot.Connections;
import io.backstop.jdbc.control.SqlControlStore;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** An approved statement runs the code with which it was approved: others replace it in vain, and what it does itself counts not. */
@Sampled
@ExtendWith(PostgresExtension.class)
class ApprovedCodeTest {
    private static final String POLICY = """
            {"require_approval_for_risks": ["WRITE", "HIGH", "CRITICAL"], "snapshot_mode": "off",
             "require_recovery_for_critical": false}""";

    private static final String ACT = "CREATE OR REPLACE FUNCTION act() RETURNS int LANGUAGE plpgsql AS ";

    private static final String WIPES = "'BEGIN DELETE FROM users; RETURN 1; END'";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;

    @BeforeEach
    void create(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY)",
                "CREATE TABLE notes (id int, note text)",
                "CREATE TABLE stage (id int)",
                "CREATE TABLE ten (id int PRIMARY KEY)",
                "INSERT INTO users SELECT n FROM generate_series(1, 10) AS n",
                "INSERT INTO ten SELECT n FROM generate_series(1, 10) AS n",
                ACT + "'BEGIN RETURN 1; END'",
                "CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
                "CREATE TRIGGER fires BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION fired()",
                "CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN NULL; END'");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .control(store)
                .policy(new PolicyReader().read(POLICY, "everything is held"))
                .agentId("agent")
                .build();
    }

    @AfterEach
    void close() {
        backstop.close();
    }

    private Connection connect(boolean second) throws SQLException {
        return backstop.guard(database.connect(), second ? () -> Optional.of(database.connect()) : Connections.NONE);
    }

    private static void execute(Connection on, String sql) throws SQLException {
        try (Statement statement = on.createStatement()) {
            statement.execute(sql);
        }
    }

    private void approved(Connection connection, String sql) throws SQLException {
        String id = catchThrowableOfType(ApprovalRequiredException.class, () -> execute(connection, sql))
                .approvalId();
        store.approvals().decide(id, true, "ops");
    }

    private void assertNothingLost() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
    }

    static Stream<Arguments> replacements() {
        List<List<String>> ways = List.of(
                List.of("SELECT act()", ACT + WIPES),
                List.of(
                        "INSERT INTO notes VALUES (1, 'x')",
                        "CREATE OR REPLACE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS"
                                + " 'BEGIN DELETE FROM users; RETURN new; END'"),
                List.of(
                        "CALL work()",
                        "CREATE OR REPLACE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; END'"),
                List.of("DO 'BEGIN PERFORM act(); END'", ACT + WIPES));
        return Stream.of("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
                .flatMap(level -> ways.stream()
                        .flatMap(way -> Stream.of(true, false)
                                .map(second -> arguments(level, way.get(0), way.get(1), second))));
    }

    @ParameterizedTest
    @MethodSource("replacements")
    void code_that_another_replaced_is_not_run_by_an_approval_at_any_isolation_level(
            String level, String sql, String replacement, boolean second) throws SQLException {
        try (Connection connection = connect(second)) {
            connection.setAutoCommit(false);
            execute(connection, "SET TRANSACTION ISOLATION LEVEL " + level);
            execute(connection, "SELECT 1 FROM ten");
            if (second || level.equals("READ COMMITTED")) {
                approved(connection, sql);
            }
            database.run(replacement);
            assertThatThrownBy(() -> execute(connection, sql)).isInstanceOf(BackstopException.class);
            connection.commit();
        }
        assertNothingLost();
    }

    @Test
    void an_approval_is_not_asked_for_where_the_transaction_does_not_see_what_runs() throws SQLException {
        try (Connection connection = connect(true)) {
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.setAutoCommit(false);
            execute(connection, "SELECT 1 FROM ten");
            database.run(ACT + WIPES);
            assertThatThrownBy(() -> execute(connection, "SELECT act()"))
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessage("SELECT is refused: at its isolation level the transaction sees other definitions than"
                            + " are committed by now, so an approval cannot name what would run; nothing was run\n"
                            + "HINT: end the transaction, and send the statement in a new one");
            connection.rollback();
            assertThatThrownBy(() -> execute(connection, "SELECT act()")).isInstanceOf(ApprovalRequiredException.class);
        }
        assertThat(store.approvals().list(ApprovalState.PENDING)).hasSize(1);
    }

    @Test
    void without_a_second_connection_an_approval_is_not_asked_for_above_read_committed() throws SQLException {
        try (Connection connection = connect(false)) {
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            assertThatThrownBy(() -> execute(connection, "SELECT act()"))
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessage("SELECT is refused: at this isolation level an approval is used only where a second"
                            + " connection tells what the server runs, and none is to be had; nothing was run\n"
                            + "HINT: send it at READ COMMITTED, or give the guard a way to a second connection, as the"
                            + " URL jdbc:backstop:postgresql: has");
        }
    }

    @ParameterizedTest
    @CsvSource({"REPEATABLE READ, true", "REPEATABLE READ, false", "SERIALIZABLE, true", "SERIALIZABLE, false"})
    void what_is_approved_runs_above_read_committed_where_nothing_was_replaced(String level, boolean inTransaction)
            throws SQLException {
        try (Connection connection = connect(true)) {
            execute(connection, "SET default_transaction_isolation = '" + level.toLowerCase(Locale.ROOT) + "'");
            connection.setAutoCommit(!inTransaction);
            if (inTransaction) {
                execute(connection, "SELECT 1 FROM ten");
            }
            approved(connection, "INSERT INTO notes SELECT act(), 'x'");
            execute(connection, "INSERT INTO notes SELECT act(), 'x'");
            if (inTransaction) {
                connection.commit();
            }
        }
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("1");
    }

    static Stream<Arguments> levelsAndDefinitions() {
        return Stream.of("read committed", "repeatable read", "serializable")
                .flatMap(level -> Stream.of(
                        arguments(
                                level,
                                "CREATE FUNCTION wipes() RETURNS trigger LANGUAGE plpgsql AS"
                                        + " 'BEGIN DELETE FROM users; RETURN new; END'; CREATE TRIGGER wipes BEFORE INSERT"
                                        + " ON notes FOR EACH ROW EXECUTE FUNCTION wipes()"),
                        arguments(level, ACT + WIPES)));
    }

    @ParameterizedTest
    @MethodSource("levelsAndDefinitions")
    void code_that_another_makes_while_the_approved_statement_waits_is_undone(String level, String definition)
            throws Exception {
        String sql = "INSERT INTO notes SELECT act(), 'x'";
        try (Connection connection = connect(true)) {
            execute(connection, "SET default_transaction_isolation = '" + level + "'");
            approved(connection, sql);
            assertRefused(connection, sql, "LOCK TABLE notes IN SHARE ROW EXCLUSIVE MODE", definition);
        }
        assertNothingLost();
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("0");
    }

    private void assertRefused(Connection connection, String sql, String lock, String definition) throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Connection other = database.connect()) {
            other.setAutoCommit(false);
            execute(other, lock);
            execute(other, definition);
            Future<?> waiting = threads.submit(() -> {
                execute(connection, sql);
                return sql;
            });
            awaitLock(waiting);
            other.commit();
            assertThatThrownBy(waiting::get)
                    .cause()
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessageContaining("what the approved statement runs was replaced while it waited for a lock");
        } finally {
            threads.shutdownNow();
        }
    }

    private void awaitLock(Future<?> waiting) throws SQLException {
        while (!waiting.isDone()
                && database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                        .equals("0")) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void code_that_another_puts_back_while_it_runs_is_undone(boolean second) throws Exception {
        String sql = "SELECT act() FROM ten WHERE id = 1 FOR UPDATE";
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Connection connection = connect(second);
                Connection other = database.connect()) {
            approved(connection, sql);
            other.setAutoCommit(false);
            execute(other, "SELECT pg_advisory_lock(1)");
            execute(other, "LOCK TABLE ten IN ACCESS EXCLUSIVE MODE");
            execute(other, ACT + "'BEGIN DELETE FROM users; PERFORM pg_advisory_xact_lock(1); RETURN 1; END'");
            Future<?> waiting = threads.submit(() -> {
                execute(connection, sql);
                return sql;
            });
            awaitLock(waiting);
            other.commit();
            while (!waiting.isDone()
                    && database.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
                            .equals("0")) {
                Thread.onSpinWait();
            }
            execute(other, ACT + "'BEGIN RETURN 1; END'");
            other.commit();
            execute(other, "SELECT pg_advisory_unlock(1)");
            assertThatThrownBy(waiting::get).hasCauseInstanceOf(StatementBlockedException.class);
        } finally {
            threads.shutdownNow();
        }
        assertNothingLost();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void code_that_puts_back_what_it_replaced_is_undone(boolean second) throws Exception {
        String sql = "SELECT act() FROM ten WHERE id = 1 FOR UPDATE";
        try (Connection connection = connect(second)) {
            approved(connection, sql);
            assertRefused(
                    connection,
                    sql,
                    "LOCK TABLE ten IN ACCESS EXCLUSIVE MODE",
                    ACT + "$f$BEGIN DELETE FROM users; EXECUTE '" + ACT + "''BEGIN RETURN 1; END'''; RETURN 1; END$f$");
        }
        assertNothingLost();
    }

    static Stream<Arguments> ownDoings() {
        return Stream.of(
                        "PERFORM set_config(''app.user'', ''me'', true); PERFORM current_setting(''app.user'')",
                        "PERFORM set_config(''app.user'', ''me'', false); PERFORM current_setting(''app.user'')",
                        "SET LOCAL search_path = pg_catalog, public",
                        "SET search_path = public",
                        "SET TimeZone = ''Asia/Tokyo''",
                        "SET LOCAL bytea_output = ''escape''",
                        "CREATE TEMP TABLE IF NOT EXISTS seen (id int); INSERT INTO seen VALUES (1)",
                        "CREATE TABLE fresh AS SELECT 1 AS id",
                        "BEGIN CREATE TABLE fresh (id int PRIMARY KEY); EXCEPTION WHEN duplicate_table THEN NULL; END",
                        "CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS ''SELECT 2''",
                        "DROP TABLE IF EXISTS stage; CREATE TABLE stage (id int)",
                        "ALTER TABLE stage ADD COLUMN note text DEFAULT ''x''",
                        "CREATE OR REPLACE FUNCTION made() RETURNS int LANGUAGE sql AS ''SELECT 2''")
                .flatMap(doing -> Stream.of(true, false)
                        .filter(second -> second || !doing.matches("(DROP|ALTER|CREATE OR).*"))
                        .flatMap(second -> Stream.of(
                                arguments(doing, second, "SELECT act()", true),
                                arguments(doing, second, "INSERT INTO notes SELECT act(), 'x'", false))));
    }

    @ParameterizedTest
    @MethodSource("ownDoings")
    void what_the_approved_statement_does_itself_is_no_replacement(
            String doing, boolean second, String sql, boolean autoCommit) throws SQLException {
        database.run(ACT + "'BEGIN " + doing + "; INSERT INTO ten VALUES (11); RETURN 1; END'");
        try (Connection connection = connect(second)) {
            connection.setAutoCommit(autoCommit);
            approved(connection, sql);
            assertThatCode(() -> execute(connection, sql)).doesNotThrowAnyException();
            if (!autoCommit) {
                connection.commit();
            }
        }
        assertThat(database.value("SELECT count(*) FROM ten")).isEqualTo("11");
    }
}
