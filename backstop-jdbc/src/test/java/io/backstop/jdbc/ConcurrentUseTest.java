package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
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
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** Several threads use one connection, or one statement, while something of it is judged, counted or sent. */
@ExtendWith(PostgresExtension.class)
class ConcurrentUseTest {
    @TempDir
    private Path folder;

    private ExecutorService threads;
    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        threads = Executors.newCachedThreadPool();
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) AS n");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .control(store)
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .policy(Policy.strict())
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
        threads.shutdownNow();
    }

    private String lockWaits() throws SQLException {
        return database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                + " AND datname = current_database()");
    }

    /** Runs something on the connection that waits in the server until the holder rolls back. */
    private Future<?> blocked(Connection holder, String sql) throws SQLException {
        holder.setAutoCommit(false);
        try (Statement statement = holder.createStatement()) {
            statement.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
        }
        Future<?> execution = threads.submit(() -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute(sql);
            }
        });
        while (lockWaits().equals("0") && !execution.isDone()) {
            Thread.onSpinWait();
        }
        return execution;
    }

    @Test
    void a_batch_is_not_changed_while_it_waits() throws Exception {
        try (Connection holder = database.connect();
                Statement batch = connection.createStatement();
                PreparedStatement prepared = connection.prepareStatement("UPDATE users SET name = 'x' WHERE id = ?")) {
            batch.addBatch("INSERT INTO users VALUES (6000, 'harmless')");
            prepared.setInt(1, 1);
            Future<?> other = blocked(holder, "SELECT count(*) FROM users");
            Future<?> execution = inLine(batch::executeBatch);
            Future<?> preparedExecution = inLine(prepared::executeUpdate);
            assertThatThrownBy(() -> batch.addBatch("DROP TABLE users")).hasMessageContaining("is being executed");
            assertThatThrownBy(batch::clearBatch).hasMessageContaining("is being executed");
            assertThatThrownBy(() -> prepared.setInt(1, 2)).hasMessageContaining("is being executed");
            assertThatThrownBy(() -> prepared.setObject(1, 2)).hasMessageContaining("is being executed");
            assertThatThrownBy(prepared::clearParameters).hasMessageContaining("is being executed");
            holder.rollback();
            other.get();
            execution.get();
            preparedExecution.get();
            prepared.setInt(1, 3);
            assertThat(prepared.executeUpdate()).isEqualTo(1);
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5001");
        assertThat(database.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM users WHERE name = 'x'"))
                .isEqualTo("1 3");
    }

    /** An execution of another thread that has begun, and waits for the connection. */
    private Future<?> inLine(Callable<?> execution) {
        AtomicReference<Thread> thread = new AtomicReference<>();
        Future<?> begun = threads.submit(() -> {
            thread.set(Thread.currentThread());
            return execution.call();
        });
        while (thread.get() == null || thread.get().getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return begun;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void another_threads_commit_keeps_nothing_that_is_undone(boolean autoCommit) throws Exception {
        connection.setAutoCommit(autoCommit);
        try (Connection holder = database.connect()) {
            Future<?> execution = blocked(holder, "DELETE FROM users WHERE id <= 4000");
            Future<?> commit = threads.submit(() -> {
                connection.commit();
                return null;
            });
            Future<?> flip = threads.submit(() -> {
                connection.setAutoCommit(true);
                return null;
            });
            assertThat(connection.getAutoCommit()).isEqualTo(autoCommit);
            holder.rollback();
            assertThatThrownBy(execution::get).hasCauseInstanceOf(ImpactLimitException.class);
            if (autoCommit) {
                assertThatThrownBy(commit::get).isInstanceOf(ExecutionException.class); // as without Backstop
            }
            flip.get();
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void a_statement_that_is_cancelled_before_its_turn_does_not_run() throws Exception {
        try (Connection holder = database.connect();
                Statement late = connection.createStatement()) {
            late.addBatch("INSERT INTO users VALUES (6000, 'late')");
            Future<?> other = blocked(holder, "SELECT count(*) FROM users");
            Future<?> execution = threads.submit(late::executeBatch);
            while (true) {
                try {
                    late.addBatch("SELECT 1");
                } catch (SQLException e) {
                    break; // it waits for its turn
                }
            }
            late.cancel();
            holder.rollback();
            other.get();
            assertThatThrownBy(execution::get).hasMessageContaining("it was cancelled");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void an_approval_means_the_view_as_it_was() throws Exception {
        database.run("CREATE TABLE IF NOT EXISTS junk (id int)", "CREATE OR REPLACE VIEW shown AS SELECT id FROM junk");
        try (Statement statement = connection.createStatement()) {
            ApprovalRequiredException held =
                    catchThrowableOfType(ApprovalRequiredException.class, () -> statement.execute("DELETE FROM shown"));
            assertThat(store.approvals()
                            .decide(held.approvalId(), true, "ops")
                            .orElseThrow()
                            .approval()
                            .state())
                    .isEqualTo(ApprovalState.APPROVED);
            database.run("CREATE OR REPLACE VIEW shown AS SELECT id FROM users");
            assertThatThrownBy(() -> statement.execute("DELETE FROM shown"))
                    .isInstanceOf(ApprovalRequiredException.class);
        } finally {
            database.run("DROP VIEW shown", "DROP TABLE junk");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    /** The planner folds index predicates and CHECKs, and the check of a foreign key plans the table that is referenced. */
    @Test
    void code_that_the_planner_runs_counts_wherever_the_table_is_named() throws Exception {
        database.run(
                "CREATE TABLE IF NOT EXISTS armed ()",
                "CREATE FUNCTION wipe_now() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN 0; END'",
                "CREATE FUNCTION wipe() RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN IF to_regclass(''armed'') IS NULL THEN PERFORM public.wipe_now(); END IF; RETURN 0; END'",
                "CREATE TABLE planned (id int PRIMARY KEY)",
                "CREATE TABLE referring (id int REFERENCES planned)",
                "CREATE INDEX ON planned (id) WHERE id > wipe()",
                "CREATE TABLE parent (id int)",
                "CREATE TABLE child (CHECK (id > wipe())) INHERITS (parent)",
                "DROP TABLE armed");
        close();
        connect(database);
        try (Statement statement = connection.createStatement()) {
            for (String sql : List.of(
                    "SELECT * FROM planned WHERE id = 1 FOR UPDATE",
                    "SELECT * FROM child WHERE id = 1 FOR UPDATE",
                    "INSERT INTO referring SELECT id FROM planned WHERE id = 1",
                    "INSERT INTO referring VALUES (1)")) {
                assertThatThrownBy(() -> statement.execute(sql)).as(sql).isInstanceOf(SQLException.class);
                assertThat(database.value("SELECT count(*) FROM users")).as(sql).isEqualTo("5000");
            }
        } finally {
            database.run("DROP TABLE child, parent, referring, planned", "DROP FUNCTION wipe(), wipe_now()");
        }
    }
}
