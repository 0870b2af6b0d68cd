package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** A policy that becomes stricter, laxer or unreadable while a statement is under way: the last one that can be read counts. */
@Timeout(60)
@ExtendWith(PostgresExtension.class)
class ChangedPolicyTest {
    private static final String LAX = "\"require_approval_for_risks\": [], \"require_recovery_for_critical\": false";
    private static final String RECENT =
            "{\"require_approval_for_risks\": [], \"snapshot_mode\": \"recent\", \"require_sidecar_heartbeat\": false}";
    private static final String HOLDING = "{\"require_approval_for_risks\": [\"HIGH\", \"CRITICAL\"]}";
    private static final String COMMENT = "COMMENT ON TABLE users IS 'ran'";

    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private TestDatabase database;
    private SqlControlStore operators;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users CASCADE",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 100) AS n");
        operators = SqlControlStore.sqlite(control(), Clock.systemUTC());
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        operators.close();
    }

    private Path control() {
        return folder.resolve("backstop.db");
    }

    private Path policy() {
        return folder.resolve("policy.json");
    }

    /** Never of the size of the one before, so that the change is seen within a clock tick. */
    private void policy(String rules) {
        try {
            String before = Files.exists(policy()) ? Files.readString(policy()) : "";
            Files.writeString(policy(), rules + " ".repeat(before.length()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private BackstopBuilder under(String rules) {
        policy(rules);
        return Backstop.builder().control(control()).agentId("agent").policy(policy().toString());
    }

    private static boolean execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.execute(sql);
        }
    }

    private static Throwable failure(Future<?> execution) {
        ExecutionException failure = catchThrowableOfType(ExecutionException.class, execution::get);
        assertThat((Throwable) failure).as("it was refused").isNotNull();
        return Objects.requireNonNull(failure.getCause());
    }

    private String untouched() throws SQLException {
        return database.value("SELECT count(*) FROM users WHERE name = 'user'");
    }

    private String comment() throws SQLException {
        return database.value("SELECT coalesce(obj_description('users'::regclass), 'none')");
    }

    /** Changes the policy while the work waits in the server for the rows that another session has locked. */
    private <T> Future<T> changedWhileLocked(Callable<T> work, String rules) throws Exception {
        try (Connection holder = database.connect()) {
            holder.setAutoCommit(false);
            execute(holder, "SELECT * FROM users FOR UPDATE");
            Future<T> execution = threads.submit(work);
            while (!execution.isDone()
                    && database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                    + " AND datname = current_database()")
                            .equals("0")) {
                Thread.onSpinWait();
            }
            policy(rules);
            holder.rollback();
            return execution;
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "TRUNCATE users | \"require_recovery_for_critical\": true",
                "DELETE FROM users | \"require_recovery_for_critical\": true",
                "DELETE FROM users WHERE id <= 20 | \"max_write_rows_without_critical\": 5",
                "UPDATE users SET name = 'x' WHERE id <= 20 | \"max_write_percent_without_critical\": 5",
                "DELETE FROM users WHERE id <= 20 | \"write_budget\": {\"rows\": 5}",
                "UPDATE users SET name = 'x' WHERE id <= 20 | \"protected_tables\": [\"users\"]",
                "UPDATE over_users SET name = 'x' WHERE id <= 20 | \"protected_tables\": [\"users\"]",
                "UPDATE over_users SET name = 'x' WHERE id <= 20 | \"protected_columns\": {\"users\": [\"name\"]}",
            })
    void a_statement_that_waits_in_the_server_is_undone_where_the_policy_asks_for_more_by_then(String sql, String more)
            throws Exception {
        database.run("CREATE VIEW over_users AS SELECT * FROM users");
        for (boolean autoCommit : new boolean[] {true, false}) {
            try (Backstop backstop = under("{" + LAX + "}").build();
                    Connection connection = backstop.guard(database.connect())) {
                connection.setAutoCommit(autoCommit);
                execute(connection, "SELECT 1");
                Throwable refusal = failure(changedWhileLocked(
                        () -> execute(connection, sql), "{\"require_approval_for_risks\": [], " + more + "}"));
                assertThat(refusal).isInstanceOf(StatementBlockedException.class);
                if (!autoCommit) {
                    connection.commit();
                }
            }
            assertThat(untouched()).as("auto-commit %s", autoCommit).isEqualTo("100");
        }
    }

    @Test
    void a_batch_that_waits_in_the_server_is_undone_as_a_whole() throws Exception {
        try (Backstop backstop = under("{" + LAX + "}").build();
                Connection connection = backstop.guard(database.connect());
                PreparedStatement delete = connection.prepareStatement("DELETE FROM users WHERE id BETWEEN ? AND ?")) {
            for (int id = 1; id <= 20; id += 10) {
                delete.setInt(1, id);
                delete.setInt(2, id + 9);
                delete.addBatch();
            }
            assertThat(failure(changedWhileLocked(
                            () -> BatchRefusal.execute(delete),
                            "{\"require_approval_for_risks\": [], \"max_write_rows_without_critical\": 15}")))
                    .isInstanceOf(StatementBlockedException.class);
        }
        assertThat(untouched()).isEqualTo("100");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{", "", "{\"require_aproval_for_risks\": []}", "{\"require_approval_for_risks\": \"none\"}"})
    void a_file_that_became_unreadable_changes_nothing_for_what_is_under_way(String broken) throws Exception {
        try (Backstop backstop = under("{" + LAX + "}").build();
                Connection connection = backstop.guard(database.connect())) {
            assertThat(changedWhileLocked(() -> execute(connection, "DELETE FROM users WHERE id <= 20"), broken)
                            .get())
                    .isFalse();
            assertThat(untouched()).isEqualTo("80");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "off"})
    void a_snapshot_from_before_does_not_do_where_the_policy_asks_for_another_by_then(String mode) throws Exception {
        FakeSnapshots older = new FakeSnapshots() {
            @Override
            public SecuredRows secure(
                    Connection connection, Connections more, SnapshotRequest request, Progress progress)
                    throws RecoveryNotReadyException {
                policy("{\"require_approval_for_risks\": [], \"snapshot_mode\": \"" + mode + "\"}");
                return super.secure(connection, more, request, progress);
            }
        };
        try (Backstop backstop = under(RECENT).snapshots(older).build();
                Connection connection = backstop.guard(database.connect())) {
            assertThatThrownBy(() -> execute(connection, "TRUNCATE users"))
                    .isInstanceOf(StatementBlockedException.class);
            assertThat(older.discarded).isEqualTo(1);
        }
        assertThat(untouched()).isEqualTo("100");
    }

    @Test
    void a_snapshot_from_before_does_not_do_where_it_is_too_old_by_then() throws Exception {
        FakeSnapshots older = new FakeSnapshots() {
            @Override
            public SecuredRows secure(
                    Connection connection, Connections more, SnapshotRequest request, Progress progress)
                    throws RecoveryNotReadyException {
                policy(RECENT.replace("}", ", \"max_snapshot_age_seconds\": 1}"));
                return super.secure(connection, more, request, progress);
            }
        };
        try (Backstop backstop = under(RECENT).snapshots(older).build();
                Connection connection = backstop.guard(database.connect())) {
            assertThatThrownBy(() -> execute(connection, "TRUNCATE users"))
                    .isInstanceOf(StatementBlockedException.class);
        }
        assertThat(untouched()).isEqualTo("100");
    }

    @Test
    void a_snapshot_that_does_whatever_the_mode_lets_it_run() throws Exception {
        FakeSnapshots inline = new FakeSnapshots() {
            @Override
            public SecuredRows secure(
                    Connection connection, Connections more, SnapshotRequest request, Progress progress)
                    throws RecoveryNotReadyException {
                policy(RECENT);
                return super.secure(connection, more, request, progress);
            }
        };
        try (Backstop backstop = under("{\"require_approval_for_risks\": []}")
                        .snapshots(inline)
                        .build();
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, "TRUNCATE users");
        }
        assertThat(untouched()).isEqualTo("0");
    }

    // ------------------------------------------------------------------------------------------ while it is held

    /** The comment, sent by a caller that waits for its approval. */
    private Future<Boolean> waiting(Connection connection) throws Exception {
        Future<Boolean> waiting = threads.submit(() -> execute(connection, COMMENT));
        while (operators.approvals().list(ApprovalState.PENDING).isEmpty()) {
            assertThat(waiting.isDone()).isFalse();
            Thread.onSpinWait();
        }
        return waiting;
    }

    private String request() throws SQLException {
        return operators.approvals().list(ApprovalState.values()).get(0).id();
    }

    private ApprovalState requestState() throws SQLException {
        return operators.approvals().find(request()).orElseThrow().state();
    }

    private Backstop waitingGuard() throws SQLException {
        return under(HOLDING)
                .settings(Map.of(Setting.APPROVAL, "wait", Setting.POLICY, policy().toString()))
                .build();
    }

    @Test
    void what_an_operator_denied_does_not_run_although_the_policy_would_let_it_by_then() throws Exception {
        try (Backstop backstop = waitingGuard();
                Connection connection = backstop.guard(database.connect())) {
            Future<Boolean> waiting = waiting(connection);
            policy("{" + LAX + "}");
            operators.approvals().decide(request(), false, "ops");
            assertThat(failure(waiting)).isInstanceOf(ApprovalDeniedException.class);
            assertThat(operators.audit().newest(10).stream()
                            .map(record -> record.event())
                            .filter(event -> event.kind() == AuditEvent.Kind.REFUSAL)
                            .map(event -> event.outcome()))
                    .containsExactly("ZB003");
            assertThat(comment()).isEqualTo("none");
        }
    }

    @Test
    void an_unreadable_policy_leaves_what_waits_to_the_operator() throws Exception {
        try (Backstop backstop = waitingGuard();
                Connection connection = backstop.guard(database.connect())) {
            Future<Boolean> waiting = waiting(connection);
            policy("{\"require_approval_for_risks\": [");
            operators.approvals().decide(request(), true, "ops");
            assertThat(waiting.get()).isFalse();
            assertThat(requestState()).isEqualTo(ApprovalState.CONSUMED);
            Files.delete(policy());
            waiting(connection).cancel(true);
        }
    }

    @Test
    void a_policy_that_blocks_it_by_then_keeps_an_approved_statement_from_running_and_its_approval_unused()
            throws Exception {
        try (Backstop backstop = waitingGuard();
                Connection connection = backstop.guard(database.connect())) {
            Future<Boolean> waiting = waiting(connection);
            policy("{\"block_operations\": [\"COMMENT\"]}");
            operators.approvals().decide(request(), true, "ops");
            assertThat(failure(waiting)).isInstanceOf(StatementBlockedException.class);
            assertThat(requestState()).isEqualTo(ApprovalState.APPROVED);
        }
        assertThat(comment()).isEqualTo("none");
    }

    // ------------------------------------------------------------------------------- between two calls of a caller

    @Test
    void what_was_prepared_or_batched_before_is_judged_when_it_is_executed() throws Exception {
        try (Backstop backstop = under("{" + LAX + "}").build();
                Connection connection = backstop.guard(database.connect());
                PreparedStatement delete = connection.prepareStatement("DELETE FROM users WHERE id = ?");
                Statement batch = connection.createStatement()) {
            delete.setInt(1, 1);
            delete.executeUpdate();
            delete.setInt(1, 2);
            delete.addBatch();
            batch.addBatch("DELETE FROM users WHERE id = 3");
            policy("{\"block_operations\": [\"DELETE\"]}");
            assertThatThrownBy(() -> BatchRefusal.execute(delete)).isInstanceOf(StatementBlockedException.class);
            assertThatThrownBy(() -> BatchRefusal.execute(batch)).isInstanceOf(StatementBlockedException.class);
            assertThatThrownBy(delete::executeUpdate).isInstanceOf(StatementBlockedException.class);
        }
        assertThat(untouched()).isEqualTo("99");
    }

    @Test
    void a_transaction_keeps_what_it_was_allowed_and_gets_nothing_that_it_is_not() throws Exception {
        try (Backstop backstop = under("{" + LAX + "}").build();
                Connection connection = backstop.guard(database.connect())) {
            connection.setAutoCommit(false);
            execute(connection, "DELETE FROM users WHERE id = 1");
            policy("{\"block_operations\": [\"DELETE\"]}");
            assertThatThrownBy(() -> execute(connection, "DELETE FROM users WHERE id = 2"))
                    .isInstanceOf(StatementBlockedException.class);
            policy("{" + LAX + "}");
            execute(connection, "DELETE FROM users WHERE id = 3");
            connection.commit();
        }
        assertThat(untouched()).isEqualTo("98");
    }

    // -------------------------------------------------------------------------------------- two guards in one JVM

    @Test
    void a_refusal_by_a_guard_with_a_short_window_does_not_make_another_forget_its_own() throws Exception {
        String blocked = "{\"block_operations\": [\"COMMENT\"], \"max_blocked_attempts_per_window\": 3";
        SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
        Path other = folder.resolve("other.json");
        Files.writeString(other, blocked + ", \"dangerous_retry_window_seconds\": 1}");
        try (SqlControlStore store = SqlControlStore.sqlite(control(), clock);
                Backstop strict = under(blocked + ", \"dangerous_retry_window_seconds\": 600}")
                        .control(store)
                        .build();
                SqlControlStore same = SqlControlStore.sqlite(control(), clock);
                Backstop forgetful = Backstop.builder()
                        .control(same)
                        .agentId("agent")
                        .policy(other.toString())
                        .build();
                Connection connection = strict.guard(database.connect());
                Connection around = forgetful.guard(database.connect())) {
            for (Connection each : List.of(connection, connection, around)) {
                assertThatThrownBy(() -> execute(each, COMMENT)).isInstanceOf(StatementBlockedException.class);
                clock.advance(Duration.ofSeconds(2));
            }
            assertThatThrownBy(() -> execute(connection, COMMENT)).isInstanceOf(StatementBlockedException.class);
            assertThatThrownBy(() -> execute(connection, COMMENT)).isInstanceOf(AgentQuarantinedException.class);
        }
    }

    @Test
    void each_guard_judges_by_its_own_policy_on_the_same_thread_and_database() throws Exception {
        Path other = folder.resolve("other.json");
        Files.writeString(other, HOLDING);
        try (Backstop lax = under("{" + LAX + "}").build();
                Backstop holding = Backstop.builder()
                        .control(control())
                        .agentId("agent")
                        .policy(other.toString())
                        .build();
                Connection first = lax.guard(database.connect());
                Connection second = holding.guard(database.connect())) {
            for (int round = 0; round < 3; round++) {
                execute(first, COMMENT);
                assertThatThrownBy(() -> execute(second, COMMENT)).isInstanceOf(ApprovalRequiredException.class);
            }
            operators.approvals().decide(request(), true, "ops");
            execute(first, COMMENT);
            assertThat(requestState()).as("of the guard that did not need it").isEqualTo(ApprovalState.APPROVED);
            execute(second, COMMENT);
            assertThatThrownBy(() -> execute(second, COMMENT)).isInstanceOf(ApprovalRequiredException.class);
        }
    }

    @Test
    void rows_that_count_for_a_minute_in_one_guard_count_for_an_hour_in_another() throws Exception {
        SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
        String budget =
                "\"require_approval_for_risks\": [\"CRITICAL\"], \"write_budget\": {\"rows\": 30, \"percent\": 100, \"window_seconds\": ";
        Path other = folder.resolve("other.json");
        Files.writeString(other, "{" + budget + "60}}");
        try (SqlControlStore store = SqlControlStore.sqlite(control(), clock);
                Backstop hour = under("{" + budget + "3600}}").control(store).build();
                SqlControlStore same = SqlControlStore.sqlite(control(), clock);
                Backstop minute = Backstop.builder()
                        .control(same)
                        .agentId("agent")
                        .policy(other.toString())
                        .build();
                Connection slow = hour.guard(database.connect());
                Connection quick = minute.guard(database.connect())) {
            execute(quick, "DELETE FROM users WHERE id <= 20");
            clock.advance(Duration.ofSeconds(61));
            assertThatThrownBy(() -> execute(slow, "DELETE FROM users WHERE id BETWEEN 21 AND 40"))
                    .isInstanceOf(ImpactLimitException.class);
        }
        assertThat(untouched()).isEqualTo("80");
    }
}
