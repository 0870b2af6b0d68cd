package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Statements that are stopped each time before something is sent for them: what they leave of transaction, locks and settings
 * is what they leave without Backstop, and they have run whole or not at all.
 */
@ExtendWith(PostgresExtension.class)
class StoppedStatementTest {
    /** What sets the fence, and who knows it by another name than the one that is answered as without Backstop. */
    private static final String DEFAULT = "SELECT current_setting(lower('DEFAULT_TRANSACTION_READ_ONLY'))";

    /** One of each way in which a statement runs, with what it leaves if it ran. */
    private static final List<String> STATEMENTS = List.of(
            "SELECT count(*) FROM users",
            "SELECT doubled(1)",
            "SELECT id FROM users WHERE id = 1 FOR UPDATE",
            "SHOW default_transaction_read_only",
            "INSERT INTO users VALUES (1000, 'new')",
            "UPDATE users SET name = 'changed' WHERE id < 10",
            "TRUNCATE users",
            "CALL add_user()",
            "SELECT 1; INSERT INTO users VALUES (1001, 'new')");

    /**
     * Each way of stopping meets every n-th statement, by turns: with 3, each statement is stopped in each way, and in one or two
     * of the four settings. With 1, everything meets everything.
     */
    private static final int EVERY = Integer.getInteger("backstop.test.every", 3);

    @TempDir
    private Path folder;

    private TestDatabase database;

    /** Looks at what is left: one connection, as thousands are looked at. */
    private Connection observer;

    @BeforeEach
    void create(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        observer = database.connect();
        run(
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'",
                "CREATE PROCEDURE add_user() LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO public.users VALUES (1002, ''called''); END'");
    }

    @AfterEach
    void close() throws SQLException {
        run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
        observer.close();
    }

    /** Who stops the statement, and how. */
    enum Stop {
        CANCEL(true) {
            @Override
            void stop(Connection connection, Statement statement) {
                inAnotherThread(statement::cancel);
            }
        },
        INTERRUPT(true) {
            @Override
            void stop(Connection connection, Statement statement) {
                Thread.currentThread().interrupt();
            }
        },
        ABORT(false) {
            @Override
            void stop(Connection connection, Statement statement) {
                inAnotherThread(() -> connection.abort(Runnable::run));
            }
        },
        CLOSE(false) {
            @Override
            void stop(Connection connection, Statement statement) {
                inAnotherThread(connection::close);
            }
        },
        NETWORK_TIMEOUT(false) {
            @Override
            void stop(Connection connection, Statement statement) throws IOException {
                throw new SocketTimeoutException("as setNetworkTimeout has it");
            }
        };

        final boolean survives;

        Stop(boolean survives) {
            this.survives = survives;
        }

        abstract void stop(Connection connection, Statement statement) throws Exception;

        interface Action {
            void run() throws Exception;
        }

