package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.ExpectedImpact;
import io.backstop.api.approval.ExpectedImpact.SampleRow;
import io.backstop.api.approval.ExpectedImpact.TableChange;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.PausedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.InvalidPolicyException;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.LocalDate;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/** A request shows what its statement would change, and finding that out leaves nothing behind. */
@Sampled
@Timeout(120)
@ExtendWith(PostgresExtension.class)
class ImpactPreviewTest {
    private static final String HOLDING =
            "\"require_approval_for_risks\": [\"WRITE\", \"HIGH\", \"CRITICAL\"], \"snapshot_mode\": \"off\","
                    + " \"require_recovery_for_critical\": false";

    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private TestDatabase database;
    private SqlControlStore store;
    /** They share a store, so all of them are closed at the end; the newest is last. */
    private final Deque<Backstop> guards = new ArrayDeque<>();

    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text, password text, email text, born date)",
                "CREATE TABLE orders (id int PRIMARY KEY, user_id int CONSTRAINT of_user REFERENCES users ON DELETE CASCADE)",
                "CREATE TABLE log (what text)",
                "INSERT INTO users SELECT n, 'n' || n, 'p' || n, 'e' || n, date '2020-01-02' FROM generate_series(1, 10) AS n",
                "INSERT INTO orders SELECT n, n % 5 + 1 FROM generate_series(1, 20) AS n");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        open("");
    }

    private void open(String rules) throws SQLException, InvalidPolicyException {
        if (connection != null) {
            connection.close();
        }
        Backstop backstop = Backstop.builder()
                .control(store)
                .policy(new PolicyReader().read("{" + HOLDING + rules + "}", "everything is held"))
                .agentId("agent")
                .build();
        guards.add(backstop);
        connection = backstop.guard(database.connect(), () -> Optional.of(database.connect()));
    }

    @AfterEach
    void close() throws SQLException {
        threads.shutdownNow();
        connection.close();
        guards.forEach(Backstop::close);
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private ExpectedImpact impact(String sql) throws SQLException {
        String id = catchThrowableOfType(ApprovalRequiredException.class, () -> execute(sql))
                .approvalId();
        return store.approvals().find(id).orElseThrow().request().impact();
    }

    private static Optional<Long> rows(long rows) {
        return Optional.of(rows);
    }

    @Test
    void the_rows_of_every_table_are_counted_cascades_and_triggers_included() throws Exception {
        database.run(
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO log VALUES (old.id::text); RETURN old; END'",
                "CREATE TRIGGER noted AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION note()");
        ExpectedImpact impact = impact("DELETE FROM users WHERE id <= 2");
        assertThat(impact.note()).isEmpty();
        assertThat(impact.changes())
                .containsExactly(
                        new TableChange("public.log", 8, 0, 0),
                        new TableChange("public.orders", 0, 0, 8),
                        new TableChange("public.users", 0, 0, 2));
        assertThat(impact.rows()).isEqualTo(rows(18));
        assertThat(impact.sample()).as("the policy allows none").isEmpty();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
        assertThat(database.value("SELECT count(*) FROM log")).isEqualTo("0");
    }

    @Test
    void a_deferred_trigger_is_counted_where_the_statement_is_alone() throws Exception {
        database.run(
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO log VALUES (''x''); RETURN null; END'",
                "CREATE CONSTRAINT TRIGGER noted AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                        + " EXECUTE FUNCTION note()");
        assertThat(impact("UPDATE users SET name = 'x' WHERE id < 3").changes())
                .containsExactly(new TableChange("public.log", 2, 0, 0), new TableChange("public.users", 0, 2, 0));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "UPDATE users SET name = 'x' WHERE id < 4 ~ 3",
                "UPDATE users AS u SET name = 'x' FROM orders AS o WHERE o.user_id = u.id AND o.id < 3; -- two ~ 2",
                "DELETE FROM orders USING users WHERE users.id = orders.user_id AND users.id = 1 ~ 4",
                "WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING *) INSERT INTO log SELECT 'x' FROM gone ~ 2",
                "INSERT INTO log VALUES ('a'), ('b') ~ 2",
                "INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name ~ 1",
                "UPDATE users SET name = 'x' WHERE id > 100 ~ 0"
            })
    void a_scoped_write_is_run_and_rolled_back(String sql, long rows) throws Exception {
        ExpectedImpact impact = impact(sql);
        assertThat(impact.note()).isEmpty();
        assertThat(impact.rows()).isEqualTo(rows(rows));
        assertThat(database.value("SELECT count(*) FROM users WHERE name <> 'x'"))
                .isEqualTo("10");
        assertThat(database.value("SELECT count(*) FROM orders")).isEqualTo("20");
    }

    @Test
    void values_that_are_bound_take_part() throws Exception {
        try (PreparedStatement update =
                connection.prepareStatement("UPDATE users SET name = ?, born = ? WHERE id = ANY (?) AND born < ?")) {
            update.setString(1, "it's");
            update.setObject(2, LocalDate.of(2021, 1, 1));
            update.setArray(3, connection.createArrayOf("int4", new Object[] {1, 2, 3}));
            update.setDate(4, java.sql.Date.valueOf("2022-01-01"));
            String id = catchThrowableOfType(ApprovalRequiredException.class, update::executeUpdate)
                    .approvalId();
            assertThat(store.approvals().find(id).orElseThrow().request().impact())
                    .isEqualTo(new ExpectedImpact(
                            List.of(new ExpectedImpact.Table("public.users", -1, "")),
                            rows(3),
                            List.of(new TableChange("public.users", 0, 3, 0)),
                            List.of(),
                            ""));
            store.approvals().decide(id, true, "ops");
            assertThat(update.executeUpdate()).isEqualTo(3);
        }
    }

    @Test
    void a_sample_shows_rows_before_and_after() throws Exception {
        open(", \"approval_sample_rows\": 2, \"protected_columns\": {\"users\": [\"email\"]}");
        assertThat(impact("UPDATE users SET name = 'x' WHERE id IN (1, 2, 3)").sample())
                .containsExactly(
                        new SampleRow(
                                Map.of(
                                        "id",
                                        "1",
                                        "name",
                                        "n1",
                                        "password",
                                        "***",
                                        "email",
                                        "***",
                                        "born",
                                        "2020-01-02"),
                                Map.of(
                                        "id",
                                        "1",
                                        "name",
                                        "x",
                                        "password",
                                        "***",
                                        "email",
                                        "***",
                                        "born",
                                        "2020-01-02")),
                        new SampleRow(
                                Map.of(
                                        "id",
                                        "2",
                                        "name",
                                        "n2",
                                        "password",
                                        "***",
                                        "email",
                                        "***",
                                        "born",
                                        "2020-01-02"),
                                Map.of(
                                        "id",
                                        "2",
                                        "name",
                                        "x",
                                        "password",
                                        "***",
                                        "email",
                                        "***",
                                        "born",
                                        "2020-01-02")));
        ExpectedImpact deletion = impact("DELETE FROM orders AS o WHERE o.id = 7 /* one */");
        assertThat(deletion.sample()).containsExactly(new SampleRow(Map.of("id", "7", "user_id", "3"), Map.of()));
        assertThat(deletion.rows()).isEqualTo(rows(1));
        assertThat(impact("INSERT INTO log AS l VALUES ('new')").sample())
                .containsExactly(new SampleRow(Map.of(), Map.of("what", "new")));
        assertThat(impact("UPDATE orders SET id = id + 100 WHERE id = 1").sample())
                .as("what it was cannot be told by its key")
                .containsExactly(new SampleRow(Map.of(), Map.of("id", "101", "user_id", "2")));
    }

    @Test
    void a_sample_is_bounded_by_the_server_in_width_and_columns() throws Exception {
        open(", \"approval_sample_rows\": 100");
        StringBuilder columns = new StringBuilder("id int PRIMARY KEY");
        for (int i = 1; i <= 60; i++) {
            columns.append(", c").append(i).append(" text");
        }
        database.run(
                "CREATE TABLE wide (" + columns + ", b bytea)",
                "INSERT INTO wide (id, c1) SELECT n, repeat('ä', 5000000) FROM generate_series(1, 5) AS n");
        List<SampleRow> sample = impact("UPDATE wide SET c2 = repeat('b', 1000000) WHERE id < 100")
                .sample();
        assertThat(sample).hasSize(5);
        assertThat(sample.get(0).after()).hasSize(30);
        assertThat(sample.get(0).before().get("c1")).isEqualTo("ä".repeat(100) + "…");
        assertThat(sample.get(0).after().get("c2")).isEqualTo("b".repeat(100) + "…");
        assertThat(sample.get(0).before().get("c2")).isEqualTo("NULL");
    }

    @Test
    void no_sample_is_taken_of_rows_behind_a_policy_or_without_the_right_to_read() throws Exception {
        open(", \"approval_sample_rows\": 5");
        database.run(
                "CREATE ROLE writer",
                "GRANT USAGE ON SCHEMA public TO writer",
                "GRANT SELECT (id), UPDATE ON users TO writer",
                "GRANT ALL ON orders TO writer",
                "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY all_of_them ON orders USING (true)");
        try {
            approved("SET ROLE writer");
            ExpectedImpact users = impact("UPDATE users SET name = 'x' WHERE id = 1");
            assertThat(users.rows()).isEqualTo(rows(1));
            assertThat(users.sample()).isEmpty();
            ExpectedImpact orders = impact("UPDATE orders SET user_id = 1 WHERE id = 1");
            assertThat(orders.rows()).isEqualTo(rows(1));
            assertThat(orders.sample()).isEmpty();
        } finally {
            database.run("DROP OWNED BY writer", "DROP ROLE writer");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "plpgsql ~ PERFORM nextval('numbers'); RETURN new; ~ code that it may run names nextval",
                "plpgsql ~ PERFORM setval('numbers', 7); RETURN new; ~ code that it may run names setval",
                "plpgsql ~ PERFORM pg_advisory_lock(7); RETURN new; ~ code that it may run names pg_advisory_lock",
                "plpgsql ~ PERFORM \"pg_advisory_lock\"/**/(7); RETURN new; ~ code that it may run names pg_advisory_lock",
                "plpgsql ~ PERFORM dblink_exec('x', 'y'); RETURN new; ~ code that it may run names dblink_exec",
                "plpgsql ~ EXECUTE 'SELECT pg_advisory' || '_lock(7)'; RETURN new; ~ it may run code that puts text together",
                "plpgsql ~ PERFORM U&\"pg_advisory\\005Flock\"(7); RETURN new; ~ it may run code that puts text together",
                "plpgsql ~ PERFORM deeper(); RETURN new; ~ code that it may run names pg_advisory_lock",
                "plpgsql ~ PERFORM lo_export(1, '/tmp/x'); RETURN new; ~ code that it may run names lo_export",
                "plpgsql ~ CREATE TABLE made (id int); RETURN new; ~ code that it may run names create"
            })
    void code_whose_effect_a_rollback_may_not_undo_keeps_it_from_being_run(String language, String body, String reason)
            throws Exception {
        database.run(
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION deeper() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM pg_advisory_lock(7); RETURN 1; END'",
                "CREATE FUNCTION on_change() RETURNS trigger LANGUAGE " + language + " AS $$BEGIN " + body + " END$$",
                "CREATE TRIGGER changing BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION on_change()");
        ExpectedImpact impact = impact("UPDATE users SET name = 'x' WHERE id = 1");
        assertThat(impact.rows()).isEmpty();
        assertThat(impact.note()).isEqualTo("not run beforehand: " + reason);
        assertThat(database.value("SELECT is_called FROM numbers")).isEqualTo("f");
        assertThat(database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
                .isEqualTo("0");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "UPDATE users SET name = 'x' WHERE id = 1 AND pg_try_advisory_lock(7) ~ it names pg_try_advisory_lock, whose effect a rollback may not undo",
                "UPDATE users SET name = 'x' WHERE id = 1 AND U&\"pg_try_advisory_l\\006fck\"(7) ~ it names pg_try_advisory_lock, whose effect a rollback may not undo",
                "UPDATE users SET name = U&\"nextv\\0061l\"('numbers')::text WHERE id = 1 ~ it names nextval, whose effect a rollback may not undo",
                "UPDATE users SET name = nextval('numbers')::text WHERE id = 1 ~ it names nextval, whose effect a rollback may not undo",
                "INSERT INTO numbered (what) VALUES ('x') ~ a default calls nextval, whose effect a rollback does not undo",
                "INSERT INTO identified (what) VALUES ('x') ~ a default calls nextval, whose effect a rollback does not undo",
                "UPDATE numbered SET id = DEFAULT WHERE id = 1 ~ a default calls nextval, whose effect a rollback does not undo",
                "DELETE FROM ruled WHERE id = 1 ~ it may set off a rule",
                "DELETE FROM parts WHERE id = 1 ~ it may reach a foreign table"
            })
    void what_takes_numbers_locks_or_reaches_further_is_not_run(String sql, String reason) throws Exception {
        database.run(
                "CREATE SEQUENCE numbers",
                "CREATE TABLE numbered (id serial, what text)",
                "CREATE TABLE identified (id int GENERATED ALWAYS AS IDENTITY, what text)",
                "CREATE TABLE ruled (id int)",
                "CREATE RULE told AS ON DELETE TO ruled DO ALSO NOTIFY told",
                "CREATE TABLE parts (id int) PARTITION BY LIST (id)",
                "DROP FOREIGN DATA WRAPPER IF EXISTS elsewhere CASCADE",
                "CREATE FOREIGN DATA WRAPPER elsewhere",
                "CREATE SERVER there FOREIGN DATA WRAPPER elsewhere",
                "CREATE FOREIGN TABLE away PARTITION OF parts DEFAULT SERVER there");
        ExpectedImpact impact = impact(sql);
        assertThat(impact.rows()).isEmpty();
        assertThat(impact.note()).isEqualTo("not run beforehand: " + reason);
        assertThat(database.value("SELECT is_called FROM numbers")).isEqualTo("f");
    }

    @Test
    void a_table_with_a_sequence_can_be_deleted_from_beforehand() throws Exception {
        database.run(
                "CREATE TABLE numbered (id serial PRIMARY KEY, what text)", "INSERT INTO numbered (what) VALUES ('x')");
        assertThat(impact("DELETE FROM numbered WHERE id = 1").rows()).isEqualTo(rows(1));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM users",
                "UPDATE users SET name = 'x'",
                "TRUNCATE users CASCADE",
                "DROP TABLE log",
                "DO $$ BEGIN DELETE FROM log; END $$",
                "DELETE FROM users WHERE id = 1; DELETE FROM users WHERE id = 2",
                "CREATE TABLE more AS SELECT 1"
            })
    void anything_but_a_scoped_write_is_estimated_by_the_catalog(String sql) throws Exception {
        ExpectedImpact impact = impact(sql);
        assertThat(impact.rows()).isEmpty();
        assertThat(impact.note()).isEmpty();
    }

    @Test
    void a_write_that_fails_leaves_the_request_with_the_reason_and_without_its_values() throws Exception {
        assertThat(impact("INSERT INTO users (id, name) VALUES (1, 'secret')").note())
                .isEqualTo("run beforehand, it failed with 23505");
        connection.setAutoCommit(false);
        execute("SELECT 1");
        assertThat(impact("UPDATE users SET id = 1 WHERE id = 2").note())
                .isEqualTo("run beforehand, it failed with 23505");
        execute("SELECT 1");
        connection.rollback();
        connection.setAutoCommit(true);
    }

    @Test
    void a_lock_of_another_session_is_not_waited_for() throws Exception {
        try (Connection other = database.connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("UPDATE users SET name = 'other' WHERE id = 1");
            assertThat(impact("UPDATE users SET name = 'x' WHERE id = 1").note())
                    .isEqualTo("run beforehand, it failed with 55P03");
            other.rollback();
        }
    }

    @Test
    void what_would_leave_many_dead_rows_is_not_run() throws Exception {
        database.run(
                "CREATE TABLE many (id int PRIMARY KEY)",
                "INSERT INTO many SELECT generate_series(1, 200000)",
                "ANALYZE many");
        assertThat(impact("DELETE FROM many WHERE id > 0").note())
                .matches("not run beforehand: the server expects about (199|200)\\d\\d\\d rows");
        assertThat(impact("DELETE FROM many WHERE id = 7").rows()).isEqualTo(rows(1));
    }

    @Test
    void a_cancelled_preview_ends_the_call() throws Exception {
        try (Statement statement = connection.createStatement()) {
            Future<Throwable> held = threads.submit(() -> catchThrowable(() ->
                    statement.execute("UPDATE users SET name = (SELECT count(*) FROM generate_series(1, 100000) AS a,"
                            + " generate_series(1, 100000) AS b)::text WHERE id = 1")));
            while (database.rows("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'UPDATE users%'")
                    .isEmpty()) {
                assertThat(held.isDone()).isFalse();
            }
            statement.cancel();
            assertThat(held.get())
                    .isInstanceOf(SQLException.class)
                    .extracting(e -> ((SQLException) e).getSQLState())
                    .isEqualTo("57014");
            assertThat(store.approvals().list(ApprovalState.PENDING)).isEmpty();
        }
    }

    @Test
    void a_write_that_takes_long_is_stopped() throws Exception {
        assertThat(impact("UPDATE users SET name = (SELECT count(*) FROM generate_series(1, 100000) AS a,"
                                + " generate_series(1, 100000) AS b)::text WHERE id = 1")
                        .note())
                .isEqualTo("run beforehand, it failed with 57014");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void no_lock_outlives_it_in_a_transaction_of_the_callers(boolean first) throws Exception {
        connection.setAutoCommit(false);
        if (!first) {
            execute("SELECT 1 FROM log");
        }
        assertThat(impact("UPDATE users SET name = 'x' WHERE id = 1").rows()).isEqualTo(rows(1));
        assertThat(database.rows(
                        "SELECT relation::regclass, mode FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
                                + " WHERE relname IN ('users', 'users_pkey')"))
                .isEmpty();
        database.run(
                "BEGIN",
                "SELECT FROM users WHERE id = 1 FOR UPDATE NOWAIT",
                "LOCK TABLE users IN ACCESS EXCLUSIVE MODE NOWAIT",
                "ROLLBACK");
        connection.rollback();
        connection.setAutoCommit(true);
    }

    @Test
    void the_session_is_as_it_was() throws Exception {
        database.run("CREATE SEQUENCE numbers");
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement();
                Statement other = connection.createStatement()) {
            statement.execute("SET lock_timeout = '7s'");
            statement.execute("SET LOCAL work_mem = '1MB'");
            assertThat(statement.executeQuery("SELECT nextval('numbers')").next())
                    .isTrue();
            statement.setFetchSize(2);
            ResultSet open = statement.executeQuery("SELECT id FROM users ORDER BY id");
            open.next();
            String sql = "UPDATE users SET name = 'x' WHERE id = 1";
            assertThatThrownBy(() -> other.execute(sql)).isInstanceOf(ApprovalRequiredException.class);
            assertThat(store.approvals()
                            .list(ApprovalState.PENDING)
                            .get(0)
                            .request()
                            .impact()
                            .rows())
                    .isEqualTo(rows(1));
            assertThat(other.getUpdateCount()).isEqualTo(-1);
            assertThat((Object) other.getWarnings()).isNull();
            assertThat((Object) connection.getWarnings()).isNull();
            assertThat(other.getGeneratedKeys().next()).isFalse();
            int rest = 0;
            while (open.next()) {
                rest++;
            }
            assertThat(rest).as("the portal is open").isEqualTo(9);
            try (ResultSet row = other.executeQuery(
                    "SELECT current_setting('lock_timeout'), current_setting('work_mem'),"
                            + " current_setting('statement_timeout'), lastval(), currval('numbers'), name FROM users WHERE id = 1")) {
                row.next();
                assertThat(List.of(
                                row.getString(1),
                                row.getString(2),
                                row.getString(3),
                                row.getString(4),
                                row.getString(5),
                                row.getString(6)))
                        .containsExactly("7s", "1MB", "0", "1", "1", "n1");
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    @Test
    void the_callers_changes_and_savepoints_stay() throws Exception {
        connection.setAutoCommit(false);
        approved("INSERT INTO log VALUES ('mine')");
        java.sql.Savepoint savepoint = connection.setSavepoint("mine");
        approved("INSERT INTO log VALUES ('later')");
        assertThat(impact("DELETE FROM log WHERE what = 'mine'").changes())
                .containsExactly(new TableChange("public.log", 0, 0, 1));
        connection.rollback(savepoint);
        connection.commit();
        connection.setAutoCommit(true);
        assertThat(database.rows("SELECT what FROM log")).containsExactly("mine");
    }

    private void approved(String sql) throws SQLException {
        String id = catchThrowableOfType(ApprovalRequiredException.class, () -> execute(sql))
                .approvalId();
        store.approvals().decide(id, true, "ops");
        execute(sql);
    }

    @Test
    void a_serializable_transaction_is_not_read_for_it() throws Exception {
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        execute("SELECT 1");
        assertThat(impact("UPDATE users SET name = 'x' WHERE id = 1").note())
                .isEqualTo("not run beforehand: its transaction would keep what it has read");
        connection.rollback();
        assertThat(impact("UPDATE users SET name = 'y' WHERE id = 1").rows()).isEqualTo(rows(1));
        connection.rollback();
        connection.setAutoCommit(true);
    }

    @Test
    void nothing_is_run_in_a_failed_transaction_or_on_a_read_only_connection() throws Exception {
        connection.setReadOnly(true);
        assertThat(impact("UPDATE users SET name = 'x' WHERE id = 1").note())
                .isEqualTo("not run beforehand: the connection is read-only");
        connection.setReadOnly(false);
    }

    @Test
    void nothing_is_run_under_a_pause() throws Exception {
        store.pause().pause("incident", "ops");
        assertThatThrownBy(() -> execute("UPDATE users SET name = 'x' WHERE id = 1"))
                .isInstanceOf(PausedException.class);
        assertThat(store.audit().newest(10))
                .noneMatch(each -> each.event().outcome().contains("beforehand"));
    }

    @Test
    void it_is_run_once_for_a_request_and_that_is_on_the_record() throws Exception {
        String sql = "UPDATE users SET name = 'x' WHERE id = 1";
        for (int again = 0; again < 3; again++) {
            assertThat(impact(sql).rows()).isEqualTo(rows(1));
        }
        guards.getLast().close();
        try (SqlControlStore reread = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC())) {
            assertThat(reread.audit().newest(100))
                    .filteredOn(each -> each.event().outcome().contains("beforehand"))
                    .singleElement()
                    .satisfies(each ->
                            assertThat(each.event().outcome()).isEqualTo("run beforehand and rolled back: 1 rows"));
        }
    }

    @Test
    void a_write_past_a_limit_is_shown_with_its_rows() throws Exception {
        connection.close();
        Backstop backstop = Backstop.builder()
                .control(store)
                .snapshots(new FakeSnapshots())
                .policy(new PolicyReader().read("{\"max_write_rows_without_critical\": 2}", "two rows"))
                .agentId("agent")
                .build();
        guards.add(backstop);
        connection = backstop.guard(database.connect());
        assertThatThrownBy(() -> execute("UPDATE users SET name = 'x' WHERE id < 5"))
                .hasCauseInstanceOf(ApprovalRequiredException.class);
        assertThat(store.approvals()
                        .list(ApprovalState.PENDING)
                        .get(0)
                        .request()
                        .impact()
                        .changes())
                .containsExactly(new TableChange("public.users", 0, 4, 0));
    }
}
