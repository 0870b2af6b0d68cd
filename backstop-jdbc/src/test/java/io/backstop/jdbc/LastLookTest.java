package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.PausedException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.QuarantineRules;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** What is decided while a statement waits: for its approval, its locks or its snapshot. */
@ExtendWith(PostgresExtension.class)
class LastLookTest {
    private static final String APPROVING = "{\"require_approval_for_risks\": [\"HIGH\", \"CRITICAL\"]}";
    private static final String RUNNING = "{\"require_approval_for_risks\": []";

    @TempDir
    private Path folder;

    private int stores;

    private final ExecutorService threads = Executors.newSingleThreadExecutor();
    private TestDatabase database;
    private SqlControlStore operators;
    private Path policy;

    @BeforeEach
    void create(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 100) AS n");
        operators = SqlControlStore.sqlite(control(), Clock.systemUTC());
        policy = folder.resolve("policy.json");
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        operators.close();
    }

    private BackstopBuilder builder(String rules) throws Exception {
        Files.writeString(policy, rules);
        return Backstop.builder().control(control()).agentId("agent").policy(policy.toString());
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Something that an operator does meanwhile, and how it refuses. */
    enum Meanwhile {
        PAUSE(PausedException.class) {
            @Override
            void happen(LastLookTest test) throws Exception {
                test.operators.pause().pause("incident", "ops");
            }
        },
        QUARANTINE(AgentQuarantinedException.class) {
            @Override
            void happen(LastLookTest test) throws Exception {
                test.operators
                        .quarantine()
                        .refused(
                                "agent",
                                "DROP DATABASE shop",
                                new QuarantineRules(1, Duration.ofHours(1), Duration.ofHours(1), false));
            }
        },
        STRICTER_POLICY(StatementBlockedException.class) {
            @Override
            void happen(LastLookTest test) throws Exception {
                Files.writeString(
                        test.policy, "{\"block_operations\": [\"TRUNCATE\", \"COMMENT\", \"DELETE\", \"UPDATE\"]}");
            }
        };

        private final Class<? extends BackstopException> refusal;

        Meanwhile(Class<? extends BackstopException> refusal) {
            this.refusal = refusal;
        }

        abstract void happen(LastLookTest test) throws Exception;
    }

    private void assertRefused(Future<?> execution, Meanwhile meanwhile) throws Exception {
        ExecutionException failure = catchThrowableOfType(ExecutionException.class, execution::get);
        assertThat((Throwable) failure).as("it was refused").isNotNull();
        assertThat(failure.getCause()).isInstanceOf(meanwhile.refusal);
        assertThat(database.value("SELECT count(*) FROM users WHERE name = 'user'"))
                .isEqualTo("100");
        assertThat(database.value("SELECT obj_description('users'::regclass) IS NULL"))
                .isEqualTo("t");
    }

    @ParameterizedTest
    @EnumSource
    void a_statement_that_waits_for_its_approval_is_judged_again(Meanwhile meanwhile) throws Exception {
        Files.writeString(policy, APPROVING);
        try (Connection connection = DriverManager.getConnection(
                database.backstopUrl("backstop.approval=wait&backstop.agentId=agent&backstop.control=" + control()
                        + "&backstop.policy=" + policy))) {
            Future<?> execution = threads.submit(() -> {
                execute(connection, "COMMENT ON TABLE users IS 'waited for'");
                return null;
            });
            while (operators.approvals().list(ApprovalState.PENDING).isEmpty() && !execution.isDone()) {
                Thread.onSpinWait();
            }
            meanwhile.happen(this);
            String id = operators.approvals().list(ApprovalState.PENDING).get(0).id();
            operators.approvals().decide(id, true, "ops");
            assertRefused(execution, meanwhile);
            assertThat(operators.approvals().find(id).orElseThrow().state())
                    .as("it did not run")
                    .isEqualTo(ApprovalState.APPROVED);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_statement_whose_rows_were_stored_is_judged_again_before_it_is_sent(Meanwhile meanwhile) throws Exception {
        FakeSnapshots slow = new FakeSnapshots() {
            @Override
            public SecuredRows secure(
                    Connection connection, Connections more, SnapshotRequest request, Progress progress)
                    throws RecoveryNotReadyException {
                try {
                    meanwhile.happen(LastLookTest.this);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                return super.secure(connection, more, request, progress);
            }
        };
        try (Backstop backstop = builder(RUNNING + "}").snapshots(slow).build();
                Connection connection = backstop.guard(database.connect())) {
            assertRefused(
                    threads.submit(() -> {
                        execute(connection, "TRUNCATE users");
                        return null;
                    }),
                    meanwhile);
            assertThat(slow.discarded).isEqualTo(1);
        }
    }

    /** A statement that waits for a lock by now, unless it has ended. */
    private Future<?> waiting(Connection connection, String sql) throws SQLException {
        Future<?> execution = threads.submit(() -> {
            execute(connection, sql);
            return null;
        });
        while (!execution.isDone()
                && database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                + " AND datname = current_database()")
                        .equals("0")) {
            Thread.onSpinWait();
        }
        return execution;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "TRUNCATE users",
                "DELETE FROM users",
                "DELETE FROM users WHERE id = 1",
                "UPDATE users SET id = id"
            })
    void a_statement_that_waits_in_the_server_is_undone(String sql) throws Exception {
        for (boolean autoCommit : new boolean[] {true, false}) {
            for (Meanwhile meanwhile : Meanwhile.values()) {
                try (Backstop backstop = builder(RUNNING + ", \"require_recovery_for_critical\": false}")
                                .build();
                        Connection connection = backstop.guard(database.connect());
                        Connection holder = database.connect()) {
                    holder.setAutoCommit(false);
                    execute(holder, "SELECT * FROM users FOR UPDATE");
                    connection.setAutoCommit(autoCommit);
                    execute(connection, "SELECT 1");
                    Future<?> execution = waiting(connection, sql);
                    meanwhile.happen(this);
                    holder.rollback();
                    assertRefused(execution, meanwhile);
                    if (!autoCommit) {
                        connection.commit();
                    }
                }
                operators.close();
                restart();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM users WHERE id <= 60",
                "UPDATE users SET name = 'x' WHERE id <= 60",
                "INSERT INTO users SELECT n, 'more' FROM generate_series(101, 200) n WHERE n > (SELECT min(id) FROM users)",
                "MERGE INTO users USING generate_series(1, 60) AS n ON users.id = n WHEN MATCHED THEN DELETE"
            })
    void limits_that_are_switched_on_meanwhile_count(String sql) throws Exception {
        Assumptions.assumeTrue(!sql.startsWith("MERGE") || database.majorVersion() >= 15, "there is no MERGE before");
        for (boolean autoCommit : new boolean[] {true, false}) {
            try (Backstop backstop =
                            builder("{\"impact_analysis_enabled\": false}").build();
                    Connection connection = backstop.guard(database.connect());
                    Connection holder = database.connect()) {
                holder.setAutoCommit(false);
                execute(holder, "LOCK TABLE users");
                connection.setAutoCommit(autoCommit);
                execute(connection, "SELECT 1");
                Future<?> execution = waiting(connection, sql);
                Files.writeString(policy, "{}");
                holder.rollback();
                assertRefused(execution, Meanwhile.STRICTER_POLICY);
                if (!autoCommit) {
                    connection.commit();
                }
            }
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("100");
    }

    /** A store for each state of things, since a store that was removed is missed. */
    private Path control() {
        return folder.resolve("backstop" + stores + ".db");
    }

    private void restart() throws SQLException {
        stores++;
        operators = SqlControlStore.sqlite(control(), Clock.systemUTC());
    }

    @Test
    void what_may_still_run_runs_after_its_wait() throws Exception {
        try (Backstop backstop = builder(RUNNING + ", \"require_recovery_for_critical\": false}")
                        .build();
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, "TRUNCATE users");
            connection.setAutoCommit(false);
            execute(connection, "INSERT INTO users VALUES (1, 'mine')");
            execute(connection, "DELETE FROM users");
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }
}