        /** Returns when it is done, also to a thread that it interrupts. */
        static void inAnotherThread(Action action) {
            Thread thread = new Thread(() -> {
                try {
                    action.run();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            thread.start();
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    static Stream<Arguments> everyStop() {
        return Stream.of("session", "statement")
                .flatMap(fence -> Stream.of(true, false)
                        .flatMap(autoCommit ->
                                Stream.of(Stop.values()).map(stop -> Arguments.of(fence, autoCommit, stop))));
    }

    @ParameterizedTest
    @MethodSource("everyStop")
    void nothing_is_left_behind(String fence, boolean autoCommit, Stop stop) throws Exception {
        try (Backstop backstop = FencedGuard.of(folder, fence)) {
            int turn = List.of(Stop.values()).indexOf(stop) + (autoCommit ? 2 : 0) + (fence.equals("session") ? 1 : 0);
            for (int i = turn % EVERY; i < STATEMENTS.size(); i += EVERY) {
                boolean reached = true;
                for (int phase = 0; reached; phase++) {
                    reached = stopped(backstop, STATEMENTS.get(i), autoCommit, stop, phase, fence);
                }
            }
        }
    }

    /** Whether the statement came to that phase. */
    private boolean stopped(Backstop backstop, String sql, boolean autoCommit, Stop stop, int phase, String fence)
            throws Exception {
        run("TRUNCATE users", "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n");
        String before = rows();
        String name = fence + ", auto-commit " + autoCommit + ", " + stop + " in phase " + phase + " of " + sql;
        Connection connection = backstop.guard(
                DriverManager.getConnection(database.url() + "&socketFactory=" + HookedSocketFactory.class.getName()));
        String process = value(connection, "SELECT pg_backend_pid()");
        boolean reached;
        boolean ran = false;
        String failure = "";
        try (connection) {
            connection.setAutoCommit(autoCommit);
            try (Statement statement = connection.createStatement()) {
                reached = send(connection, statement, sql, stop, phase);
                ran = true;
            } catch (SQLException e) {
                failure = e.getSQLState() + " " + e.getMessage();
                reached = true;
            } finally {
                HookedSocketFactory.hook(null);
                Thread.interrupted(); // the caller's own, where it was not taken
            }
            if (stop.survives || !reached) {
                assertUsable(connection, process, autoCommit, ran, fence, name + ": " + failure);
            }
        } catch (SQLException e) {
            assertThat(stop.survives).as(name + ": " + e).isFalse();
            reached = true;
        }
        assertGone(process, name);
        assertWhole(before, sql, ran && autoCommit && reached && stop.survives, name);
        return reached;
    }

    private static boolean send(Connection connection, Statement statement, String sql, Stop stop, int phase)
            throws SQLException {
        int[] sent = {0};
        HookedSocketFactory.hook(() -> {
            if (sent[0]++ == phase) {
                try {
                    stop.stop(connection, statement);
                } catch (IOException e) {
                    throw e;
                } catch (Exception e) {
                    throw new IOException(e);
                }
            }
        });
        statement.execute(sql);
        return sent[0] > phase;
    }

    private void assertUsable(
            Connection connection, String process, boolean autoCommit, boolean ran, String fence, String name)
            throws SQLException {
        assertThat(connection.getAutoCommit()).as(name).isEqualTo(autoCommit);
        if (autoCommit) {
            assertIdle(process, name);
        } else {
            if (ran) {
                assertThat(state(process)).as(name).isEqualTo("idle in transaction");
                assertThat(value(connection, "SELECT 1")).as(name).isEqualTo("1");
            }
            connection.rollback();
            assertIdle(process, name);
            connection.setAutoCommit(true);
        }
        assertThat(value(connection, "SELECT 1")).as(name).isEqualTo("1");
        boolean ofSession = fence.equals("session") && database.majorVersion() >= 14; // 13 does not report the setting
        assertThat(value(connection, DEFAULT)).as(name).isEqualTo(ofSession ? "on" : "off");
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("INSERT INTO users VALUES (5000, 'afterwards')"))
                    .as(name)
                    .isEqualTo(1);
            assertThat(statement.executeUpdate("UPDATE users SET name = 'b' WHERE id = 5000"))
                    .as(name)
                    .isEqualTo(1);
            connection.setAutoCommit(false);
            assertThat(value(connection, "SELECT count(*) FROM users WHERE id = 5000"))
                    .as(name)
                    .isEqualTo("1");
            assertThat(statement.executeUpdate("DELETE FROM users WHERE id = 5000"))
                    .as(name)
                    .isEqualTo(1);
            connection.commit();
        }
        assertIdle(process, name);
    }

    private void assertIdle(String process, String name) throws SQLException {
        assertThat(state(process)).as(name).isEqualTo("idle");
        assertThat(value(observer, "SELECT count(*) FROM pg_locks WHERE pid = " + process))
                .as(name)
                .isEqualTo("0");
    }

    /** As soon as the server has come to an end with what it was sent. */
    private String state(String process) throws SQLException {
        String state = "active";
        while (state.equals("active")) {
            state = value(observer, "SELECT state FROM pg_stat_activity WHERE pid = " + process);
        }
        return state;
    }

    private void assertGone(String process, String name) throws SQLException {
        while (!value(observer, "SELECT count(*) FROM pg_stat_activity WHERE pid = " + process)
                .equals("0")) {
            Thread.onSpinWait();
        }
        assertThat(value(observer, "SELECT count(*) FROM pg_prepared_xacts"))
                .as(name)
                .isEqualTo("0");
    }

    /** In full or not at all; and in full where the caller was told so. */
    private void assertWhole(String before, String sql, boolean ran, String name) throws SQLException {
        String after = rows();
        if (!after.equals(before) || ran) {
            assertThat(after).as(name).isEqualTo(expected(sql));
        }
    }

    private String expected(String sql) throws SQLException {
        run(
                "TRUNCATE users",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n",
                sql.startsWith("SELECT 1; ") ? sql.substring("SELECT 1; ".length()) : sql);
        return rows();
    }

    private String rows() throws SQLException {
        return value(
                observer,
                "SELECT count(*) || ' ' || md5(coalesce(string_agg(id || name, ' ' ORDER BY id), ''))" + " FROM users");
    }

    private void run(String... statements) throws SQLException {
        try (Statement statement = observer.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static String value(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }
}
