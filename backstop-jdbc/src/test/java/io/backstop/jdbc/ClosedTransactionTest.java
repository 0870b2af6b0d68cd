package io.backstop.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a transaction has left for its end is looked at when a pool gets its connection back, which may commit it. */
@Timeout(120)
@ExtendWith(PostgresExtension.class)
class ClosedTransactionTest {
    private static final String DEFERRED = "CREATE CONSTRAINT TRIGGER wipes AFTER INSERT ON notes DEFERRABLE"
            + " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wiping()";
    private static final String MEANWHILE =
            "CREATE TRIGGER wipes BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION wiping()";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Connection plain;
    private Backstop backstop;

    /** What a pool does with a connection that it gets back. */
    enum Pool {
        COMMITS("COMMIT"),
        LEAVES_IT_OPEN(""),
        ROLLS_BACK("ROLLBACK");

        private final String sql;

        Pool(String sql) {
            this.sql = sql;
        }
    }

    enum Begun {
        BY_JDBC,
        BY_TEXT
    }

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users AS SELECT generate_series(1, 2000) AS id",
                "CREATE TABLE notes (id int)",
                "CREATE FUNCTION wiping() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users WHERE id <= 1500; RETURN new; END'");
        plain = database.connect();
        backstop = Backstop.builder()
                .policy("strict")
                .control(folder.resolve("backstop.db"))
                .build();
    }

    @AfterEach
    void close() throws SQLException {
        backstop.close();
        plain.close();
    }

    static Stream<Arguments> pools() {
        return Arrays.stream(Pool.values())
                .flatMap(pool -> Arrays.stream(Begun.values()).map(begun -> Arguments.of(pool, begun)));
    }

    /** The physical connection is used on. */
    private Connection borrow(Pool pool) {
        return PooledConnections.over(plain, () -> {
            if (!pool.sql.isEmpty()) {
                send(plain, pool.sql);
            }
        });
    }

    private static void send(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void begin(Connection connection, Begun begun) throws SQLException {
        if (begun == Begun.BY_JDBC) {
            connection.setAutoCommit(false);
        } else {
            send(connection, "BEGIN");
        }
    }

    private void assertNothingLost() throws SQLException {
        plain.setAutoCommit(true); // which commits what is open
        send(plain, "COMMIT");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("2000");
    }

    @ParameterizedTest
    @MethodSource("pools")
    void triggers_that_wait_for_the_commit(Pool pool, Begun begun) throws SQLException {
        database.run(DEFERRED);
        Connection guarded = backstop.guard(borrow(pool));
        begin(guarded, begun);
        send(guarded, "INSERT INTO notes VALUES (1)");
        assertThatThrownBy(guarded::close).isInstanceOf(ImpactLimitException.class);
        assertThat(guarded.isClosed()).isTrue();
        assertNothingLost();
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("0");
    }

    @ParameterizedTest
    @MethodSource("pools")
    void a_trigger_that_was_made_meanwhile(Pool pool, Begun begun) throws SQLException {
        Connection guarded = backstop.guard(borrow(pool));
        send(guarded, "INSERT INTO notes VALUES (1)");
        begin(guarded, begun);
        send(guarded, "SELECT 1");
        database.run(MEANWHILE);
        send(guarded, "INSERT INTO notes VALUES (1)");
        assertThatThrownBy(guarded::close).isInstanceOf(ImpactLimitException.class);
        assertNothingLost();
    }

    @ParameterizedTest
    @MethodSource("pools")
    void what_is_within_the_limits_is_left_to_the_pool(Pool pool, Begun begun) throws SQLException {
        database.run(
                DEFERRED,
                "CREATE OR REPLACE FUNCTION wiping() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users WHERE id <= 5; RETURN new; END'");
        Connection guarded = backstop.guard(borrow(pool));
        begin(guarded, begun);
        send(guarded, "INSERT INTO notes VALUES (1)");
        guarded.close();
        plain.setAutoCommit(true);
        send(plain, "COMMIT");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo(pool == Pool.ROLLS_BACK ? "2000" : "1995");
    }

    @ParameterizedTest
    @MethodSource("pools")
    void a_transaction_that_has_failed_or_only_read_is_left_to_the_pool(Pool pool, Begun begun) throws SQLException {
        for (String sql : new String[] {"SELECT 1", "SELECT 1 / 0", "SELECT id FROM users FOR UPDATE"}) {
            Connection guarded = backstop.guard(borrow(pool));
            begin(guarded, begun);
            try {
                send(guarded, sql);
            } catch (SQLException e) {
                assertThat(e.getSQLState()).isEqualTo("22012");
            }
            assertThatCode(guarded::close).doesNotThrowAnyException();
            plain.setAutoCommit(true);
            send(plain, "ROLLBACK");
        }
    }

    @ParameterizedTest
    @MethodSource("pools")
    void the_query_of_a_cursor_that_is_held_does_not_run_later(Pool pool, Begun begun) throws SQLException {
        Connection guarded = backstop.guard(borrow(pool));
        begin(guarded, begun);
        send(guarded, "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM users");
        guarded.close();
        plain.setAutoCommit(true);
        send(plain, "COMMIT");
        assertThatThrownBy(() -> send(plain, "FETCH c")).isInstanceOf(SQLException.class);
    }

    @Test
    void hikari_hands_a_transaction_on_that_was_begun_by_text() throws SQLException {
        database.run(DEFERRED);
        HikariConfig config = new HikariConfig();
        config.setMaximumPoolSize(1);
        config.setJdbcUrl(database.url());
        try (HikariDataSource pool = new HikariDataSource(config)) {
            Connection guarded = backstop.guard(pool.getConnection());
            send(guarded, "BEGIN");
            send(guarded, "INSERT INTO notes VALUES (1)");
            assertThatThrownBy(guarded::close).isInstanceOf(ImpactLimitException.class);
            try (Connection next = pool.getConnection()) {
                next.setAutoCommit(false);
                send(next, "INSERT INTO users VALUES (0)");
                next.commit();
            }
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("2001");
    }

    @ParameterizedTest
    @EnumSource
    void rows_that_another_guard_inserted_do_not_make_the_share_larger(Begun begun) throws SQLException {
        Connection first = backstop.guard(borrow(Pool.LEAVES_IT_OPEN));
        begin(first, begun);
        send(first, "INSERT INTO users SELECT generate_series(10001, 16000)");
        first.close();
        Connection second = backstop.guard(borrow(Pool.LEAVES_IT_OPEN));
        assertThatThrownBy(() -> send(second, "DELETE FROM users WHERE id BETWEEN 1 AND 1001"))
                .isInstanceOf(BackstopException.class);
        send(second, "ROLLBACK");
        second.close();
        assertNothingLost();
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void a_cursor_that_another_guard_left_is_fetched_from_behind_the_fence(String policy) throws SQLException {
        database.run("CREATE FUNCTION seen() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'");
        try (Backstop guards = Backstop.builder()
                .policy(policy)
                .control(folder.resolve("other.db"))
                .build()) {
            Connection first = guards.guard(borrow(Pool.LEAVES_IT_OPEN));
            begin(first, Begun.BY_JDBC);
            send(first, "DECLARE c CURSOR FOR SELECT seen() FROM generate_series(1, 3)");
            first.close();
            database.run("CREATE OR REPLACE FUNCTION seen() RETURNS int VOLATILE LANGUAGE plpgsql AS"
                    + " 'BEGIN DELETE FROM users WHERE id <= 1500; RETURN 1; END'");
            Connection second = guards.guard(borrow(Pool.LEAVES_IT_OPEN));
            for (String sql : new String[] {"FETCH c", "MOVE c", "FETCH ALL c"}) {
                try {
                    send(second, sql);
                } catch (SQLException e) {
                    assertThat(e.getSQLState()).isIn("ZB001", "ZB010", "25P02");
                }
            }
            try {
                second.commit();
            } catch (SQLException e) {
                second.rollback();
            }
            second.close();
        }
        assertNothingLost();
    }
}
