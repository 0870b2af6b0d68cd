package io.backstop.jdbc;

import io.backstop.api.policy.Policy;
import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;

import static org.assertj.core.api.Assertions.assertThat;

/** Round trips to the server, counted at the socket: what is SAFE costs none more than without Backstop. */
@ExtendWith(PostgresExtension.class)
class RoundTripCountTest {
    @TempDir
    private Path folder;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users VALUES (1, 'a'), (2, 'b')",
                "CREATE TABLE notes (note text)",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'");
    }

    private Connection bare() throws SQLException {
        return DriverManager.getConnection(database.url() + "&socketFactory=" + CountingSocketFactory.class.getName());
    }

    private Backstop guard(String profile) throws SQLException {
        return Backstop.builder()
                .control(SqlControlStore.sqlite(folder.resolve(profile + ".db"), clock))
                .clock(clock)
                .policy(profile.equals("strict") ? Policy.strict() : Policy.application())
                .build();
    }

    private interface Work {
        void with(Connection connection) throws SQLException;
    }

    /** The second time: what is read once for a connection or a text is read by then. */
    private static int roundTrips(Connection connection, Work work) throws SQLException {
        work.with(connection);
        int before = CountingSocketFactory.ROUND_TRIPS.get();
        work.with(connection);
        return CountingSocketFactory.ROUND_TRIPS.get() - before;
    }

    private void assertSame(String profile, Work work) throws SQLException {
        try (Backstop backstop = guard(profile);
                Connection bare = bare();
                Connection guarded = backstop.guard(bare())) {
            assertThat(roundTrips(guarded, work)).isEqualTo(roundTrips(bare, work));
        }
    }

    private static void query(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            assertThat(rows.next()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void a_query_in_auto_commit_costs_no_round_trip_more(String profile) throws SQLException {
        assertSame(profile, connection -> query(connection, "SELECT * FROM users WHERE id = 1"));
        assertSame(profile, connection -> {
            try (PreparedStatement select = connection.prepareStatement("SELECT * FROM users WHERE id = ?")) {
                select.setInt(1, 2);
                select.executeQuery().close();
            }
        });
    }

    @Test
    void a_query_that_rests_on_the_catalog_costs_none_more_under_the_sessions_fence() throws SQLException {
        assertSame("strict", connection -> query(connection, "SELECT doubled(id) FROM users"));
    }

    @Test
    void a_transaction_of_queries_costs_none_more_under_the_statements_fence() throws SQLException {
        assertSame("application", connection -> {
            connection.setAutoCommit(false);
            query(connection, "SELECT * FROM users WHERE id = 1");
            query(connection, "SELECT * FROM users WHERE id = 2");
            connection.commit();
            connection.setAutoCommit(true);
        });
    }

    @Test
    void a_transaction_of_queries_costs_one_more_under_the_sessions_fence() throws SQLException {
        Work work = connection -> {
            connection.setAutoCommit(false);
            for (int i = 0; i < 10; i++) {
                query(connection, "SELECT name FROM users WHERE id = 1");
            }
            connection.commit();
            connection.setAutoCommit(true);
        };
        try (Backstop backstop = guard("strict");
                Connection bare = bare();
                Connection guarded = backstop.guard(bare())) {
            assertThat(roundTrips(guarded, work)).isEqualTo(roundTrips(bare, work) + 1);
        }
    }

    /** The first statement of each sees what there is now, and has it known. */
    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void transactions_at_a_higher_level_do_not_read_the_catalog_again(String profile) throws SQLException {
        for (int level : new int[] {Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE}) {
            try (Backstop backstop = guard(profile);
                    Connection guarded = backstop.guard(bare())) {
                guarded.setTransactionIsolation(level);
                guarded.setAutoCommit(false);
                Work work = connection -> {
                    query(connection, "SELECT name FROM users WHERE id = 1");
                    query(connection, "SELECT name FROM users WHERE id = 2");
                    connection.commit();
                };
                assertThat(roundTrips(guarded, work)).isEqualTo(profile.equals("strict") ? 4 : 3);
            }
        }
    }

    /** The proof, and the COMMIT. */
    @Test
    void a_write_by_which_nothing_else_happens_costs_one_question() throws SQLException {
        Work work = connection -> {
            try (PreparedStatement update = connection.prepareStatement("UPDATE users SET name = 'c' WHERE id = ?")) {
                update.setInt(1, 2);
                assertThat(update.executeUpdate()).isEqualTo(1);
            }
        };
        try (Backstop backstop = guard("application");
                Connection bare = bare();
                Connection guarded = backstop.guard(bare())) {
            assertThat(roundTrips(guarded, work)).isEqualTo(roundTrips(bare, work) + 2);
        }
    }

    /** The look, and the COMMIT; in a transaction the look alone, once. */
    @Test
    void an_insert_costs_one_question_for_each_transaction() throws SQLException {
        Work alone = connection -> insert(connection);
        Work together = connection -> {
            connection.setAutoCommit(false);
            for (int i = 0; i < 5; i++) {
                insert(connection);
            }
            connection.commit();
            connection.setAutoCommit(true);
        };
        try (Backstop backstop = guard("application");
                Connection bare = bare();
                Connection guarded = backstop.guard(bare())) {
            assertThat(roundTrips(guarded, alone)).isEqualTo(roundTrips(bare, alone) + 2);
            assertThat(roundTrips(guarded, together)).isEqualTo(roundTrips(bare, together) + 1);
        }
    }

    private static void insert(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO notes VALUES (?)")) {
            insert.setString(1, "a note");
            assertThat(insert.executeUpdate()).isEqualTo(1);
        }
    }
}
