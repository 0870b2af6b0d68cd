package io.backstop.jdbc;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.event.ConnectionEvent;
import io.backstop.api.event.GuardListener;
import io.backstop.api.event.Refusal;
import io.backstop.api.event.StatementEvent;
import io.backstop.api.policy.Verdict;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.SynchronousQueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** Listeners hear what happens to statements, and can neither delay nor break one. */
@ExtendWith(PostgresExtension.class)
class GuardListenerTest {
    @TempDir
    private Path folder;

    private final Heard heard = new Heard();
    private TestDatabase database;

    @BeforeEach
    void tables(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 10) AS n");
    }

    private Backstop guard(String policy, GuardListener... listeners) throws SQLException {
        BackstopBuilder builder = Backstop.builder()
                .policy(policy)
                .control(folder.resolve("backstop.db"))
                .snapshots(new FakeSnapshots())
                .agentId("agent");
        for (GuardListener listener : listeners) {
            builder.listener(listener);
        }
        return builder.build();
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Test
    void a_read_is_judged_and_executed_between_its_connections_opening_and_closing() throws SQLException {
        try (Backstop backstop = guard("strict", heard);
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, "SELECT name FROM users");
        }
        assertThat(heard.words)
                .containsExactly("opened agent", "judged SELECT SAFE allow", "executed SELECT", "closed agent");
    }

    @Test
    void a_write_is_heard_with_its_table_and_no_value() throws SQLException {
        try (Backstop backstop = guard("strict", heard);
                Connection connection = backstop.guard(database.connect());
                PreparedStatement update = connection.prepareStatement("UPDATE users SET name = ? WHERE id = ?")) {
            update.setString(1, "a secret of Ada's");
            update.setInt(2, 1);
            update.executeUpdate();
        }
        assertThat(heard.words).contains("judged UPDATE WRITE allow", "executed UPDATE");
        StatementEvent event = heard.statements.get(0);
        assertThat(event.tables()).containsExactly("users");
        assertThat(event.rules()).extracting(Object::toString).containsExactly("update");
        assertThat(event.statementSha256()).hasSize(64);
        assertThat(event.toString()).doesNotContain("Ada");
    }

    @Test
    void a_held_statement_is_heard_with_the_id_of_its_request() throws SQLException {
        ApprovalRequiredException held;
        try (Backstop backstop = guard("strict", heard);
                Connection connection = backstop.guard(database.connect())) {
            held = catchThrowableOfType(
                    ApprovalRequiredException.class, () -> execute(connection, "GRANT SELECT ON users TO PUBLIC"));
        }
        assertThat(heard.words)
                .containsSubsequence("judged GRANT HIGH hold", "held GRANT " + held.approvalId())
                .noneMatch(word -> word.startsWith("refused"));
    }

    @Test
    void a_statement_that_waits_for_its_approval_is_heard_before_it_is_decided() throws Exception {
        SynchronousQueue<String> ids = new SynchronousQueue<>();
        GuardListener passesOn = new GuardListener() {
            @Override
            public void held(StatementEvent statement, String approvalId) {
                try {
                    ids.put(approvalId);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        ExecutorService agent = Executors.newSingleThreadExecutor();
        try (Backstop backstop = Backstop.builder()
                        .settings(java.util.Map.of(Setting.APPROVAL, "wait"))
                        .control(folder.resolve("backstop.db"))
                        .listener(passesOn)
                        .listener(heard)
                        .build();
                Connection connection = backstop.guard(database.connect())) {
            Future<?> waiting = agent.submit(() -> {
                execute(connection, "GRANT SELECT ON users TO PUBLIC");
                return null;
            });
            backstop.controlStore().approvals().decide(ids.take(), true, "ops");
            waiting.get();
        } finally {
            agent.shutdownNow();
        }
        assertThat(heard.words).filteredOn(word -> word.startsWith("held")).hasSize(1);
        assertThat(heard.words).contains("executed GRANT");
    }

    @Test
    void a_blocked_statement_is_heard_as_refused_with_its_state() throws SQLException {
        try (Backstop backstop = guard("strict", heard);
                Connection connection = backstop.guard(database.connect())) {
            assertThatThrownBy(() -> execute(connection, "DROP DATABASE shop"))
                    .isInstanceOf(StatementBlockedException.class);
        }
        assertThat(heard.words).contains("judged DROP DATABASE CRITICAL block", "refused DROP DATABASE ZB001");
    }

    @Test
    void a_statement_that_the_server_refuses_is_heard_as_failed() throws SQLException {
        try (Backstop backstop = guard("strict", heard);
                Connection connection = backstop.guard(database.connect())) {
            assertThatThrownBy(() -> execute(connection, "SELECT * FROM nowhere"))
                    .isInstanceOf(SQLException.class);
            assertThatThrownBy(() -> execute(connection, "INSERT INTO users VALUES (1, 'again')"))
                    .isInstanceOf(SQLException.class);
        }
        assertThat(heard.words).contains("failed SELECT 42P01", "failed INSERT 23505");
    }

    @Test
    void a_destructive_statement_is_heard_as_secured_and_executed() throws SQLException {
        try (Backstop backstop = guard("application", heard);
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, "DELETE FROM users");
        }
        assertThat(heard.words)
                .containsSubsequence("judged DELETE CRITICAL allow", "secured DELETE", "executed DELETE");
    }

    @Test
    void in_mode_monitor_the_verdict_is_heard_and_the_statement_runs() throws SQLException {
        try (Backstop backstop = guard("monitor", heard);
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, "TRUNCATE users");
        }
        assertThat(heard.words)
                .anyMatch(word -> word.startsWith("judged TRUNCATE CRITICAL"))
                .contains("executed TRUNCATE");
    }

    @Test
    void a_listener_that_hangs_delays_no_statement() throws SQLException {
        CountDownLatch ever = new CountDownLatch(1);
        GuardListener hangs = new GuardListener() {
            @Override
            public void judged(StatementEvent statement, Verdict verdict, Duration took) {
                try {
                    ever.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        try (Backstop backstop = guard("strict", hangs);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            for (int i = 0; i < 6_000; i++) { // two events each: more than may wait
                try (ResultSet row = statement.executeQuery("SELECT " + i)) {
                    assertThat(row.next()).isTrue();
                }
            }
            ever.countDown();
        }
    }

    @Test
    void a_listener_that_fails_breaks_no_statement_and_no_other_listener() throws SQLException {
        GuardListener fails = new GuardListener() {
            @Override
            public void judged(StatementEvent statement, Verdict verdict, Duration took) {
                throw new NoClassDefFoundError("a library that is not there");
            }
        };
        try (Backstop backstop = guard("strict", fails, heard);
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, "SELECT 1");
            execute(connection, "UPDATE users SET name = 'Ada' WHERE id = 1");
        }
        assertThat(heard.words).contains("executed SELECT", "executed UPDATE", "closed agent");
        assertThat(database.value("SELECT name FROM users WHERE id = 1")).isEqualTo("Ada");
    }

    @Test
    void a_connection_is_heard_to_close_once() throws SQLException {
        try (Backstop backstop = guard("strict", heard)) {
            Connection connection = backstop.guard(database.connect());
            connection.close();
            connection.close();
            Connection aborted = backstop.guard(database.connect());
            aborted.abort(Runnable::run);
            aborted.close();
        }
        assertThat(heard.words).containsExactly("opened agent", "closed agent", "opened agent", "closed agent");
    }

    /** Remembers events in words. Read after its guard was closed, which delivers all. */
    private static final class Heard implements GuardListener {
        private final List<String> words = new ArrayList<>();
        private final List<StatementEvent> statements = new ArrayList<>();

        @Override
        public void connectionOpened(ConnectionEvent connection) {
            words.add("opened " + connection.agentId());
        }

        @Override
        public void connectionClosed(ConnectionEvent connection) {
            words.add("closed " + connection.agentId());
        }

        @Override
        public void judged(StatementEvent statement, Verdict verdict, Duration took) {
            assertThat(took).isPositive();
            statements.add(statement);
            RiskLevel risk = statement.risk();
            words.add("judged " + statement.operation() + " " + risk + " "
                    + verdict.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT));
        }

        @Override
        public void held(StatementEvent statement, String approvalId) {
            words.add("held " + statement.operation() + " " + approvalId);
        }

        @Override
        public void refused(StatementEvent statement, Refusal refusal) {
            words.add("refused " + statement.operation() + " " + refusal.sqlState());
        }

        @Override
        public void secured(StatementEvent statement, List<SnapshotManifest> snapshots, Duration took) {
            words.add("secured " + statement.operation());
        }

        @Override
        public void executed(StatementEvent statement, Duration took) {
            words.add("executed " + statement.operation());
        }

        @Override
        public void failed(StatementEvent statement, String sqlState, Duration took) {
            words.add("failed " + statement.operation() + " " + sqlState);
        }
    }
}
