package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalExpiredException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.PausedException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.error.UnguardedAccessException;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

import java.io.StringReader;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** What an agent meets on a guarded connection to a real PostgreSQL. */
@ExtendWith(PostgresExtension.class)
class GuardedSessionTest {
    @TempDir
    private Path folder;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
    private final FakeSnapshots snapshots = new FakeSnapshots();
    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) AS n");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), clock);
        guard(Policy.strict());
    }

    private void guard(Policy policy) throws SQLException {
        if (connection != null) {
            connection.close();
        }
        backstop = builder().policy(policy).build();
        connection = backstop.guard(database.connect());
    }

    private BackstopBuilder builder() {
        return Backstop.builder()
                .control(store)
                .snapshots(snapshots)
                .agentId("agent")
                .clock(clock);
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    /** Has everything written that the audit still holds back. */
    private void reopenStore() throws SQLException {
        backstop.close();
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), clock);
        backstop = builder().build();
    }

    private int update(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private String heldAs(String sql) {
        ApprovalRequiredException held = catchThrowableOfType(ApprovalRequiredException.class, () -> execute(sql));
        assertThat((Object) held).as("held: %s", sql).isNotNull();
        assertThat(held.getSQLState()).isEqualTo("ZB002");
        return held.approvalId();
    }

    private void approve(String id) throws SQLException {
        assertThat(store.approvals()
                        .decide(id, true, "ops")
                        .orElseThrow()
                        .approval()
                        .state())
                .isEqualTo(ApprovalState.APPROVED);
    }

    private boolean usersAreThere() throws SQLException {
        return Boolean.parseBoolean(database.value("SELECT (to_regclass('public.users') IS NOT NULL)::text"));
    }

    @Test
    void a_foreign_table_can_be_dropped_where_no_storage_would_keep_its_definition() throws SQLException {
        database.run(
                "DROP FOREIGN DATA WRAPPER IF EXISTS nowhere CASCADE",
                "CREATE FOREIGN DATA WRAPPER nowhere",
                "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
                "CREATE FOREIGN TABLE far (id int) SERVER elsewhere");
        try (Backstop bare = Backstop.builder()
                        .control(folder.resolve("bare.db"))
                        .policy("application")
                        .build();
                Connection guarded = bare.guard(database.connect());
                Statement statement = guarded.createStatement()) {
            statement.execute("DROP FOREIGN TABLE far");
            assertThatThrownBy(() -> statement.execute("DROP TABLE users"))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("no storage is configured");
        }
        assertThat(database.value("SELECT to_regclass('far') IS NULL")).isEqualTo("t");
    }

    @Test
    void reads_and_scoped_writes_run() throws SQLException {
        assertThat(update("UPDATE users SET name = 'Ada' WHERE id = 7")).isEqualTo(1);
        try (PreparedStatement select = connection.prepareStatement("SELECT name FROM users WHERE id = ?")) {
            select.setInt(1, 7);
            try (ResultSet row = select.executeQuery()) {
                assertThat(row.next()).isTrue();
                assertThat(row.getString(1)).isEqualTo("Ada");
            }
        }
        assertThat(snapshots.requests).isEmpty();
    }

    @Test
    void a_held_statement_does_not_run_until_it_is_approved_and_then_once() throws SQLException {
        String id = heldAs("DROP TABLE users");
        assertThat(heldAs("DROP TABLE users")).as("asked again while undecided").isEqualTo(id);
        assertThat(usersAreThere()).isTrue();
        approve(id);
        execute("DROP TABLE users");
        assertThat(usersAreThere()).isFalse();
        assertThat(snapshots.requests).singleElement().satisfies(request -> {
            assertThat(request.approvalId()).contains(id);
            assertThat(request.agentId()).isEqualTo("agent");
        });
        assertThat(heldAs("DROP TABLE users")).isNotEqualTo(id);
    }

    @Test
    void an_approval_serves_no_other_text_agent_or_search_path() throws Exception {
        String id = heldAs("DROP TABLE users");
        approve(id);
        assertThat(heldAs("DROP TABLE  users")).isNotEqualTo(id);
        Backstop.asAgent("other", () -> assertThat(heldAs("DROP TABLE users")).isNotEqualTo(id));
        execute("SET search_path = pg_temp, public");
        assertThat(heldAs("DROP TABLE users")).isNotEqualTo(id);
        execute("RESET search_path");
        execute("DROP TABLE users");
        assertThat(usersAreThere()).isFalse();
    }

    @Test
    void an_approval_is_bound_to_the_values() throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement("DELETE FROM users WHERE id = ? OR true")) {
            delete.setInt(1, 1);
            ApprovalRequiredException held =
                    catchThrowableOfType(ApprovalRequiredException.class, delete::executeUpdate);
            approve(held.approvalId());
            delete.setInt(1, 2);
            assertThat(catchThrowableOfType(ApprovalRequiredException.class, delete::executeUpdate)
                            .approvalId())
                    .isNotEqualTo(held.approvalId());
            delete.setInt(1, 1);
            assertThat(delete.executeUpdate()).isEqualTo(5000);
        }
    }

    @Test
    void a_value_that_can_be_read_only_once_cannot_be_approved() throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE users SET name = ?")) {
            update.setCharacterStream(1, new StringReader("x"), 1);
            assertThatThrownBy(update::executeUpdate)
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessageContaining("HINT: bind it with setBytes or setString");
        }
    }

    @Test
    void no_value_is_in_the_request_or_the_audit() throws Exception {
        try (PreparedStatement update = connection.prepareStatement("UPDATE users SET name = ?")) {
            update.setString(1, "top-secret-value");
            assertThatThrownBy(update::executeUpdate).isInstanceOf(ApprovalRequiredException.class);
        }
        assertThat(store.approvals().list(ApprovalState.PENDING).toString()).doesNotContain("top-secret-value");
        assertThat(store.audit().newest(10).toString()).doesNotContain("top-secret-value");
    }

    @Test
    void a_password_in_the_text_is_masked() throws Exception {
        heldAs("ALTER ROLE postgres PASSWORD 'hunter2'");
        assertThat(store.approvals().list(ApprovalState.PENDING).toString())
                .doesNotContain("hunter2")
                .contains("***");
        assertThat(store.audit().newest(10).toString()).doesNotContain("hunter2");
    }

    @Test
    void a_denied_statement_is_refused_without_asking_again() throws SQLException {
        String id = heldAs("TRUNCATE users");
        store.approvals().decide(id, false, "ops");
        assertThatThrownBy(() -> execute("TRUNCATE users"))
                .isInstanceOf(ApprovalDeniedException.class)
                .hasMessageContaining(id)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("ZB003");
        clock.advance(Duration.ofMinutes(15));
        assertThat(heldAs("TRUNCATE users")).isNotEqualTo(id);
    }

    @Test
    void an_expired_request_is_told_once_and_then_asked_anew() {
        String id = heldAs("TRUNCATE users");
        clock.advance(Duration.ofMinutes(15));
        assertThatThrownBy(() -> execute("TRUNCATE users"))
                .isInstanceOf(ApprovalExpiredException.class)
                .hasMessageContaining(id);
        assertThat(heldAs("TRUNCATE users")).isNotEqualTo(id);
    }

    @Test
    void a_failed_snapshot_leaves_the_rows_and_gives_the_approval_back() throws SQLException {
        String id = heldAs("TRUNCATE users");
        approve(id);
        snapshots.failsBefore = true;
        assertThatThrownBy(() -> execute("TRUNCATE users"))
                .isInstanceOf(RecoveryNotReadyException.class)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("ZB007");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        snapshots.failsBefore = false;
        execute("TRUNCATE users");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_snapshot_service_that_breaks_is_a_refusal(boolean beforeTheStatement) throws SQLException {
        guard(Policy.application());
        RuntimeException broken = new IllegalStateException("Bob's row");
        if (beforeTheStatement) {
            snapshots.breaksBefore = Optional.of(broken);
        } else {
            snapshots.breaksAfter = Optional.of(broken);
        }
        assertThatThrownBy(() -> execute("DROP TABLE users"))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessage("the rows could not be secured: java.lang.IllegalStateException; nothing was changed\n"
                        + "HINT: see the cause of this error")
                .hasCause(broken);
        assertThat(usersAreThere()).isTrue();
        assertThat(connection.getAutoCommit()).isTrue();
        connection.setAutoCommit(false);
        execute("INSERT INTO users VALUES (0, 'mine')");
        assertThatThrownBy(() -> execute("DROP TABLE users")).isInstanceOf(RecoveryNotReadyException.class);
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5001");
    }

    @Test
    void what_destroyed_more_than_was_stored_is_rolled_back() throws SQLException {
        guard(Policy.application());
        snapshots.findsMoreDestroyed = true;
        assertThatThrownBy(() -> execute("TRUNCATE users")).isInstanceOf(RecoveryNotReadyException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        assertThat(connection.getAutoCommit()).isTrue();
        connection.setAutoCommit(false);
        update("UPDATE users SET name = 'kept' WHERE id = 1");
        assertThatThrownBy(() -> execute("TRUNCATE users")).isInstanceOf(RecoveryNotReadyException.class);
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'kept'"))
                .isEqualTo("1");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void a_refusal_leaves_the_callers_transaction_usable() throws SQLException {
        connection.setAutoCommit(false);
        update("UPDATE users SET name = 'mine' WHERE id = 1");
        heldAs("TRUNCATE users");
        assertThatThrownBy(() -> execute("DROP DATABASE postgres")).isInstanceOf(StatementBlockedException.class);
        update("UPDATE users SET name = 'mine' WHERE id = 2");
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'mine'"))
                .isEqualTo("2");
    }

    @Test
    void a_destructive_statement_in_autocommit_leaves_autocommit_on_and_its_rows_readable() throws SQLException {
        guard(Policy.application());
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(10);
            try (ResultSet rows = statement.executeQuery("DELETE FROM users RETURNING id")) {
                int count = 0;
                while (rows.next()) {
                    count++;
                }
                assertThat(count).isEqualTo(5000);
            }
            assertThat(statement.getFetchSize()).isEqualTo(10);
        }
        assertThat(connection.getAutoCommit()).isTrue();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    @Test
    void a_scoped_write_gives_all_its_rows_whatever_the_fetch_size() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(3);
            try (ResultSet rows = statement.executeQuery("DELETE FROM users WHERE id <= 10 RETURNING id")) {
                int count = 0;
                while (rows.next()) {
                    count++;
                }
                assertThat(count).isEqualTo(10);
            }
        }
        assertThat(connection.getAutoCommit()).isTrue();
    }

    @Test
    void what_pgjdbc_makes_of_jdbc_escapes_and_parameters_is_judged_too() throws SQLException {
        // pgjdbc drops the brace, and two minus signs become a comment that hides the quote.
        heldAs("SELECT {d '2020-01-01' -}-'\n; DELETE FROM users --'");
        String glued = "WITH a AS (SELECT 1 AS b?$$), d AS (DELETE FROM users RETURNING 1),"
                + " e AS (SELECT $1::int AS c$$) SELECT 1";
        try (PreparedStatement statement = connection.prepareStatement(glued)) {
            statement.setInt(1, 5);
            assertThatThrownBy(statement::execute).isInstanceOf(BackstopException.class);
        }
        execute("SELECT {d '2020-01-01'}, {fn lower('A')}");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void a_batch_that_changes_how_its_strings_are_read_is_refused() throws SQLException {
        execute("SET standard_conforming_strings = off");
        try (Statement statement = connection.createStatement()) {
            statement.addBatch("SET standard_conforming_strings = on");
            statement.addBatch("WITH a AS (SELECT '\\' AS p), d AS (DELETE FROM users RETURNING 1),"
                    + " e AS (SELECT '--z' AS q\n) SELECT 1");
            assertThatThrownBy(() -> BatchRefusal.execute(statement)).isInstanceOf(BackstopException.class);
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void a_select_that_runs_the_users_own_volatile_code_is_held() throws SQLException {
        database.run(
                "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM users; SELECT 1'",
                "CREATE OR REPLACE VIEW wiping AS SELECT wipe() AS w",
                "CREATE OR REPLACE VIEW wiping_too AS SELECT w FROM wiping",
                "CREATE OR REPLACE FUNCTION harmless() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'");
        try {
            for (String sql : List.of(
                    "SELECT wipe()",
                    "VALUES (public.wipe())",
                    "SELECT * FROM wiping_too",
                    "DECLARE k CURSOR FOR SELECT wipe()",
                    "INSERT INTO users SELECT 6000 + wipe()")) {
                heldAs(sql);
            }
            execute("SELECT harmless(), lower('A')");
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        } finally {
            database.run("DROP VIEW wiping_too, wiping", "DROP FUNCTION wipe(), harmless()");
        }
    }

    @Test
    void a_function_created_through_the_guard_is_known_at_once() throws SQLException {
        guard(Policy.application());
        execute("SELECT lower('A')");
        execute("CREATE FUNCTION wipe_all() RETURNS int LANGUAGE sql AS 'DELETE FROM users; SELECT 1'");
        try {
            assertThatThrownBy(() -> execute("SELECT wipe_all()"))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageContaining("it changed 5000 rows");
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        } finally {
            database.run("DROP FUNCTION wipe_all()");
        }
    }

    @Test
    void nested_writes_cascades_and_unseen_code_are_counted() throws SQLException {
        guard(Policy.application());
        database.run(
                "CREATE TABLE parts (user_id int REFERENCES users ON DELETE CASCADE)",
                "INSERT INTO parts SELECT 1 FROM generate_series(1, 2000)",
                "CREATE TABLE other (id int)");
        try {
            for (String sql : List.of(
                    "DO $$ BEGIN DELETE FROM users WHERE id > 1; END $$",
                    "PREPARE p(int) AS DELETE FROM users WHERE id > $1; EXECUTE p(1)")) {
                assertThatThrownBy(() -> execute(sql)).as(sql).isInstanceOf(ImpactLimitException.class);
            }
            guard(Policy.strict());
            for (String sql : List.of(
                    "DELETE FROM users WHERE id = 1",
                    "WITH d AS (DELETE FROM users WHERE id > 1) DELETE FROM other WHERE id = 999",
                    "WITH d AS (DELETE FROM users WHERE id > 1) INSERT INTO other SELECT 7")) {
                assertThatThrownBy(() -> execute(sql)).as(sql).isInstanceOf(ImpactLimitException.class);
            }
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
            assertThat(database.value("SELECT count(*) FROM parts")).isEqualTo("2000");
        } finally {
            database.run("DROP TABLE parts, other");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM users WHERE id > 1; RETURN NULL; END $$ SET track_counts = off",
                "SET LOCAL track_counts = off; DELETE FROM users WHERE id > 1; SET LOCAL track_counts = on; "
                        + "RETURN NULL; END $$"
            })
    void rows_that_may_be_hidden_from_the_count_are_not_changed(String body) throws SQLException {
        database.run(
                "CREATE FUNCTION hidden() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body,
                "CREATE TRIGGER hidden AFTER UPDATE ON users EXECUTE FUNCTION hidden()");
        try {
            assertThatThrownBy(() -> execute("UPDATE users SET name = 'x' WHERE id = 1"))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessage("how many rows the statement changes cannot be known while function hidden may switch "
                            + "track_counts off\nHINT: take the setting out of the function, or switch "
                            + "impact_analysis_enabled off in the policy");
            assertThat(database.value("SELECT count(*) FROM users WHERE name LIKE 'user %'"))
                    .isEqualTo("5000");
        } finally {
            database.run("DROP FUNCTION hidden() CASCADE");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SET track_counts = off; DELETE FROM users WHERE id > 1; SET track_counts = on",
                "DO $$ BEGIN SET LOCAL Track_Counts = off; DELETE FROM users; SET LOCAL track_counts = on; END $$"
            })
    void a_text_does_not_hide_its_own_rows_from_the_count(String text) throws SQLException {
        guard(Policy.application());
        assertThatThrownBy(() -> execute(text))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("track_counts stands in a text whose rows have to be counted");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT set_config('track_counts', 'off', false); DELETE FROM users; SELECT 1",
                "DELETE FROM users RETURNING set_config('track_counts', 'on', false)"
            })
    void a_text_does_not_hide_what_its_triggers_destroy(String text) {
        assertThatThrownBy(() -> execute(text))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageStartingWith("track_counts stands in a text that destroys rows");
        assertThat(snapshots.requests).isEmpty();
    }

    @Test
    void rows_of_the_system_catalog_are_nobodys_to_change() {
        assertThatThrownBy(() -> execute("DELETE FROM pg_class WHERE relname = 'users'"))
                .isInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("system catalog");
        assertThatThrownBy(() -> execute("UPDATE pg_catalog.pg_attribute SET attnotnull = false WHERE attname = 'x'"))
                .isInstanceOf(StatementBlockedException.class);
    }

    @Test
    void a_transaction_that_sql_began_stays_the_callers() throws SQLException {
        guard(Policy.application());
        execute("BEGIN");
        update("UPDATE users SET name = 'mine' WHERE id = 1");
        update("DELETE FROM users WHERE id BETWEEN 100 AND 110");
        execute("TRUNCATE users");
        execute("ROLLBACK");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'mine'"))
                .isEqualTo("0");
        execute("BEGIN");
        update("UPDATE users SET name = 'mine' WHERE id = 1");
        assertThatThrownBy(() -> update("UPDATE nothing SET a = 1 WHERE id = 1"))
                .isInstanceOf(SQLException.class);
        assertThatThrownBy(() -> execute("SELECT 1"))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("25P02"));
        execute("COMMIT");
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'mine'"))
                .isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE users SET id = 1 WHERE id = 2",
                "DELETE FROM users WHERE 1 / (id - 1) > 0",
                "TRUNCATE users"
            })
    void a_statement_that_the_server_refuses_fails_the_transaction_unless_the_driver_saves_it(String sql)
            throws SQLException {
        database.run("DROP TABLE IF EXISTS orders", "CREATE TABLE orders (id int REFERENCES users)");
        guard(Policy.application());
        for (String autosave : List.of("never", "always")) {
            try (Connection other =
                            backstop.guard(DriverManager.getConnection(database.url() + "&autosave=" + autosave));
                    Statement statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("INSERT INTO users VALUES (5001, '" + autosave + "')");
                assertThatThrownBy(() -> statement.execute(sql)).isNotInstanceOf(BackstopException.class);
                try {
                    other.commit();
                } catch (SQLException e) {
                    // as the driver says where the transaction had failed
                }
            }
        }
        assertThat(database.rows("SELECT name FROM users WHERE id = 5001")).containsExactly("always");
        database.run("DROP TABLE orders");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rollback()", "ROLLBACK", "ABORT", "commit() of a failed one", "close()"})
    void what_was_saved_in_a_transaction_that_is_rolled_back_is_removed(String end) throws SQLException {
        guard(Policy.application());
        connection.setAutoCommit(false);
        execute("TRUNCATE users");
        assertThat(snapshots.discarded).isZero();
        switch (end) {
            case "rollback()" -> connection.rollback();
            case "close()" -> connection.close();
            case "commit() of a failed one" -> {
                assertThatThrownBy(() -> execute("SELECT 1 / 0")).isInstanceOf(SQLException.class);
                execute("COMMIT");
            }
            default -> execute(end);
        }
        assertThat(snapshots.discarded).isEqualTo(1);
        assertThat(snapshots.committed).isZero();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    static Stream<List<String>> rollbacksToSavepoints() {
        return Stream.of(
                List.of("SAVEPOINT a", "TRUNCATE users", "ROLLBACK TO a"),
                List.of("SAVEPOINT a", "TRUNCATE users", "ROLLBACK TO a; RELEASE a"),
                List.of("SAVEPOINT a", "TRUNCATE users", "RELEASE a", "! ROLLBACK TO a", "ROLLBACK"),
                List.of("SAVEPOINT a", "SAVEPOINT b", "TRUNCATE users", "RELEASE b", "ROLLBACK TO SAVEPOINT a"),
                List.of("SELECT 1", "SAVEPOINT a", "TRUNCATE users", "! SELECT 1 / 0", "ROLLBACK TO a"),
                List.of("JDBC SAVEPOINT", "TRUNCATE users", "JDBC ROLLBACK"));
    }

    @ParameterizedTest
    @MethodSource("rollbacksToSavepoints")
    void what_was_saved_for_a_statement_that_is_rolled_back_to_a_savepoint_is_removed(List<String> steps)
            throws Exception {
        database.run("DROP TABLE IF EXISTS baskets", "CREATE TABLE baskets (id int)");
        for (String fence : List.of("session", "off")) {
            int discarded = snapshots.discarded;
            int committed = snapshots.committed;
            guard(new PolicyReader()
                    .read("{\"require_approval_for_risks\": [], \"read_fence\": \"" + fence + "\"}", "p"));
            connection.setAutoCommit(false);
            execute("TRUNCATE baskets");
            Optional<Savepoint> savepoint = Optional.empty();
            for (String step : steps) {
                if (step.equals("JDBC SAVEPOINT")) {
                    savepoint = Optional.of(connection.setSavepoint());
                } else if (step.equals("JDBC ROLLBACK")) {
                    connection.rollback(savepoint.orElseThrow());
                } else if (step.startsWith("! ")) {
                    assertThatThrownBy(() -> execute(step.substring(2))).isInstanceOf(SQLException.class);
                } else {
                    execute(step);
                }
            }
            boolean all = steps.contains("ROLLBACK");
            assertThat(snapshots.discarded - discarded).isEqualTo(all ? 2 : 1);
            execute("TRUNCATE users");
            execute("SAVEPOINT a");
            execute("SELECT pg_advisory_unlock_all()");
            execute("ROLLBACK TO a");
            connection.commit();
            assertThat(snapshots.discarded - discarded).isEqualTo(all ? 2 : 1);
            assertThat(snapshots.committed - committed).isEqualTo(all ? 1 : 2);
            database.run("INSERT INTO users SELECT n, 'user' FROM generate_series(1, 10) AS n");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "COMMIT AND CHAIN, 2, 0",
        "COMMIT; BEGIN, 2, 0",
        "ROLLBACK AND CHAIN, 1, 1",
        "ROLLBACK; BEGIN, 1, 1",
    })
    void what_was_saved_in_a_transaction_that_another_follows_in_the_same_text_is_settled(
            String end, int committed, int discarded) throws SQLException {
        database.run("DROP TABLE IF EXISTS baskets", "CREATE TABLE baskets (id int)");
        guard(Policy.application());
        connection.setAutoCommit(false);
        execute("TRUNCATE baskets");
        execute(end);
        execute("TRUNCATE users");
        connection.commit();
        assertThat(snapshots.committed).isEqualTo(committed);
        assertThat(snapshots.discarded).isEqualTo(discarded);
    }

    @Test
    void what_was_saved_in_a_transaction_of_its_own_is_final_when_that_is_committed() throws SQLException {
        guard(Policy.application());
        execute("TRUNCATE users");
        assertThat(snapshots.committed).isEqualTo(1);
    }

    @Test
    void what_was_saved_in_a_transaction_that_is_open_is_not_final() throws SQLException {
        guard(Policy.application());
        connection.setAutoCommit(false);
        execute("TRUNCATE users");
        execute("SELECT 1");
        assertThat(snapshots.committed).isZero();
        connection.rollback();
    }

    @ParameterizedTest
    @ValueSource(strings = {"commit()", "COMMIT", "setAutoCommit(true)", "behind the guard"})
    void what_was_saved_in_a_transaction_that_is_committed_stays(String end) throws SQLException {
        connection.close();
        backstop = builder().policy(Policy.application()).build();
        try (Connection plain = database.connect()) {
            connection = backstop.guard(plain);
            connection.setAutoCommit(false);
            execute("TRUNCATE users");
            switch (end) {
                case "commit()" -> connection.commit();
                case "setAutoCommit(true)" -> connection.setAutoCommit(true);
                case "behind the guard" -> plain.commit();
                default -> execute(end);
            }
            connection.setAutoCommit(false);
            execute("SELECT 1");
            connection.rollback();
            connection.close();
        }
        assertThat(snapshots.discarded).isZero();
        assertThat(snapshots.committed).isEqualTo(1);
    }

    @Test
    void threads_that_share_a_connection_take_turns() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try {
            Future<Integer> inserted = threads.submit(() -> {
                int count = 0;
                for (int i = 0; i < 50; i++) {
                    count += update("INSERT INTO users VALUES (" + (10_000 + i) + ", 'kept')");
                }
                return count;
            });
            while (!inserted.isDone()) {
                assertThatThrownBy(() -> update("UPDATE users SET name = 'x' WHERE id <= 1500"))
                        .isInstanceOf(ImpactLimitException.class);
            }
            assertThat(inserted.get()).isEqualTo(50);
        } finally {
            threads.shutdownNow();
        }
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'kept'"))
                .isEqualTo("50");
    }

    @Test
    void nobody_is_asked_to_approve_what_cannot_run() throws SQLException {
        assertThatThrownBy(() -> execute("CREATE TABLE zz (a int); DROP TABLE users"))
                .isInstanceOf(RecoveryNotReadyException.class);
        assertThat(store.approvals().list(ApprovalState.PENDING)).isEmpty();
    }

    @Test
    void an_approval_whose_statement_the_server_refused_is_not_used_up() throws SQLException {
        String sql = "ALTER TABLE users ADD CONSTRAINT c CHECK (id > 100)";
        approve(heldAs(sql));
        assertThatThrownBy(() -> execute(sql))
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("23514");
        database.run("DELETE FROM users WHERE id <= 100");
        execute(sql);
    }

    @Test
    void an_approval_covers_how_the_text_is_read_and_what_is_prepared() throws SQLException {
        String sql = "DELETE FROM users; SELECT '\\'; DROP TABLE users; --'";
        execute("SET standard_conforming_strings = off");
        String first = heldAs(sql);
        execute("SET standard_conforming_strings = on");
        assertThat(heldAs(sql)).isNotEqualTo(first);
        database.run("CREATE OR REPLACE FUNCTION noise(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1'");
        executeApproved("PREPARE p(int) AS SELECT noise($1)");
        String second = heldAs("EXECUTE p(0)");
        execute("DEALLOCATE p");
        executeApproved("PREPARE p(int) AS SELECT noise($1 + 1)");
        assertThat(heldAs("EXECUTE p(0)")).isNotEqualTo(second);
    }

    private void executeApproved(String sql) throws SQLException {
        approve(heldAs(sql));
        execute(sql);
    }

    @ParameterizedTest
    @ValueSource(strings = {"CREATE TABLE made AS EXECUTE p(0)", "EXPLAIN ANALYZE CREATE TABLE made AS EXECUTE p(0)"})
    void an_approval_covers_what_is_prepared_where_a_table_is_made_of_it(String sql) throws SQLException {
        execute("PREPARE p(int) AS SELECT * FROM users WHERE id > $1");
        String first = heldAs(sql);
        execute("DEALLOCATE p");
        execute("PREPARE p(int) AS SELECT pg_sleep(0) FROM users WHERE id > $1");
        assertThat(heldAs(sql)).isNotEqualTo(first);
    }

    @Test
    void text_that_mixes_destruction_with_transaction_control_is_refused() throws SQLException {
        guard(Policy.application());
        assertThatThrownBy(() -> execute("DELETE FROM users; COMMIT; SELECT 1"))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("HINT: send the statements one at a time");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void a_batch_is_judged_by_its_worst_statement_and_is_empty_after_a_refusal() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.addBatch("UPDATE users SET name = 'a' WHERE id = 1");
            statement.addBatch("DELETE FROM users");
            assertThatThrownBy(() -> BatchRefusal.execute(statement)).isInstanceOf(ApprovalRequiredException.class);
            assertThat(BatchRefusal.execute(statement)).isEmpty();
            statement.addBatch("UPDATE users SET name = 'b' WHERE id = 1");
            assertThat(BatchRefusal.execute(statement)).containsExactly(1);
        }
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'a'"))
                .isEqualTo("0");
        try (PreparedStatement update = connection.prepareStatement("UPDATE users SET name = ? WHERE id = ?")) {
            for (int i = 1; i <= 3; i++) {
                update.setString(1, "batch");
                update.setInt(2, i);
                update.addBatch();
            }
            assertThat(BatchRefusal.execute(update)).containsExactly(1, 1, 1);
        }
    }

    @Test
    void a_write_of_too_many_rows_is_rolled_back_and_held() throws SQLException {
        String sql = "UPDATE users SET name = 'x' WHERE id <= 1001";
        assertThatThrownBy(() -> update(sql))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("it changed 1001 rows, and the policy lets 1000 pass")
                .hasMessageContaining("is held until an operator approves appr_")
                .hasMessageNotContaining("backstop approvals");
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'x'"))
                .isEqualTo("0");
        approve(store.approvals().list(ApprovalState.PENDING).get(0).id());
        assertThat(update(sql)).isEqualTo(1001);
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'x'"))
                .isEqualTo("1001");
        assertThat(snapshots.requests).hasSize(1);
        assertThat(update("UPDATE users SET name = 'y' WHERE id <= 1000")).isEqualTo(1000);
    }

    @Test
    void a_write_of_too_large_a_share_is_rolled_back_and_held() throws SQLException {
        database.run("DELETE FROM users WHERE id > 10");
        assertThat(update("UPDATE users SET name = 'x' WHERE id <= 5")).isEqualTo(5);
        assertThatThrownBy(() -> update("UPDATE users SET name = 'x' WHERE id <= 6"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("it changed 6 rows, more than 50 percent of users");
        clock.advance(Duration.ofHours(1)); // what was changed before does not count any more
        assertThat(update("DELETE FROM users WHERE id > 5")).isEqualTo(5);
        clock.advance(Duration.ofHours(1));
        assertThatThrownBy(() -> update("DELETE FROM users WHERE id <= 3")).isInstanceOf(ImpactLimitException.class);
        assertThat(update("DELETE FROM users WHERE id <= 2")).isEqualTo(2);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("3");
    }

    @Test
    void rows_that_a_returning_hides_are_counted_too() throws SQLException {
        String sql = "UPDATE users SET name = 'x' WHERE id <= 1500 RETURNING id";
        try (Statement statement = connection.createStatement()) {
            assertThatThrownBy(() -> statement.executeQuery(sql)).isInstanceOf(ImpactLimitException.class);
            assertThatThrownBy(() -> statement.executeQuery(
                            "WITH u AS (UPDATE users SET name = 'x' WHERE id <= 1500 RETURNING id) SELECT"
                                    + " count(*) FROM u"))
                    .isInstanceOf(ImpactLimitException.class);
        }
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'x'"))
                .isEqualTo("0");
    }

    @Test
    void a_batch_is_limited_by_each_of_its_statements_and_rolled_back_whole() throws SQLException {
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE users SET name = 'x' WHERE id > ? AND id <= ?")) {
            for (int[] range : new int[][] {{0, 400}, {400, 1600}}) {
                update.setInt(1, range[0]);
                update.setInt(2, range[1]);
                update.addBatch();
            }
            assertThatThrownBy(() -> BatchRefusal.execute(update))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageContaining("HINT: send it in smaller batches");
            assertThat(database.value("SELECT count(*) FROM users WHERE name = 'x'"))
                    .isEqualTo("0");
            assertThat(connection.getAutoCommit()).isTrue();
            for (int i = 0; i < 4; i++) {
                update.setInt(1, i * 400);
                update.setInt(2, (i + 1) * 400);
                update.addBatch();
            }
            assertThat(BatchRefusal.execute(update)).containsExactly(400, 400, 400, 400);
        }
    }

    @Test
    void a_pause_refuses_writes_and_lets_reads_through_at_once() throws SQLException {
        String id = heldAs("TRUNCATE users");
        approve(id);
        store.pause().pause("incident 7", "ops");
        execute("SELECT 1");
        assertThatThrownBy(() -> execute("TRUNCATE users"))
                .isInstanceOf(PausedException.class)
                .hasMessageContaining("incident 7");
        assertThatThrownBy(() -> update("UPDATE users SET name = 'x' WHERE id = 1"))
                .isInstanceOf(PausedException.class);
        store.pause().resume("ops");
        execute("TRUNCATE users");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    @Test
    void without_the_control_store_writes_stop_and_reads_go_on() throws SQLException {
        try (Connection holder = java.sql.DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("backstop.db"));
                Statement lock = holder.createStatement()) {
            lock.execute("BEGIN EXCLUSIVE");
            execute("SELECT 1");
            assertThatThrownBy(() -> update("UPDATE users SET name = 'x' WHERE id = 1"))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .extracting(e -> ((SQLException) e).getSQLState())
                    .isEqualTo("ZB008");
            lock.execute("ROLLBACK");
        }
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'x'"))
                .isEqualTo("0");
        assertThat(update("UPDATE users SET name = 'x' WHERE id = 1")).isEqualTo(1);
    }

    @Test
    void an_agent_that_keeps_trying_is_quarantined_and_others_are_not() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> execute("DROP DATABASE postgres")).isInstanceOf(StatementBlockedException.class);
        }
        assertThatThrownBy(() -> update("UPDATE users SET name = 'x' WHERE id = 1"))
                .isInstanceOf(AgentQuarantinedException.class)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("ZB006");
        execute("SELECT 1");
        assertThat(Backstop.asAgent("other", () -> update("UPDATE users SET name = 'x' WHERE id = 1")))
                .isEqualTo(1);
        clock.advance(Duration.ofMinutes(30));
        assertThat(update("UPDATE users SET name = 'x' WHERE id = 1")).isEqualTo(1);
    }

    @Test
    void monitor_refuses_nothing_and_records_what_it_would_have_done() throws SQLException {
        guard(Policy.strict().with("strict", Enforcement.MONITOR));
        execute("DROP TABLE users");
        assertThat(usersAreThere()).isFalse();
        reopenStore();
        assertThat(store.audit().newest(10))
                .extracting(record -> record.event().outcome())
                .anyMatch(outcome -> outcome.startsWith("monitored, would be held: "));
    }

    @Test
    void decisions_and_outcomes_are_on_the_record_and_safe_statements_too() throws SQLException {
        execute("SELECT 42");
        update("UPDATE users SET name = 'x' WHERE id = 1");
        heldAs("TRUNCATE users");
        assertThatThrownBy(() -> update("UPDATE nothing SET a = 1 WHERE id = 1"))
                .isInstanceOf(SQLException.class);
        reopenStore();
        List<AuditRecord> records = store.audit().newest(100);
        assertThat(records)
                .filteredOn(record -> record.event().sql().equals("SELECT 42"))
                .hasSize(1);
        assertThat(records)
                .filteredOn(record -> record.event().sql().startsWith("UPDATE users"))
                .extracting(record -> record.event().kind())
                .containsExactly(AuditEvent.Kind.OUTCOME, AuditEvent.Kind.DECISION);
        assertThat(records)
                .filteredOn(record -> record.event().sql().startsWith("TRUNCATE"))
                .extracting(record -> record.event().outcome())
                .containsExactly("ZB002", "held: removes every row: users");
        assertThat(records)
                .filteredOn(record -> record.event().sql().startsWith("UPDATE nothing"))
                .extracting(record -> record.event().outcome())
                .containsExactly("failed with 42P01", "allowed");
        assertThat(store.audit().firstBroken()).isEmpty();
    }

    @Test
    void nothing_that_is_handed_out_leads_around_the_guard() throws SQLException {
        assertThatThrownBy(() -> connection.unwrap(PGConnection.class))
                .isInstanceOf(UnguardedAccessException.class)
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("ZB009");
        assertThat(connection.isWrapperFor(PGConnection.class)).isFalse();
        assertThat(connection.unwrap(Connection.class)).isSameAs(connection);
        assertThat(connection.getMetaData().getConnection()).isSameAs(connection);
        try (ResultSet tables = connection.getMetaData().getTables(null, null, "users", null)) {
            assertThat(tables.getStatement()).isNull();
        }
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT ARRAY[1, 2]")) {
            assertThat(statement.getConnection()).isSameAs(connection);
            assertThat(rows.getStatement()).isSameAs(statement);
            rows.next();
            Array array = (Array) rows.getObject(1);
            try (ResultSet elements = array.getResultSet()) {
                assertThat(elements.getStatement()).isNull();
            }
            assertThatThrownBy(() -> statement.unwrap(org.postgresql.PGStatement.class))
                    .isInstanceOf(UnguardedAccessException.class);
            assertThatThrownBy(() -> rows.unwrap(org.postgresql.jdbc.PgResultSet.class))
                    .isInstanceOf(UnguardedAccessException.class);
        }
    }

    private static void assertUnguarded(ThrowingCallable call, String method, String statement) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        UnguardedAccessException.class,
                        e -> assertThat(e.getSQLState()).isEqualTo("ZB009"))
                .hasMessage("ResultSet." + method
                        + " is refused: it changes a row without a statement that could be judged\n" + "HINT: send "
                        + statement + " statement instead");
    }

    @Test
    void an_updatable_result_set_changes_nothing() throws SQLException {
        try (Statement statement =
                        connection.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE);
                ResultSet rows = statement.executeQuery("SELECT id, name FROM users ORDER BY id")) {
            rows.next();
            assertUnguarded(rows::deleteRow, "deleteRow", "a DELETE");
            assertThatThrownBy(() -> rows.updateString(2, "changed")).hasMessageContaining("CONCUR_READ_ONLY");
            assertUnguarded(rows::updateRow, "updateRow", "an UPDATE");
            assertThatThrownBy(rows::moveToInsertRow).hasMessageContaining("CONCUR_READ_ONLY");
            assertUnguarded(rows::insertRow, "insertRow", "an INSERT");
            assertThat(rows.getConcurrency()).isEqualTo(ResultSet.CONCUR_READ_ONLY);
            assertThat(connection.getWarnings().getMessage()).contains("read-only");
            assertThat(connection
                            .getMetaData()
                            .supportsResultSetConcurrency(
                                    ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE))
                    .isFalse();
        }
        assertThat(database.value("SELECT name FROM users WHERE id = 1")).isEqualTo("user 1");
    }

    /** Pgjdbc takes the word behind the first "from" for a table's name, comments included, and sends it. */
    @Test
    void no_result_set_sends_what_stands_in_its_querys_comment() throws SQLException {
        String query = "/* from t;DELETE/**/FROM/**/users;SELECT/**/\"id\"/**/FROM/**/postgres.public.users */"
                + " SELECT id, name FROM users";
        connection.setAutoCommit(false);
        for (Statement statement : List.of(
                connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE),
                connection.createStatement(
                        ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE, ResultSet.CLOSE_CURSORS_AT_COMMIT),
                connection.prepareStatement(query, ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE),
                connection.prepareStatement(
                        query,
                        ResultSet.TYPE_SCROLL_SENSITIVE,
                        ResultSet.CONCUR_UPDATABLE,
                        ResultSet.CLOSE_CURSORS_AT_COMMIT),
                connection.prepareCall(query, ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE),
                connection.prepareCall(
                        query,
                        ResultSet.TYPE_SCROLL_SENSITIVE,
                        ResultSet.CONCUR_UPDATABLE,
                        ResultSet.CLOSE_CURSORS_AT_COMMIT))) {
            ResultSet rows = statement instanceof PreparedStatement prepared
                    ? prepared.executeQuery()
                    : statement.executeQuery(query + " FOR UPDATE");
            rows.next();
            assertThatThrownBy(rows::refreshRow)
                    .isInstanceOfSatisfying(
                            UnguardedAccessException.class,
                            e -> assertThat(e.getSQLState()).isEqualTo("ZB009"));
            for (ThrowingCallable change : List.<ThrowingCallable>of(
                    () -> rows.updateString(2, "x"),
                    () -> rows.updateNull("name"),
                    rows::updateRow,
                    rows::deleteRow,
                    rows::moveToInsertRow,
                    rows::insertRow)) {
                assertThatThrownBy(change).isInstanceOf(SQLException.class);
            }
        }
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM users WHERE name LIKE 'user %'"))
                .isEqualTo("5000");
    }

    @Test
    void an_array_made_by_the_connection_can_be_bound() throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT count(*) FROM users WHERE id = ANY (?)")) {
            select.setArray(1, connection.createArrayOf("int4", new Object[] {1, 2, 3}));
            try (ResultSet row = select.executeQuery()) {
                row.next();
                assertThat(row.getInt(1)).isEqualTo(3);
            }
        }
    }

    @Test
    void a_text_is_read_as_the_session_reads_it() throws SQLException {
        // With standard_conforming_strings off the backslash escapes the quote, so the DELETE is inside the string.
        String sql = "SELECT 'it\\'; DELETE FROM users; --'";
        heldAs(sql);
        execute("SET standard_conforming_strings = off");
        execute(sql);
        execute("SET standard_conforming_strings = on");
        heldAs(sql);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void waiting_for_an_approval_ends_when_it_comes() throws Exception {
        connection.close();
        backstop.close();
        Path file = folder.resolve("backstop.db");
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Connection waiting = java.sql.DriverManager.getConnection(
                        database.backstopUrl("backstop.approval=wait&backstop.control=" + file));
                Statement statement = waiting.createStatement();
                ControlStore operators = SqlControlStore.sqlite(file, java.time.Clock.systemUTC())) {
            Future<Boolean> execution =
                    threads.submit(() -> statement.execute("COMMENT ON TABLE users IS 'waited for'"));
            while (operators.approvals().list(ApprovalState.PENDING).isEmpty() && !execution.isDone()) {
                Thread.onSpinWait();
            }
            operators
                    .approvals()
                    .decide(
                            operators
                                    .approvals()
                                    .list(ApprovalState.PENDING)
                                    .get(0)
                                    .id(),
                            true,
                            "ops");
            execution.get();
            assertThat(database.value("SELECT obj_description('users'::regclass)"))
                    .isEqualTo("waited for");
        } finally {
            threads.shutdownNow();
        }
        store = SqlControlStore.sqlite(file, clock);
        backstop = builder().build();
        connection = backstop.guard(database.connect());
    }
}
