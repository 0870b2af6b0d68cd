package io.backstop.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.ds.PGConnectionPoolDataSource;

import javax.sql.PooledConnection;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * One physical connection that agents borrow from a pool, one after the other: approvals, budgets, quarantine and audit are of
 * the agent that executes, and the next borrower gets none of them.
 */
@Timeout(60)
@ExtendWith(PostgresExtension.class)
class PooledAgentsTest {
    private static final String GRANT = "GRANT SELECT ON users TO PUBLIC";
    private static final String POLICY =
            "{\"require_approval_for_risks\": [\"HIGH\"], \"block_operations\": [\"COMMENT\"],"
                    + " \"write_budget\": {\"rows\": 30, \"percent\": 100}}";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Pool pool = Pool.NONE;

    /** A pool of one connection, in one of the places where an application may put it. */
    interface Pool extends AutoCloseable {
        Connection borrow() throws SQLException;

        @Override
        void close() throws SQLException;

        /** Until a test has opened one. */
        Pool NONE = new Pool() {
            @Override
            public Connection borrow() throws SQLException {
                throw new SQLException("no pool is open");
            }

            @Override
            public void close() {}
        };
    }

    enum Kind {
        HIKARI_OVER_THE_DRIVER {
            @Override
            Pool open(TestDatabase database, String settings, Path folder) {
                HikariConfig config = oneConnection();
                config.setJdbcUrl(database.backstopUrl(settings));
                config.setDriverClassName(BackstopDriver.class.getName());
                return over(new HikariDataSource(config));
            }
        },
        HIKARI_OVER_THE_DATA_SOURCE {
            @Override
            Pool open(TestDatabase database, String settings, Path folder) {
                HikariConfig config = oneConnection();
                config.setDataSource(new BackstopDataSource(database.backstopUrl(settings)));
                return over(new HikariDataSource(config));
            }
        },
        GUARD_OVER_HIKARI {
            @Override
            Pool open(TestDatabase database, String settings, Path folder) throws SQLException {
                HikariConfig config = oneConnection();
                config.setJdbcUrl(database.url());
                HikariDataSource pooled = new HikariDataSource(config);
                return over(guard(folder), pooled::getConnection, pooled::close);
            }
        },
        GUARD_OVER_A_POOLED_CONNECTION_OF_PGJDBC {
            @Override
            Pool open(TestDatabase database, String settings, Path folder) throws SQLException {
                PGConnectionPoolDataSource source = new PGConnectionPoolDataSource();
                source.setUrl(database.url());
                PooledConnection pooled = source.getPooledConnection();
                return over(guard(folder), pooled::getConnection, pooled::close);
            }
        };

        abstract Pool open(TestDatabase database, String settings, Path folder) throws SQLException;

        private static HikariConfig oneConnection() {
            HikariConfig config = new HikariConfig();
            config.setMaximumPoolSize(1);
            return config;
        }

        private static Pool over(HikariDataSource pooled) {
            return new Pool() {
                @Override
                public Connection borrow() throws SQLException {
                    return pooled.getConnection();
                }

                @Override
                public void close() {
                    pooled.close();
                }
            };
        }

        private static Backstop guard(Path folder) throws SQLException {
            return Backstop.builder()
                    .policy(folder.resolve("policy.json").toString())
                    .control(folder.resolve("backstop.db"))
                    .agentId("configured")
                    .build();
        }

        interface Source {
            Connection connection() throws SQLException;
        }

        interface End {
            void close() throws SQLException;
        }

        private static Pool over(Backstop guard, Source source, End end) {
            return new Pool() {
                @Override
                public Connection borrow() throws SQLException {
                    return guard.guard(source.connection());
                }

                @Override
                public void close() throws SQLException {
                    end.close();
                    guard.close();
                }
            };
        }
    }

