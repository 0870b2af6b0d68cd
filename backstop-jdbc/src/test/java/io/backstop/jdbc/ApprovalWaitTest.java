package io.backstop.jdbc;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.PausedException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.QuarantineRules;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** A statement that waits for its approval can be stopped, holds up nobody, and is judged once more when the wait is over. */
@Timeout(60)
@ExtendWith(PostgresExtension.class)
class ApprovalWaitTest {
    private static final String SQL = "COMMENT ON TABLE users IS 'waited for'";

    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;
    private Connection connection;
    private Statement statement;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run("DROP TABLE IF EXISTS users", "CREATE TABLE users (id int PRIMARY KEY)");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .settings(Map.of(Setting.APPROVAL, "wait"))
                .control(store)
                .agentId("agent")
                .build();
        connection = backstop.guard(database.connect());
        statement = connection.createStatement();
    }

    @AfterEach
    void close() throws SQLException {
        threads.shutdownNow();
        connection.close();
        backstop.close();
    }

    private Future<Boolean> waiting() throws Exception {
        Future<Boolean> waiting = threads.submit(() -> statement.execute(SQL));
        request(waiting);
        return waiting;
    }

    /** The request, as soon as it is there. */
    private Approval request(Future<?> waiting) throws Exception {
        while (true) {
            List<Approval> pending = store.approvals().list(ApprovalState.PENDING);
            if (!pending.isEmpty()) {
                return pending.get(0);
            }
            assertThat(waiting.isDone()).isFalse();
            Thread.onSpinWait();
        }
    }

    private static Throwable failure(Future<?> waiting) {
        return Objects.requireNonNull(
                catchThrowableOfType(ExecutionException.class, waiting::get).getCause());
    }

    private String comment() throws SQLException {
        return String.valueOf(database.value("SELECT coalesce(obj_description('users'::regclass), 'none')"));
    }

    @Test
    void cancel_ends_the_wait() throws Exception {
        Future<Boolean> waiting = waiting();
        statement.cancel();
        assertThat(failure(waiting))
                .isInstanceOf(SQLException.class)
                .hasMessage("the statement did not run: it was cancelled\n"
                        + "HINT: nothing was changed; the request for its approval stays until it expires")
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("57014");
        assertThat(comment()).isEqualTo("none");
    }

    @Test
    void the_query_timeout_ends_the_wait() throws Exception {
        statement.setQueryTimeout(1);
        assertThat(failure(waiting()))
                .hasMessageStartingWith("the statement did not run: its query timeout of 1 s was over")
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("57014");
    }

    @Test
    void closing_the_connection_ends_the_wait() throws Exception {
        Future<Boolean> waiting = waiting();
        connection.close();
        assertThat(failure(waiting)).isInstanceOf(SQLException.class);
        assertThat(comment()).isEqualTo("none");
    }

    @Test
    void an_interrupt_ends_the_wait() throws Exception {
        Future<Throwable> waiting = threads.submit(
                () -> catchThrowableOfType(ApprovalRequiredException.class, () -> statement.execute(SQL)));
        request(waiting);
        threads.shutdownNow();
        assertThat(waiting.get()).isInstanceOf(ApprovalRequiredException.class);
    }

    @Test
    void others_read_write_and_cancel_on_the_connection_meanwhile() throws Exception {
        Future<Boolean> waiting = waiting();
        try (Statement other = connection.createStatement()) {
            try (ResultSet row = other.executeQuery("SELECT 1")) {
                assertThat(row.next()).isTrue();
            }
            assertThat(other.executeUpdate("INSERT INTO users VALUES (1)")).isEqualTo(1);
            other.cancel();
        }
        assertThat(waiting.isDone()).isFalse();
        store.approvals().decide(request(waiting).id(), true, "ops");
        waiting.get();
        assertThat(comment()).isEqualTo("waited for");
        assertThat(store.approvals().list(ApprovalState.values())).hasSize(1);
    }

    /** Another thread's statement of the same connection that goes on until it is cancelled. */
    private Future<Boolean> sleeping(Statement other) throws Exception {
        Future<Boolean> sleeping = threads.submit(() -> other.execute("SELECT pg_sleep(600)"));
        while (!database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
                .equals("1")) {
            assertThat(sleeping.isDone()).isFalse();
        }
        return sleeping;
    }

    @Test
    void cancel_ends_the_wait_while_another_thread_has_its_turn() throws Exception {
        Future<Boolean> waiting = waiting();
        try (Statement other = connection.createStatement()) {
            Future<Boolean> sleeping = sleeping(other);
            statement.cancel();
            assertThat(((SQLException) failure(waiting)).getSQLState()).isEqualTo("57014");
            assertThat(sleeping.isDone()).isFalse();
            other.cancel();
            assertThat(((SQLException) failure(sleeping)).getSQLState()).isEqualTo("57014");
            assertThat(other.executeUpdate("INSERT INTO users VALUES (1)")).isEqualTo(1);
        }
    }

    @Test
    void cancel_ends_the_wait_for_the_turn_of_an_approved_statement() throws Exception {
        Future<Boolean> waiting = waiting();
        Approval request = request(waiting);
        try (Statement other = connection.createStatement()) {
            Future<Boolean> sleeping = sleeping(other);
            store.approvals().decide(request.id(), true, "ops");
            statement.cancel();
            assertThat(((SQLException) failure(waiting)).getSQLState())
                    .as("approved, and cancelled before its turn came")
                    .isEqualTo("57014");
            other.cancel();
            assertThat(failure(sleeping)).isInstanceOf(SQLException.class);
        }
        assertThat(comment()).isEqualTo("none");
        assertThat(store.approvals().find(request.id()).orElseThrow().state()).isEqualTo(ApprovalState.APPROVED);
    }

    @Test
    void many_that_wait_leave_room_for_others() throws Exception {
        int agents = 101;
        List<Future<Throwable>> waits = new ArrayList<>();
        for (int i = 0; i < agents; i++) {
            String sql = "COMMENT ON TABLE users IS 'by " + i + "'";
            waits.add(threads.submit(() -> catchThrowable(() -> {
                try (Statement waiting = connection.createStatement()) {
                    waiting.execute(sql);
                }
            })));
        }
        while (waits.stream().noneMatch(Future::isDone)) {
            Thread.onSpinWait();
        }
        assertThat(waits.stream()
                        .filter(Future::isDone)
                        .findFirst()
                        .orElseThrow()
                        .get())
                .as("one too many")
                .isInstanceOf(ApprovalRequiredException.class);
        try (ResultSet row = statement.executeQuery("SELECT 1")) {
            assertThat(row.next()).isTrue();
        }
        assertThat(statement.executeUpdate("INSERT INTO users VALUES (1)")).isEqualTo(1);
        while (store.approvals().list(ApprovalState.PENDING).size() < agents) {
            Thread.onSpinWait();
        }
        for (Approval pending : store.approvals().list(ApprovalState.PENDING)) {
            store.approvals().decide(pending.id(), true, "ops");
        }
        long ran = 0;
        for (Future<Throwable> wait : waits) {
            ran += wait.get() == null ? 1 : 0;
        }
        assertThat(ran).isEqualTo(agents - 1);
    }

    @Test
    void a_session_that_another_thread_changed_meanwhile_asks_anew() throws Exception {
        Future<Boolean> waiting = waiting();
        Approval first = request(waiting);
        try (Statement other = connection.createStatement()) {
            other.execute("SET TimeZone = 'Pacific/Kiritimati'");
        }
        store.approvals().decide(first.id(), true, "ops");
        assertThat(request(waiting).id()).isNotEqualTo(first.id());
        assertThat(comment()).isEqualTo("none");
        statement.cancel();
        assertThat(failure(waiting)).isInstanceOf(SQLException.class);
    }

    @Test
    void a_denial_ends_the_wait() throws Exception {
        Future<Boolean> waiting = waiting();
        store.approvals().decide(request(waiting).id(), false, "ops");
        assertThat(failure(waiting)).isInstanceOf(ApprovalDeniedException.class);
    }

    @Test
    void a_pause_that_begins_meanwhile_stops_it() throws Exception {
        Future<Boolean> waiting = waiting();
        Approval request = request(waiting);
        store.pause().pause("incident", "ops");
        store.approvals().decide(request.id(), true, "ops");
        assertThat(failure(waiting)).isInstanceOf(PausedException.class);
        assertThat(store.approvals().find(request.id()).orElseThrow().state()).isEqualTo(ApprovalState.APPROVED);
    }

    @Test
    void a_quarantine_that_begins_meanwhile_stops_it() throws Exception {
        Future<Boolean> waiting = waiting();
        QuarantineRules rules = QuarantineRules.defaults();
        for (int i = 0; i < rules.maxBlockedAttempts(); i++) {
            store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        }
        store.approvals().decide(request(waiting).id(), true, "ops");
        assertThat(failure(waiting)).isInstanceOf(AgentQuarantinedException.class);
        assertThat(comment()).isEqualTo("none");
    }

    @Test
    void a_quarantine_that_is_lifted_before_the_decision_stops_nothing() throws Exception {
        Future<Boolean> waiting = waiting();
        QuarantineRules rules = QuarantineRules.defaults();
        for (int i = 0; i < rules.maxBlockedAttempts(); i++) {
            store.quarantine().refused("agent", "DROP DATABASE shop", rules);
        }
        assertThat(store.quarantine().lift("agent", "ops")).isTrue();
        store.approvals().decide(request(waiting).id(), true, "ops");
        waiting.get();
        assertThat(comment()).isEqualTo("waited for");
    }

    @Test
    void what_a_guard_with_another_policy_blocks_leaves_the_approval_for_the_one_that_asked() throws Exception {
        Future<Boolean> waiting = waiting();
        Approval request = request(waiting);
        Policy blocking = new PolicyReader().read("{\"block_operations\": [\"COMMENT\"]}", "no comments");
        try (Backstop other = Backstop.builder()
                        .control(folder.resolve("backstop.db"))
                        .policy(blocking)
                        .agentId("agent")
                        .build();
                Connection stricter = other.guard(database.connect());
                Statement blocked = stricter.createStatement()) {
            try (Statement sleeper = connection.createStatement()) {
                Future<Boolean> sleeping = sleeping(sleeper); // the first guard's statement cannot use it meanwhile
                store.approvals().decide(request.id(), true, "ops");
                assertThatThrownBy(() -> blocked.execute(SQL)).isInstanceOf(StatementBlockedException.class);
                assertThat(store.approvals().find(request.id()).orElseThrow().state())
                        .isEqualTo(ApprovalState.APPROVED);
                sleeper.cancel();
                assertThat(failure(sleeping)).isInstanceOf(SQLException.class);
            }
        }
        waiting.get();
        assertThat(comment()).isEqualTo("waited for");
    }

    @Test
    void two_that_wait_for_the_same_statement_need_an_approval_each() throws Exception {
        Future<Boolean> first = waiting();
        try (Connection second = backstop.guard(database.connect());
                Statement other = second.createStatement()) {
            Future<Boolean> alsoWaiting = threads.submit(() -> other.execute(SQL));
            store.approvals().decide(request(first).id(), true, "ops");
            while (!first.isDone() && !alsoWaiting.isDone()) {
                Thread.onSpinWait();
            }
            Future<Boolean> left = first.isDone() ? alsoWaiting : first;
            store.approvals().decide(request(left).id(), true, "ops");
            first.get();
            alsoWaiting.get();
        }
        assertThat(store.approvals().list(ApprovalState.CONSUMED)).hasSize(2);
        assertThatThrownBy(() -> {
                    statement.setQueryTimeout(1);
                    statement.execute(SQL);
                })
                .isInstanceOf(SQLException.class);
    }
}
