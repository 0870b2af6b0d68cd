package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
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
import org.postgresql.PGConnection;
import org.postgresql.jdbc.AutoSave;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What an agent may change by many small writes, each of which is within the limits. */
@ExtendWith(PostgresExtension.class)
class WriteBudgetTest {
    private static final int ROWS = 20_000;

    @TempDir
    private Path folder;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
    private final FakeSnapshots snapshots = new FakeSnapshots();
    private final List<Backstop> guards = new ArrayList<>();
    private final List<Connection> connections = new ArrayList<>();
    private TestDatabase database;
    private AutoSave autosave = AutoSave.NEVER;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 20000) AS n");
    }

    @AfterEach
    void close() throws SQLException {
        for (Connection connection : connections) {
            connection.close();
        }
        guards.forEach(Backstop::close);
    }

    /** Each with a guard and a control store of its own, on the same file. */
    private Connection connect(String budget) throws Exception {
        return connectAs("", budget);
    }

    private Connection connectAs(String role, String budget) throws Exception {
        Backstop guard = Backstop.builder()
                .control(SqlControlStore.sqlite(folder.resolve("backstop.db"), clock))
                .snapshots(snapshots)
                .agentId("agent")
                .clock(clock)
                .policy(new PolicyReader().read("{" + budget + "}", "p"))
                .build();
        guards.add(guard);
        Connection plain = database.connect();
        plain.unwrap(PGConnection.class).setAutosave(autosave);
        if (!role.isEmpty()) {
            run(plain, "SET ROLE " + role);
        }
        Connection connection = guard.guard(plain);
        connections.add(connection);
        return connection;
    }

    private Connection connect() throws Exception {
        return connect("");
    }

    private static int update(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private int left() throws SQLException {
        return Integer.parseInt(database.value("SELECT count(*) FROM users WHERE name = 'user'"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE FROM users", "UPDATE users SET name = 'gone'"})
    void slices_that_are_halved_at_each_refusal_take_no_more_than_the_budget(String write) throws Exception {
        Connection[] both = {connect(), connect()};
        int from = 1;
        int size = 1024;
        int tries = 0;
        while (from <= ROWS && size > 0) {
            try (PreparedStatement slice = both[tries++ % 2].prepareStatement(write + " WHERE id BETWEEN ? AND ?")) {
                slice.setInt(1, from);
                slice.setInt(2, from + size - 1);
                from += slice.executeUpdate();
            } catch (ImpactLimitException e) {
                size /= 2;
            }
        }
        assertThat(left()).isEqualTo(10_000);
    }

    @Test
    void writers_at_the_same_time_take_no_more_than_the_budget_together() throws Exception {
        database.run("INSERT INTO users SELECT n, 'more' FROM generate_series(20001, 60000) AS n");
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<Integer>> writers = new ArrayList<>();
            for (int writer = 0; writer < 4; writer++) {
                Connection connection = connect();
                int first = 1 + writer * 5000;
                writers.add(threads.submit((Callable<Integer>) () -> deleteSlices(connection, first)));
            }
            int deleted = 0;
            for (Future<Integer> writer : writers) {
                deleted += writer.get();
            }
            assertThat(deleted).isLessThanOrEqualTo(10_000).isEqualTo(ROWS - left());
        } finally {
            threads.shutdownNow();
        }
    }

    private static int deleteSlices(Connection connection, int first) throws SQLException {
        int deleted = 0;
        for (int from = first; from < first + 5000; from += 500) {
            try {
                deleted += update(connection, "DELETE FROM users WHERE id BETWEEN " + from + " AND " + (from + 499));
            } catch (ImpactLimitException e) {
                // refused: the others may have taken what was left
            }
        }
        return deleted;
    }

    @Test
    void past_the_budget_a_write_is_held_and_runs_behind_a_snapshot_once_it_is_approved() throws Exception {
        Connection connection = connect("\"write_budget\": {\"rows\": 5, \"percent\": 100, \"window_seconds\": 60}");
        String sql = "DELETE FROM users WHERE id BETWEEN 10 AND 12";
        update(connection, "DELETE FROM users WHERE id <= 3");
        assertThatThrownBy(() -> update(connection, sql))
                .isInstanceOfSatisfying(
                        ImpactLimitException.class,
                        e -> assertThat(e.getSQLState()).isEqualTo("ZB010"))
                .hasMessageStartingWith("the write was rolled back: with it, agent agent would have changed 6 rows"
                        + " within 60 seconds, and its budget is 5");
        update(connection, "DELETE FROM users WHERE id BETWEEN 10 AND 11");
        try (SqlControlStore operators = SqlControlStore.sqlite(folder.resolve("backstop.db"), clock)) {
            operators
                    .approvals()
                    .decide(
                            operators
                                    .approvals()
                                    .list(ApprovalState.PENDING)
                                    .get(0)
                                    .id(),
                            true,
                            "ops");
        }
        assertThat(update(connection, sql)).isEqualTo(1);
        assertThat(snapshots.requests).hasSize(1);
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 20"))
                .isInstanceOf(ImpactLimitException.class);
        clock.advance(Duration.ofSeconds(60));
        assertThat(update(connection, "DELETE FROM users WHERE id = 20")).isEqualTo(1);
    }

    @Test
    void the_share_is_of_the_table_as_it_was() throws Exception {
        database.run("DELETE FROM users WHERE id > 10");
        Connection connection = connect("\"write_budget\": {\"percent\": 50}");
        for (int id = 1; id <= 5; id++) {
            update(connection, "DELETE FROM users WHERE id = " + id);
        }
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 6"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("would have changed 6 rows within 3600 seconds, more than 50 percent of users");
        assertThat(left()).isEqualTo(5);
        assertThat(Backstop.asAgent("other", () -> update(connection, "DELETE FROM users WHERE id = 6")))
                .as("another agent has a budget of its own")
                .isEqualTo(1);
    }

    @Test
    void rows_that_are_inserted_meanwhile_do_not_stretch_it() throws Exception {
        database.run("DELETE FROM users WHERE id > 100");
        Connection connection = connect("\"max_write_percent_without_critical\": 100");
        update(connection, "INSERT INTO users SELECT n FROM generate_series(30001, 30500) AS n");
        update(connection, "DELETE FROM users WHERE id <= 50");
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 51"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("would have changed 51 rows within 3600 seconds, more than 50 percent of users");
        update(connection, "INSERT INTO users SELECT n FROM generate_series(40001, 40500) AS n");
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 51"))
                .isInstanceOf(ImpactLimitException.class);
        clock.advance(Duration.ofHours(1));
        assertThat(update(connection, "DELETE FROM users WHERE id BETWEEN 51 AND 90"))
                .as("the window begins anew with the rows that are there")
                .isEqualTo(40);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO leaf SELECT n FROM generate_series(30001, 30500) AS n",
                "INSERT INTO mid SELECT n FROM generate_series(30001, 30500) AS n",
                "ALTER TABLE parted ATTACH PARTITION own FOR VALUES FROM (40000) TO (50000)",
                "ALTER TABLE mid ATTACH PARTITION own FOR VALUES FROM (40000) TO (50000)"
            })
    void rows_that_come_with_a_partition_do_not_stretch_it(String sql) throws Exception {
        database.run(
                "CREATE TABLE parted (id int) PARTITION BY RANGE (id)",
                "CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (30000)",
                "CREATE TABLE own (id int)",
                "INSERT INTO own SELECT n FROM generate_series(40001, 40500) AS n",
                "CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM (30000) TO (40000)",
                "INSERT INTO parted SELECT generate_series(1, 100)");
        if (sql.contains("mid")) {
            database.run(
                    "DROP TABLE leaf",
                    "CREATE TABLE mid PARTITION OF parted FOR VALUES FROM (30000) TO (60000) PARTITION BY RANGE (id)",
                    "CREATE TABLE leaf PARTITION OF mid FOR VALUES FROM (30000) TO (40000)");
        }
        Connection connection =
                connect("\"max_write_percent_without_critical\": 100, \"require_approval_for_risks\": [\"CRITICAL\"]");
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
        update(connection, "DELETE FROM parted WHERE id <= 50");
        assertThatThrownBy(() -> update(connection, "DELETE FROM parted WHERE id = 51"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("would have changed 51 rows within 3600 seconds, more than 50 percent of parted");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE VIEW more AS SELECT * FROM users",
                "CREATE VIEW more AS SELECT 1 AS id; CREATE RULE more AS ON INSERT TO more DO INSTEAD"
                        + " INSERT INTO users VALUES (new.id)",
                "CREATE TABLE more (id int); CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN INSERT INTO users VALUES (new.id); RETURN NULL; END $$;"
                        + " CREATE TRIGGER fill BEFORE INSERT ON more FOR EACH ROW EXECUTE FUNCTION fill()"
            })
    void rows_that_are_inserted_by_another_name_do_not_stretch_it(String ddl) throws Exception {
        database.run("DELETE FROM users WHERE id > 100", "DROP FUNCTION IF EXISTS fill CASCADE", ddl);
        Connection connection = connect("\"max_write_percent_without_critical\": 100");
        update(connection, "INSERT INTO more (id) SELECT n FROM generate_series(30001, 30500) AS n");
        update(connection, "DELETE FROM users WHERE id <= 50");
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 51"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("would have changed 51 rows within 3600 seconds, more than 50 percent of users");
    }

    private static final String MORE = "INSERT INTO t SELECT n FROM generate_series(1001, 3000) AS n";

    static Stream<List<String>> otherMeanings() {
        String away = "SET search_path = nosuch";
        String there = "SET search_path = s";
        return Stream.of(
                List.of(MORE),
                List.of(away, "! " + MORE, there, MORE),
                List.of(MORE, there, MORE),
                List.of("PREPARED " + MORE, there, "PREPARED " + MORE),
                List.of("BEGIN", MORE, "SET LOCAL search_path = s", MORE, "COMMIT"),
                List.of("BEGIN", "SET LOCAL search_path = s", "SAVEPOINT a", MORE, "COMMIT"),
                List.of(there + "; " + MORE),
                List.of("BEGIN; SET LOCAL search_path = s; " + MORE + "; COMMIT"),
                List.of("SELECT set_config('search_path', 's', false); " + MORE),
                List.of("SCHEMA s", MORE),
                List.of(MORE, "SCHEMA s", MORE),
                List.of("CREATE TEMP TABLE t (id int)", MORE, "SET search_path = s, pg_temp", MORE),
                List.of(
                        there,
                        "INSERT INTO t VALUES (1)",
                        "ALTER TABLE t RENAME TO t9",
                        "ALTER TABLE o RENAME TO t",
                        MORE),
                List.of(
                        there,
                        "INSERT INTO t VALUES (1)",
                        "ELSEWHERE ALTER TABLE s.t RENAME TO t9",
                        "ELSEWHERE ALTER TABLE s.o RENAME TO t",
                        MORE),
                List.of("INSERT INTO t SELECT 1 FROM moved", MORE),
                List.of("INSERT INTO movers VALUES (1)", MORE),
                List.of("SELECT * FROM moved; " + MORE),
                List.of("INSERT INTO movers VALUES (1); " + MORE),
                List.of(there, "ALTER TABLE t RENAME TO t9; ALTER TABLE o RENAME TO t; " + MORE));
    }

    @ParameterizedTest
    @MethodSource("otherMeanings")
    void rows_that_are_inserted_do_not_stretch_it_whatever_their_table_is_called(List<String> texts) throws Exception {
        database.run(
                "CREATE TABLE t (id int)",
                "DROP SCHEMA IF EXISTS s CASCADE",
                "CREATE SCHEMA s",
                "CREATE TABLE s.t AS SELECT generate_series(1, 100) AS id",
                "CREATE VIEW moved AS SELECT set_config('search_path', 's', false)",
                "CREATE TABLE movers (id int, path text DEFAULT set_config('search_path', 's', false))",
                "CREATE TABLE s.o AS SELECT generate_series(1, 100) AS id");
        String rules = "\"max_write_percent_without_critical\": 100, \"require_approval_for_risks\": [\"CRITICAL\"]";
        Connection connection = connect(rules);
        try (Statement statement = connection.createStatement();
                PreparedStatement prepared = connection.prepareStatement(MORE);
                Statement another = connect(rules).createStatement()) {
            if (texts.size() == 1 && texts.get(0).equals(MORE)) {
                statement.execute("SET search_path = s");
            }
            for (String text : texts) {
                if (text.startsWith("! ")) {
                    assertThatThrownBy(() -> statement.execute(text.substring(2)))
                            .isInstanceOf(SQLException.class);
                } else if (text.startsWith("PREPARED ")) {
                    prepared.execute();
                } else if (text.startsWith("SCHEMA ")) {
                    connection.setSchema("s");
                } else if (text.startsWith("ELSEWHERE ")) {
                    another.execute(text.substring(10));
                } else {
                    statement.execute(text);
                }
            }
        }
        String table = "s.t";
        assertThat(database.value("SELECT count(*) FROM " + table)).isEqualTo("2100");
        update(connection, "DELETE FROM " + table + " WHERE id <= 50");
        assertThatThrownBy(() -> update(connection, "DELETE FROM " + table + " WHERE id = 51"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("more than 50 percent of");
    }

    /** Two tables of a hundred rows each, one of which gets the name of the other while something waits, or goes on. */
    private void createTwins() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS s CASCADE",
                "CREATE SCHEMA s",
                "CREATE TABLE s.t (id int) PARTITION BY RANGE (id)",
                "CREATE TABLE s.o (id int) PARTITION BY RANGE (id)",
                "CREATE TABLE s.t1 PARTITION OF s.t FOR VALUES FROM (1) TO (5000)",
                "CREATE TABLE s.o1 PARTITION OF s.o FOR VALUES FROM (1) TO (5000)",
                "CREATE VIEW s.v AS SELECT * FROM s.o",
                "INSERT INTO s.t SELECT generate_series(1, 100)",
                "INSERT INTO s.o SELECT generate_series(1, 100)",
                "CREATE TABLE s.own AS SELECT generate_series(5001, 7000) AS id");
    }

    private static final String RENAMED = "ALTER TABLE s.t RENAME TO t9; ALTER TABLE s.o RENAME TO t";

    private void assertNarrow(Connection connection, String table, int allowed) throws SQLException {
        if (allowed > 0) {
            update(connection, "DELETE FROM " + table + " WHERE id <= " + allowed);
        }
        assertThatThrownBy(() -> update(
                        connection,
                        "DELETE FROM " + table + " WHERE id BETWEEN " + (allowed + 1) + " AND " + (allowed + 2)))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("more than 50 percent of");
    }

    private static final String MORE_THERE = "INSERT INTO s.t SELECT n FROM generate_series(1001, 3000) AS n";

    private static final String ATTACH = "ALTER TABLE s.t ATTACH PARTITION s.own FOR VALUES FROM (5000) TO (9000)";

    static Stream<Arguments> waiting() {
        return Stream.of(
                Arguments.of(List.of(MORE_THERE), 50),
                Arguments.of(List.of("SELECT 1; " + MORE_THERE), 50),
                Arguments.of(List.of("BEGIN", MORE_THERE, "COMMIT"), 50),
                Arguments.of(List.of("BEGIN", "SELECT 1", "SAVEPOINT a", MORE_THERE, "RELEASE a", "COMMIT"), 50),
                Arguments.of(
                        List.of("SET search_path = s", "INSERT INTO t SELECT n FROM generate_series(1001, 3000) AS n"),
                        50),
                Arguments.of(List.of("SET ROLE postgres; " + MORE_THERE), 50),
                Arguments.of(List.of("BEGIN; CREATE TABLE s.x (id int); " + MORE_THERE, "COMMIT"), 50),
                Arguments.of(List.of("BEGIN", "SET ROLE postgres; " + MORE_THERE, "COMMIT"), 50),
                Arguments.of(List.of("ALTER TABLE s.own ALTER COLUMN id SET STATISTICS 10; " + MORE_THERE), 50),
                Arguments.of(List.of("CREATE INDEX i ON s.own (id)", "DROP INDEX s.i; " + MORE_THERE), 50),
                Arguments.of(List.of(ATTACH), 0));
    }

    @ParameterizedTest
    @MethodSource("waiting")
    void rows_that_are_inserted_do_not_stretch_it_where_their_table_is_renamed_while_they_wait(
            List<String> texts, int allowed) throws Exception {
        createTwins();
        Connection connection =
                connect("\"max_write_percent_without_critical\": 100, \"require_approval_for_risks\": [\"CRITICAL\"]");
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Connection other = database.connect();
                Statement elsewhere = other.createStatement()) {
            elsewhere.execute("BEGIN; LOCK TABLE s.t IN ACCESS EXCLUSIVE MODE");
            Future<?> sent = threads.submit(() -> {
                for (String text : texts) {
                    run(connection, text);
                }
                return null;
            });
            while (!sent.isDone()
                    && database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                            .equals("0")) {
                Thread.onSpinWait();
            }
            elsewhere.execute(RENAMED + "; COMMIT");
            sent.get();
        } finally {
            threads.shutdownNow();
        }
        assertThat(database.value("SELECT count(*) FROM s.t")).isEqualTo("2100");
        assertNarrow(connection, "s.t", allowed);
    }

    static Stream<Arguments> olderSnapshots() {
        String begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
        return Stream.of(
                Arguments.of(List.of(begin, "SELECT 1 FROM s.own", "RENAME", MORE_THERE, "COMMIT"), 50),
                Arguments.of(List.of(begin, "SELECT 1 FROM s.own", "RENAME", "SELECT 1; " + MORE_THERE, "COMMIT"), 50),
                Arguments.of(
                        List.of(
                                "BEGIN ISOLATION LEVEL SERIALIZABLE",
                                "SELECT 1 FROM s.own",
                                "RENAME",
                                "SAVEPOINT a; " + MORE_THERE,
                                "COMMIT"),
                        50),
                Arguments.of(List.of(begin, "SELECT 1 FROM s.own", "RENAME", ATTACH, "COMMIT"), 50),
                Arguments.of(List.of(begin, "SELECT 1 FROM s.own", "RENAME", "SELECT 1; " + ATTACH, "COMMIT"), 0));
    }

    @ParameterizedTest
    @MethodSource("olderSnapshots")
    void rows_that_are_inserted_do_not_stretch_it_where_their_table_had_another_name_when_the_transaction_began(
            List<String> texts, int allowed) throws Exception {
        createTwins();
        Connection connection =
                connect("\"max_write_percent_without_critical\": 100, \"require_approval_for_risks\": [\"CRITICAL\"]");
        for (String text : texts) {
            if (text.equals("RENAME")) {
                database.run(RENAMED);
            } else if (text.startsWith("! ")) {
                assertThatThrownBy(() -> run(connection, text.substring(2)))
                        .isInstanceOf(ImpactLimitException.class)
                        .hasMessageContaining("send the statements one at a time");
            } else {
                run(connection, text);
            }
        }
        assertThat(database.value("SELECT count(*) FROM s.t")).isEqualTo("2100");
        assertNarrow(connection, "s.t", allowed);
    }

    @Test
    void rows_do_not_stretch_it_in_a_table_that_was_made_since_the_transaction_began() throws Exception {
        database.run("DROP SCHEMA IF EXISTS s CASCADE", "CREATE SCHEMA s");
        Connection connection = connect("\"max_write_percent_without_critical\": 100");
        update(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
        update(connection, "DELETE FROM users WHERE id = 1");
        database.run("CREATE TABLE s.late AS SELECT generate_series(1, 100) AS id");
        update(connection, "INSERT INTO s.late SELECT n FROM generate_series(1001, 3000) AS n");
        update(connection, "COMMIT");
        assertThatThrownBy(() -> update(connection, "DELETE FROM s.late WHERE id <= 51"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("more than 50 percent of");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DISCARD TEMP", "SET ROLE postgres", "CREATE TABLE more (id int)", "DELETE FROM users"})
    void rows_that_are_inserted_before_a_transaction_fails_do_not_stretch_it(String within) throws Exception {
        database.run("DELETE FROM users WHERE id > 100");
        for (String rules : List.of("", ", \"require_approval_for_risks\": [\"CRITICAL\"]")) {
            Connection connection = connect("\"max_write_percent_without_critical\": 100" + rules);
            run(connection, "BEGIN");
            run(connection, "INSERT INTO users SELECT n FROM generate_series(30001, 30500) AS n");
            run(connection, "SAVEPOINT a");
            for (String fails : List.of("SELECT 1 / 0", within, within)) {
                assertThatThrownBy(() -> run(connection, fails)).isInstanceOf(SQLException.class);
            }
            run(connection, "ROLLBACK TO a");
            run(connection, "COMMIT");
            assertNarrow(connection, "users", 50);
            database.run(
                    "DELETE FROM users WHERE id > 100 OR name IS NULL",
                    "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 50) AS n");
            clock.advance(Duration.ofHours(2));
        }
    }

    @ParameterizedTest
    @CsvSource({"session, SELECT 1", "off, SELECT 1", "session, BEGIN", "off, BEGIN"})
    void rows_whose_insertion_was_approved_do_not_stretch_it(String fence, String begin) throws Exception {
        createTwins();
        Connection held = connect("\"require_approval_for_risks\": [\"WRITE\"], \"read_fence\": \"" + fence + "\"");
        run(held, begin);
        assertThatThrownBy(() -> run(held, MORE_THERE)).isInstanceOf(SQLException.class);
        try (SqlControlStore operators = SqlControlStore.sqlite(folder.resolve("backstop.db"), clock)) {
            String id = operators.approvals().list(ApprovalState.PENDING).get(0).id();
            operators.approvals().decide(id, true, "ops");
        }
        run(held, MORE_THERE);
        run(held, "COMMIT");
        assertNarrow(connect(""), "s.t", 50);
    }

    @Test
    void rows_that_cannot_be_counted_keep_nobody_waiting_and_make_nothing_fail() throws Exception {
        createTwins();
        String role = "writer_" + ProcessHandle.current().pid();
        database.run(
                "CREATE SCHEMA hidden",
                "CREATE TABLE hidden.log (id int)",
                "GRANT SELECT ON hidden.log TO PUBLIC",
                "CREATE FUNCTION s.logs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                        + " $$ BEGIN INSERT INTO hidden.log VALUES (new.id); RETURN new; END $$",
                "CREATE TRIGGER logs BEFORE INSERT ON s.own FOR EACH ROW EXECUTE FUNCTION s.logs()",
                "CREATE TABLE s.t2 PARTITION OF s.t FOR VALUES FROM (5000) TO (9000)",
                "ANALYZE s.t",
                "CREATE ROLE " + role,
                "GRANT USAGE ON SCHEMA s TO " + role,
                "GRANT ALL ON ALL TABLES IN SCHEMA s TO " + role);
        try (Connection other = database.connect()) {
            autosave = AutoSave.ALWAYS;
            Connection connection = connectAs(role, "");
            assertThat(update(connection, "INSERT INTO s.own VALUES (9000)")).isEqualTo(1);
            run(other, "BEGIN; LOCK TABLE s.t2 IN ACCESS EXCLUSIVE MODE");
            assertThat(update(connection, "INSERT INTO s.t1 VALUES (500)")).isEqualTo(1);
            connection.setAutoCommit(false);
            assertThat(update(connection, "INSERT INTO s.t1 VALUES (501)")).isEqualTo(1);
            assertThat(update(connection, "DELETE FROM s.t1 WHERE id IN (500, 1)"))
                    .isEqualTo(2);
            assertThat(update(connection, "DELETE FROM s.t1 WHERE id IN (501, 2)"))
                    .isEqualTo(2);
            connection.commit();
        } finally {
            database.run("DROP SCHEMA hidden CASCADE", "DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    @Test
    void rows_that_code_inserts_do_not_stretch_it_in_a_partition_that_was_made_since_the_transaction_began()
            throws Exception {
        createTwins();
        Connection connection =
                connect("\"max_write_percent_without_critical\": 100, \"require_approval_for_risks\": [\"CRITICAL\"]");
        run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
        run(connection, "SELECT 1 FROM s.own");
        database.run("CREATE TABLE s.late PARTITION OF s.t FOR VALUES FROM (5000) TO (9000)");
        run(connection, "DO 'BEGIN INSERT INTO s.late SELECT n FROM generate_series(5001, 7000) AS n; END'");
        run(connection, "COMMIT");
        assertThat(database.value("SELECT count(*) FROM s.t")).isEqualTo("2100");
        assertNarrow(connection, "s.t", 50);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GRANT DELETE, UPDATE, SELECT (id) ON users TO writer",
                "GRANT ALL ON users TO writer; ALTER TABLE users ENABLE ROW LEVEL SECURITY;"
                        + " CREATE POLICY all_rows ON users USING (true)"
            })
    void rows_that_may_not_be_counted_are_no_less_a_share(String rights) throws Exception {
        String role = "writer_" + ProcessHandle.current().pid();
        database.run(
                "DELETE FROM users WHERE id > 100",
                "CREATE ROLE " + role,
                "GRANT USAGE ON SCHEMA public TO " + role,
                rights.replace("writer", role));
        awaitStatistics("100");
        database.run("ANALYZE users");
        try {
            Connection limited = connectAs(role, "\"write_budget\": {\"percent\": 100}");
            assertThatThrownBy(() -> update(limited, "DELETE FROM users WHERE id <= 100"))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageContaining("it changed 100 rows, more than 50 percent of users");
            assertThatThrownBy(() -> update(limited, "UPDATE users SET name = 'x' WHERE id <= 51"))
                    .isInstanceOf(ImpactLimitException.class);
            Connection connection = connectAs(role, "");
            for (int slice = 0; slice < 5; slice++) {
                update(connection, "DELETE FROM users WHERE id BETWEEN " + (slice * 10) + " AND " + (slice * 10 + 9));
            }
            assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id IN (90, 91)"))
                    .isInstanceOf(ImpactLimitException.class);
        } finally {
            database.run("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    /** The session that wrote the rows tells of them when it ends. */
    private void awaitStatistics(String rows) throws SQLException {
        while (!database.value("SELECT pg_stat_get_live_tuples('users'::regclass)")
                .equals(rows)) {
            Thread.onSpinWait();
        }
    }

    @Test
    void a_row_that_is_inserted_after_rows_were_deleted_does_not_make_it_narrower() throws Exception {
        database.run("DELETE FROM users WHERE id > 100");
        Connection connection = connect("\"max_write_percent_without_critical\": 100");
        update(connection, "DELETE FROM users WHERE id <= 40");
        update(connection, "INSERT INTO users VALUES (500)");
        assertThat(update(connection, "DELETE FROM users WHERE id <= 50")).isEqualTo(10);
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPDATE users SET name = name WHERE id = 1", "DELETE FROM users WHERE id = 99"})
    void what_another_session_inserts_after_a_first_write_does_not_stretch_it(String first) throws Exception {
        database.run("DELETE FROM users WHERE id > 100");
        Connection connection = connect("\"max_write_percent_without_critical\": 100");
        connection.setAutoCommit(false);
        update(connection, first);
        connection.rollback();
        connection.setAutoCommit(true);
        database.run("INSERT INTO users SELECT n FROM generate_series(30001, 30500) AS n");
        update(connection, "DELETE FROM users WHERE id <= 50");
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 51"))
                .isInstanceOf(ImpactLimitException.class);
        assertThatThrownBy(() ->
                        Backstop.asAgent("other", () -> update(connection, "DELETE FROM users WHERE id <= 30001")))
                .as("another agent's budget is of the same size of the table")
                .isInstanceOf(ImpactLimitException.class);
    }

    @Test
    void what_is_rolled_back_is_given_back() throws Exception {
        Connection connection = connect("\"write_budget\": {\"rows\": 3, \"percent\": 100}");
        connection.setAutoCommit(false);
        for (int round = 0; round < 3; round++) {
            update(connection, "DELETE FROM users WHERE id <= 2");
            update(connection, "DELETE FROM users WHERE id = 3");
            assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 4"))
                    .isInstanceOf(ImpactLimitException.class);
            connection.rollback();
        }
        connection.setAutoCommit(true);
        for (int round = 0; round < 3; round++) {
            assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id <= 3 AND 1 / (id - 3) > -9"))
                    .isNotInstanceOf(ImpactLimitException.class);
        }
        assertThat(update(connection, "DELETE FROM users WHERE id <= 3")).isEqualTo(3);
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 4"))
                .isInstanceOf(ImpactLimitException.class);
    }

    @Test
    void a_commit_that_fails_gives_back_what_was_taken() throws Exception {
        database.run(
                "CREATE FUNCTION too_late() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN RAISE EXCEPTION 'too late'; END $$",
                "CREATE CONSTRAINT TRIGGER too_late AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED"
                        + " FOR EACH ROW EXECUTE FUNCTION too_late()");
        Connection connection = connect("\"write_budget\": {\"rows\": 3, \"percent\": 100}");
        connection.setAutoCommit(false);
        for (int round = 0; round < 2; round++) {
            update(connection, "UPDATE users SET name = 'x' WHERE id <= 3");
            assertThatThrownBy(connection::commit).hasMessageContaining("too late");
        }
        connection.rollback();
        assertThat(update(connection, "DELETE FROM users WHERE id <= 3")).isEqualTo(3);
    }

    @Test
    void a_batch_counts_with_all_its_statements() throws Exception {
        Connection connection = connect();
        try (PreparedStatement delete = connection.prepareStatement("DELETE FROM users WHERE id BETWEEN ? AND ?")) {
            for (int from = 1; from < ROWS; from += 1000) {
                delete.setInt(1, from);
                delete.setInt(2, from + 999);
                delete.addBatch();
            }
            assertThatThrownBy(() -> BatchRefusal.execute(delete))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageStartingWith("the batch was rolled back: with it, agent agent would have changed 20000");
        }
        assertThat(left()).isEqualTo(ROWS);
    }

    @Test
    void rows_that_are_inserted_and_those_of_temporary_tables_cost_nothing() throws Exception {
        Connection connection = connect("\"write_budget\": {\"rows\": 1}");
        update(connection, "INSERT INTO users SELECT n FROM generate_series(30001, 30100) AS n");
        update(connection, "CREATE TEMP TABLE mine (id int)");
        update(connection, "INSERT INTO mine SELECT n FROM generate_series(1, 10) AS n");
        update(connection, "DELETE FROM mine WHERE id <= 5");
        assertThat(update(connection, "DELETE FROM users WHERE id = 1")).isEqualTo(1);
    }

    @Test
    void without_the_control_store_nothing_is_changed() throws Exception {
        Connection connection = connect();
        guards.get(0).close();
        assertThatThrownBy(() -> update(connection, "DELETE FROM users WHERE id = 1"))
                .isInstanceOf(ControlStoreUnavailableException.class);
        assertThat(left()).isEqualTo(ROWS);
    }
}
