package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.PausedException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** A batch ends behind the guard as JDBC and pgjdbc say, whether it runs, fails or is refused. */
@Sampled
@ExtendWith(PostgresExtension.class)
class BatchContractTest {
    private static final String POLICY = "{\"require_approval_for_risks\": [\"HIGH\"], \"read_fence\": \"%s\","
            + " \"block_operations\": [\"TRUNCATE\"], \"max_blocked_attempts_per_window\": 0,"
            + " \"write_budget\": \"none\"}";

    @TempDir
    private Path folder;

    private final List<Backstop> guards = new ArrayList<>();
    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;

    @BeforeEach
    void create(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 100) AS n");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        open("session");
    }

    private void open(String fence) throws Exception {
        Path policy = Files.writeString(folder.resolve("policy.json"), POLICY.formatted(fence));
        backstop = Backstop.builder()
                .policy(policy.toString())
                .snapshots(new FakeSnapshots())
                .control(store)
                .agentId("agent")
                .build();
        guards.add(backstop);
    }

    @AfterEach
    void close() {
        guards.forEach(Backstop::close);
        store.close();
    }

    private static void assertRefused(BatchUpdateException failure, Class<?> refusal, String state, int size) {
        assertThat(failure.getCause()).isInstanceOf(refusal);
        assertThat(failure.getNextException() == failure.getCause()).isTrue();
        assertThat(failure.getMessage())
                .isEqualTo(String.valueOf(failure.getCause())
                        .substring(refusal.getName().length() + 2));
        assertThat(failure.getSQLState()).isEqualTo(state);
        int[] counts = new int[size];
        Arrays.fill(counts, Statement.EXECUTE_FAILED);
        assertThat(failure.getUpdateCounts()).containsExactly(counts);
        assertThat(failure.getLargeUpdateCounts()).hasSize(size).containsOnly(Statement.EXECUTE_FAILED);
    }

    private static BatchUpdateException failure(Statement statement, boolean large) {
        return catchThrowableOfType(BatchUpdateException.class, () -> {
            if (large) {
                statement.executeLargeBatch();
            } else {
                statement.executeBatch();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_refused_batch_is_a_batch_exception_with_the_refusals_state(boolean large) throws Exception {
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement();
                PreparedStatement blocked = connection.prepareStatement("TRUNCATE users");
                PreparedStatement limited = connection.prepareStatement("DELETE FROM users WHERE id <> ?")) {
            statement.addBatch("INSERT INTO users VALUES (101)");
            statement.addBatch("COMMENT ON TABLE users IS 'held'");
            assertRefused(failure(statement, large), ApprovalRequiredException.class, "ZB002", 2);
            blocked.addBatch();
            blocked.addBatch();
            blocked.addBatch();
            assertRefused(failure(blocked, large), StatementBlockedException.class, "ZB001", 3);
            limited.setInt(1, 1);
            limited.addBatch();
            assertRefused(failure(limited, large), ImpactLimitException.class, "ZB010", 1);
            store.pause().pause("incident", "ops");
            statement.addBatch("INSERT INTO users VALUES (101)");
            assertRefused(failure(statement, large), PausedException.class, "ZB005", 1);
            assertThat(statement.executeBatch()).as("a refused batch is empty").isEmpty();
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("100");
        }
    }

    @Test
    @SuppressWarnings("try") // what is closed already is closed once more
    void an_empty_batch_sends_nothing_and_returns_nothing() throws Exception {
        store.pause().pause("even now", "ops");
        try (Connection connection = backstop.guard(DriverManager.getConnection(
                        database.url() + "&socketFactory=" + CountingSocketFactory.class.getName()));
                Statement statement = connection.createStatement();
                PreparedStatement prepared = connection.prepareStatement("DELETE FROM users WHERE id = ?")) {
            connection.setAutoCommit(false);
            int before = CountingSocketFactory.ROUND_TRIPS.get();
            assertThat(statement.executeBatch()).isEmpty();
            assertThat(statement.executeLargeBatch()).isEmpty();
            assertThat(prepared.executeBatch()).isEmpty();
            assertThat(prepared.executeLargeBatch()).isEmpty();
            assertThat(CountingSocketFactory.ROUND_TRIPS.get()).isEqualTo(before);
            statement.close();
            assertThatThrownBy(statement::executeBatch)
                    .isInstanceOf(SQLException.class)
                    .isNotInstanceOf(BatchUpdateException.class)
                    .extracting(e -> ((SQLException) e).getSQLState())
                    .isEqualTo("55000");
        }
    }

    /** Without those in which pgjdbc has each text of a batch be a transaction of its own. */
    static Stream<Arguments> modes() {
        return Stream.of("session", "statement", "off")
                .flatMap(fence -> Stream.of(
                        Arguments.of(fence, "extended", true),
                        Arguments.of(fence, "extended", false),
                        Arguments.of(fence, "simple", false),
                        Arguments.of(fence, "simple&reWriteBatchedInserts=true", false),
                        Arguments.of(fence, "extendedForPrepared", false),
                        Arguments.of(fence, "extended&reWriteBatchedInserts=true", true),
                        Arguments.of(fence, "extended&reWriteBatchedInserts=true", false),
                        Arguments.of(fence, "extendedCacheEverything", true),
                        Arguments.of(fence, "extendedCacheEverything", false)));
    }

    private static String outcome(Connection connection, boolean prepared, boolean autoCommit, String... sql)
            throws SQLException {
        StringBuilder outcome = new StringBuilder();
        connection.setAutoCommit(autoCommit);
        try (Statement statement = prepared
                ? connection.prepareStatement("INSERT INTO users VALUES (?, 'new')")
                : connection.createStatement()) {
            for (String each : sql) {
                if (statement instanceof PreparedStatement insert) {
                    insert.setInt(1, Integer.parseInt(each));
                    insert.addBatch();
                } else {
                    statement.addBatch(each);
                }
            }
            outcome.append(Arrays.toString(statement.executeBatch()));
        } catch (BatchUpdateException e) {
            outcome.append(e.getSQLState()).append(' ').append(Arrays.toString(e.getUpdateCounts()));
        }
        if (!autoCommit) {
            connection.rollback();
            connection.setAutoCommit(true);
        }
        return outcome.toString();
    }

    @ParameterizedTest
    @MethodSource("modes")
    void what_a_batch_leaves_is_what_it_leaves_without_backstop(String fence, String mode, boolean autoCommit)
            throws Exception {
        open(fence);
        String url = database.url() + "&preferQueryMode=" + mode;
        List<List<String>> ends = new ArrayList<>();
        for (boolean guarded : new boolean[] {false, true}) {
            database.run("TRUNCATE users", "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 100) AS n");
            List<String> ended = new ArrayList<>();
            Connection plain = DriverManager.getConnection(url);
            try (Connection connection = guarded ? backstop.guard(plain) : plain) {
                for (String[] batch : List.of(
                        new String[] {
                            "INSERT INTO users VALUES (201)",
                            "INSERT INTO users VALUES (1)",
                            "INSERT INTO users VALUES (202)"
                        },
                        new String[] {
                            "UPDATE users SET name = 'a' WHERE id = 1",
                            "UPDATE users SET id = id / 0 WHERE id = 2",
                            "UPDATE users SET name = 'b' WHERE id = 3"
                        },
                        new String[] {
                            "UPDATE users SET name = 'c' WHERE id > 90",
                            "DELETE FROM users WHERE id BETWEEN 80 AND 85",
                            "DELETE FROM nope"
                        },
                        new String[] {"DELETE FROM users WHERE id = 50", "SELECT 1 / 0"},
                        new String[] {"INSERT INTO users VALUES (301)", "UPDATE users SET name = 'd' WHERE id = 301"
                        })) {
                    ended.add(outcome(connection, false, autoCommit, batch));
                    ended.add(database.value("SELECT md5(string_agg(users::text, ',' ORDER BY id)) FROM users"));
                }
                ended.add(outcome(connection, true, autoCommit, "401", "402", "1", "403"));
                ended.add(outcome(connection, true, autoCommit, "501", "502"));
                ended.add(database.value("SELECT string_agg(id::text, ',' ORDER BY id) FROM users WHERE id > 100"));
                ended.add(String.valueOf(connection.getAutoCommit()));
            }
            ends.add(ended);
        }
        assertThat(ends.get(1)).isEqualTo(ends.get(0));
    }

    /** In which pgjdbc has each text of a batch in auto-commit be a transaction of its own, and goes on after one that fails. */
    @ParameterizedTest
    @CsvSource({
        "simple, false",
        "simple, true",
        "simple&reWriteBatchedInserts=true, false",
        "simple&autosave=always, false",
        "simple&autosave=always, true",
        "extendedForPrepared, false",
        "extendedForPrepared&autosave=always, false"
    })
    void a_batch_of_which_one_fails_leaves_nothing_in_auto_commit_whatever_the_mode(String mode, boolean prepared)
            throws Exception {
        String url = database.url() + "&preferQueryMode=" + mode;
        String[][] batches = prepared
                ? new String[][] {{"401", "1", "402"}, {"1", "401"}, {"401", "1"}}
                : new String[][] {
                    {"INSERT INTO users VALUES (201)", "INSERT INTO users VALUES (1)", "INSERT INTO users VALUES (202)"
                    },
                    {"DELETE FROM nope WHERE id = 1", "UPDATE users SET name = 'c' WHERE id > 90"},
                    {"DELETE FROM users WHERE id = 50", "SELECT 1 / 0"}
                };
        for (String[] batch : batches) {
            String before = rows();
            String bare;
            try (Connection connection = DriverManager.getConnection(url)) {
                bare = outcome(connection, prepared, true, batch);
            }
            assertThat(rows()).as("bare pgjdbc keeps the others").isNotEqualTo(before);
            database.run("TRUNCATE users", "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 100) AS n");
            String guarded;
            try (Connection connection = backstop.guard(DriverManager.getConnection(url))) {
                guarded = outcome(connection, prepared, true, batch);
                assertThat(connection.getAutoCommit()).isTrue();
            }
            int[] counts = new int[batch.length];
            Arrays.fill(counts, Statement.EXECUTE_FAILED);
            assertThat(guarded).isEqualTo(bare.substring(0, 5) + ' ' + Arrays.toString(counts));
            assertThat(rows()).isEqualTo(before);
        }
    }

    private String rows() throws SQLException {
        return database.value("SELECT md5(string_agg(users::text, ',' ORDER BY id)) FROM users");
    }
}
