package io.backstop.story;

import io.backstop.api.snapshot.Progress.Step;
import io.backstop.jdbc.Backstop;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A statement that is cancelled, or whose query timeout is over, while it is secured: it does not run after all. */
@ExtendWith(PostgresExtension.class)
class CancelTest {
    private static final String CANCELED = "57014";
    private static final String LOCKED_OUT =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

    @TempDir
    private Path folder;

    private TestDatabase database;

    /** What is to happen when a step is reached. */
    private Meanwhile meanwhile = step -> {};

    @FunctionalInterface
    interface Meanwhile {
        void at(Step step) throws SQLException;
    }

    @BeforeEach
    void fill(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS t",
                "CREATE TABLE t (id int PRIMARY KEY, v text)",
                "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i");
    }

    private Backstop backstop() throws SQLException, IOException {
        Path policy = folder.resolve("policy.json");
        Files.writeString(policy, "{\"require_approval_for_risks\": [], \"protected_tables\": [\"t\"]}");
        return Backstop.builder()
                .policy(policy.toString())
                .storage(folder.resolve("snapshots").toUri().toString())
                .control(folder.resolve("backstop.db"))
                .progress((step, subject, done, total) -> {
                    try {
                        meanwhile.at(step);
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .build();
    }

    private long rows() throws SQLException {
        return Long.parseLong(database.value("SELECT count(*) FROM t"));
    }

    /** The session goes on as if nothing had been; what cancelled the one does not hit the next. */
    private void assertGoesOn(Statement statement) throws SQLException {
        meanwhile = step -> {};
        assertThat(rows()).isEqualTo(100);
        assertThat(statement.executeUpdate("UPDATE t SET v = 'x' WHERE id = 7")).isEqualTo(1);
        assertThat(statement.executeUpdate("DELETE FROM t")).isEqualTo(100);
    }

    @ParameterizedTest
    @EnumSource(
            value = Step.class,
            names = {"LOCKED", "DESCRIBED", "COPYING", "COPIED", "PUBLISHED", "VERIFIED"})
    void a_cancelled_statement_does_not_run_whatever_is_done_for_it(Step at) throws Exception {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            meanwhile = step -> {
                if (step == at) {
                    statement.cancel();
                }
            };

            assertThatThrownBy(() -> statement.execute("TRUNCATE t"))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(CANCELED))
                    .hasMessageContaining("it was cancelled");

            assertThat(connection.getAutoCommit()).isTrue();
            assertGoesOn(statement);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE FROM t WHERE id < 50", "DELETE FROM t"})
    void so_does_a_prepared_one_within_a_transaction_that_goes_on(String sql) throws Exception {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement before = connection.createStatement();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            connection.setAutoCommit(false);
            before.executeUpdate("INSERT INTO t VALUES (101, 'before')");
            meanwhile = step -> {
                if (step == Step.VERIFIED) {
                    statement.cancel();
                }
            };

            assertThatThrownBy(statement::executeUpdate)
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(CANCELED));

            connection.commit();
            assertThat(rows()).isEqualTo(101);
        }
    }

    @Test
    void to_cancel_another_statement_of_the_session_stops_nothing() throws Exception {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement other = connection.createStatement();
                Statement statement = connection.createStatement()) {
            meanwhile = step -> other.cancel();

            statement.execute("TRUNCATE t");

            assertThat(rows()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @SuppressWarnings("try") // it is closed early on purpose
    void with_its_connection_gone_a_statement_does_not_run(boolean aborted) throws Exception {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            meanwhile = step -> {
                if (step != Step.VERIFIED) {
                    return;
                }
                if (aborted) {
                    connection.abort(Runnable::run);
                } else {
                    connection.close();
                }
            };

            assertThatThrownBy(() -> statement.execute("TRUNCATE t")).isInstanceOf(SQLException.class);

            assertThat(rows()).isEqualTo(100);
        }
    }

    @Test
    void a_wait_for_a_lock_ends_when_the_statement_is_cancelled() throws Exception {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement();
                Connection blocker = reading()) {
            assertThatThrownBy(() -> whileWaiting(() -> statement.execute("TRUNCATE t"), statement::cancel))
                    .isInstanceOfSatisfying(SQLException.class, CancelTest::assertCanceledByServer);
            blocker.rollback();

            assertGoesOn(statement);
        }
    }

    @Test
    void the_query_timeout_counts_from_where_the_rows_begin_to_be_saved() throws Exception {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement();
                Connection blocker = reading()) {
            statement.setQueryTimeout(1);

            assertThatThrownBy(() -> statement.execute("TRUNCATE t"))
                    .isInstanceOfSatisfying(SQLException.class, CancelTest::assertCanceledByServer)
                    .hasMessageContaining("its query timeout of 1 s");
            blocker.rollback();

            statement.setQueryTimeout(0);
            assertGoesOn(statement);
        }
    }

    @Test
    void what_the_server_works_on_is_cancelled_as_ever() throws Exception {
        try (Backstop backstop = backstop();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement();
                Connection blocker = reading();
                Statement lock = blocker.createStatement()) {
            lock.execute("SELECT pg_advisory_xact_lock(7)");

            assertThatThrownBy(() ->
                            whileWaiting(() -> statement.execute("SELECT pg_advisory_lock(7)"), statement::cancel))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo(CANCELED));
            blocker.rollback();

            assertGoesOn(statement);
        }
    }

    /** It was not the lock timeout that ended it. */
    private static void assertCanceledByServer(SQLException failure) {
        assertThat(failure.getSQLState()).isEqualTo(CANCELED);
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        assertThat(((SQLException) root).getSQLState()).isEqualTo(CANCELED);
        assertThat(root).isNotSameAs(failure);
    }

    /** A transaction that TRUNCATE has to wait for. */
    private Connection reading() throws SQLException {
        Connection connection = database.connect();
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT FROM t");
        }
        return connection;
    }

    /** Runs a statement in a thread of its own, and cancels it when it waits for a lock. */
    private void whileWaiting(Callable<?> statement, Cancel cancel) throws Throwable {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<?> running = thread.submit(statement);
            while (database.value(LOCKED_OUT).equals("0") && !running.isDone()) {
                Thread.onSpinWait();
            }
            cancel.run();
            running.get();
        } catch (ExecutionException e) {
            throw e.getCause();
        } finally {
            thread.shutdown();
            assertThat(thread.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
        }
    }

    @FunctionalInterface
    interface Cancel {
        void run() throws SQLException;
    }
}