    @BeforeEach
    void create(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 100) AS n");
        Files.writeString(folder.resolve("policy.json"), POLICY);
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
    }

    @AfterEach
    void close() throws SQLException {
        pool.close();
        store.close();
    }

    private void open(Kind kind) throws SQLException {
        pool = kind.open(
                database,
                "backstop.agentId=configured&backstop.control=" + folder.resolve("backstop.db") + "&backstop.policy="
                        + folder.resolve("policy.json"),
                folder);
    }

    /** Borrows the connection for one statement. */
    private int update(String sql) throws SQLException {
        try (Connection connection = pool.borrow();
                Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    private int updateAs(String agent, String sql) throws Exception {
        return Backstop.asAgent(agent, () -> update(sql));
    }

    private static int deleteAs(String agent, PreparedStatement delete) throws Exception {
        return Backstop.asAgent(agent, delete::executeUpdate);
    }

    private List<Approval> pending(String agent) throws SQLException {
        return store.approvals().list(ApprovalState.PENDING).stream()
                .filter(each -> each.request().agentId().equals(agent))
                .toList();
    }

    private List<String> agents(String sql) throws SQLException {
        return store.audit().newest(100).stream()
                .map(record -> record.event())
                .filter(event -> event.sql().equals(sql))
                .map(event -> event.agentId())
                .distinct()
                .toList();
    }

    @ParameterizedTest
    @EnumSource
    void an_approval_is_of_the_agent_that_asked_for_it(Kind kind) throws Exception {
        open(kind);
        for (String agent : List.of("first", "second")) {
            assertThatThrownBy(() -> updateAs(agent, GRANT)).isInstanceOf(ApprovalRequiredException.class);
        }
        store.approvals().decide(pending("first").get(0).id(), true, "ops");
        assertThatThrownBy(() -> updateAs("second", GRANT)).isInstanceOf(ApprovalRequiredException.class);
        assertThatThrownBy(() -> update(GRANT)).isInstanceOf(ApprovalRequiredException.class);
        assertThat(pending("configured")).hasSize(1);
        assertThat(updateAs("first", GRANT)).isZero();
        assertThatThrownBy(() -> updateAs("first", GRANT)).isInstanceOf(ApprovalRequiredException.class);
    }

    @ParameterizedTest
    @EnumSource
    void a_quarantine_is_of_the_agent_that_was_refused(Kind kind) throws Exception {
        open(kind);
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> updateAs("first", "COMMENT ON TABLE users IS 'x'"))
                    .isInstanceOf(StatementBlockedException.class);
        }
        assertThatThrownBy(() -> updateAs("first", "DELETE FROM users WHERE id = 1"))
                .isInstanceOf(AgentQuarantinedException.class);
        assertThat(updateAs("second", "DELETE FROM users WHERE id = 1")).isEqualTo(1);
        assertThat(update("DELETE FROM users WHERE id = 2")).isEqualTo(1);
        assertThat(agents("DELETE FROM users WHERE id = 2")).containsExactly("configured");
    }

    @ParameterizedTest
    @EnumSource
    void a_budget_is_of_the_agent_that_writes(Kind kind) throws Exception {
        open(kind);
        assertThat(updateAs("first", "DELETE FROM users WHERE id <= 20")).isEqualTo(20);
        assertThatThrownBy(() -> updateAs("first", "DELETE FROM users WHERE id BETWEEN 21 AND 40"))
                .isInstanceOf(ImpactLimitException.class);
        assertThat(updateAs("second", "DELETE FROM users WHERE id BETWEEN 21 AND 40"))
                .isEqualTo(20);
    }

    @ParameterizedTest
    @EnumSource
    void agents_that_take_turns_in_one_transaction_have_a_budget_each(Kind kind) throws Exception {
        open(kind);
        try (Connection connection = pool.borrow();
                PreparedStatement delete = connection.prepareStatement("DELETE FROM users WHERE id BETWEEN ? AND ?")) {
            connection.setAutoCommit(false);
            delete.setInt(1, 1);
            delete.setInt(2, 20);
            assertThat(deleteAs("first", delete)).isEqualTo(20);
            delete.setInt(1, 21);
            delete.setInt(2, 40);
            assertThat(deleteAs("second", delete)).isEqualTo(20);
            assertThatThrownBy(() -> {
                        delete.setInt(1, 41);
                        delete.setInt(2, 60);
                        deleteAs("first", delete);
                    })
                    .isInstanceOf(ImpactLimitException.class);
            Backstop.asAgent("second", () -> {
                connection.rollback(); // of both
                return null;
            });
            connection.setAutoCommit(true);
        }
        for (String agent : List.of("first", "second")) {
            assertThat(updateAs(agent, "UPDATE users SET name = 'x' WHERE id <= 30"))
                    .isEqualTo(30);
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_triggers_take_at_the_commit_is_of_the_agent_that_set_them_off(Kind kind) throws Exception {
        database.run(
                "DROP TABLE IF EXISTS notes",
                "CREATE TABLE notes (id int)",
                "CREATE OR REPLACE FUNCTION taking() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users WHERE id <= 20; RETURN new; END'",
                "CREATE CONSTRAINT TRIGGER takes AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                        + " EXECUTE FUNCTION taking()");
        open(kind);
        try (Connection connection = pool.borrow();
                PreparedStatement insert = connection.prepareStatement("INSERT INTO notes VALUES (1)")) {
            connection.setAutoCommit(false);
            Backstop.asAgent("first", insert::executeUpdate);
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("80");
        assertThatThrownBy(() -> updateAs("first", "DELETE FROM users WHERE id BETWEEN 21 AND 40"))
                .isInstanceOf(ImpactLimitException.class);
        assertThat(update("DELETE FROM users WHERE id BETWEEN 21 AND 40")).isEqualTo(20);
    }

    @ParameterizedTest
    @EnumSource
    void a_transaction_that_a_borrower_left_open_is_not_the_next_ones(Kind kind) throws Exception {
        open(kind);
        Backstop.asAgent("first", () -> {
            try (Connection connection = pool.borrow();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                statement.executeUpdate("DELETE FROM users WHERE id <= 20");
            }
            return null;
        });
        assertThat(updateAs("second", "DELETE FROM users WHERE id <= 30")).isEqualTo(30);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("70");
        if (kind != Kind.GUARD_OVER_HIKARI && kind != Kind.GUARD_OVER_A_POOLED_CONNECTION_OF_PGJDBC) {
            // A pool below the guard rolls back where the guard does not see it: the rows stay counted.
            assertThat(updateAs("first", "DELETE FROM users WHERE id BETWEEN 31 AND 60"))
                    .isEqualTo(30);
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_a_borrower_set_does_not_lift_the_fence_for_the_next(Kind kind) throws Exception {
        String wipe = "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE plpgsql ";
        database.run("DROP FUNCTION IF EXISTS wipe()", wipe + "STABLE AS 'BEGIN RETURN 1; END'");
        open(kind);
        try (Connection connection = pool.borrow()) {
            select(connection, "SELECT wipe()");
            connection.setReadOnly(true);
            connection.setReadOnly(false);
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            select(connection, "SELECT wipe()");
        }
        // By another client, so that it is taken for the old one, or is found to be VOLATILE by now.
        database.run(wipe + "AS 'BEGIN DELETE FROM users; RETURN 1; END'");
        assertThatThrownBy(() -> {
                    try (Connection connection = pool.borrow()) {
                        select(connection, "SELECT wipe()");
                    }
                })
                .isInstanceOf(BackstopException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("100");
    }

    private static void select(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            assertThat(row.next()).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_thread_that_was_made_for_an_agent_does_not_keep_its_name(Kind kind) throws Exception {
        open(kind);
        ExecutorService made = Backstop.asAgent("maker", () -> {
            ExecutorService threads = Executors.newSingleThreadExecutor();
            threads.submit(() -> update("UPDATE users SET name = 'by a new thread' WHERE id = 1"))
                    .get(); // its thread is made here
            return threads;
        });
        try {
            made.submit(() -> updateAs("worker", "UPDATE users SET name = 'by a worker' WHERE id = 1"))
                    .get();
            Backstop.asAgent(
                    "caller",
                    () -> made.submit(() -> update("UPDATE users SET name = 'by an old thread' WHERE id = 1"))
                            .get());
            InheritableThreadLocal<String> inherited = new InheritableThreadLocal<>();
            Backstop.asAgent("parent", () -> {
                inherited.set("handed down");
                Thread child = new Thread(() -> {
                    try {
                        assertThat(inherited.get()).isEqualTo("handed down");
                        update("UPDATE users SET name = 'by a child' WHERE id = 1");
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                });
                child.start();
                child.join();
                return null;
            });
        } finally {
            made.shutdown();
        }
        assertThat(agents("UPDATE users SET name = 'by a worker' WHERE id = 1")).containsExactly("worker");
        for (String thread : List.of("a new thread", "an old thread", "a child")) {
            assertThat(agents("UPDATE users SET name = 'by " + thread + "' WHERE id = 1"))
                    .as(thread)
                    .containsExactly("configured");
        }
    }
}
