package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.control.SettableClock;
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

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What an application keeps being able to do behind the read fence, and what happens where the fence holds. */
@ExtendWith(PostgresExtension.class)
class ReadFenceTest {
    @TempDir
    private Path folder;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) AS n",
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'",
                "CREATE FUNCTION some_users() RETURNS refcursor LANGUAGE plpgsql STABLE AS"
                        + " $$DECLARE c refcursor; BEGIN OPEN c FOR SELECT id FROM users WHERE id < 4 ORDER BY id;"
                        + " RETURN c; END$$");
        guard(Policy.strict());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void guard(Policy policy) throws SQLException {
        if (backstop != null) {
            close();
        }
        backstop = Backstop.builder()
                .control(SqlControlStore.sqlite(folder.resolve("backstop.db"), clock))
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .clock(clock)
                .policy(policy)
                .build();
        connection = backstop.guard(database.connect());
    }

    private void guard(String profile) throws SQLException {
        guard(profile.equals("strict") ? Policy.strict() : Policy.application());
    }

    private void execute(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private String value(String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            assertThat(row.next()).isTrue();
            return row.getString(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void writes_run_in_auto_commit_and_in_transactions(String profile) throws SQLException {
        guard(profile);
        execute("INSERT INTO users VALUES (5001, 'a')", "UPDATE users SET name = 'b' WHERE id = 5001");
        connection.setAutoCommit(false);
        execute("INSERT INTO users VALUES (5002, 'a')");
        assertThat(value("SELECT count(*) FROM users")).isEqualTo("5002");
        execute("UPDATE users SET name = 'c' WHERE id = 5002");
        connection.commit();
        assertThat(value("SELECT name FROM users WHERE id = 5002")).isEqualTo("c");
        execute("DELETE FROM users WHERE id = 5001");
        connection.commit();
        connection.setAutoCommit(true);
        execute("BEGIN", "SELECT 1", "INSERT INTO users VALUES (5003, 'a')", "SELECT 1", "COMMIT");
        try (Statement batch = connection.createStatement()) {
            batch.addBatch("INSERT INTO users VALUES (5004, 'a')");
            batch.addBatch("INSERT INTO users VALUES (5005, 'a')");
            assertThat(batch.executeBatch()).containsExactly(1, 1);
        }
        assertThat(database.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM users WHERE id > 5000"))
                .isEqualTo("5002 5003 5004 5005");
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void a_transaction_can_begin_with_anything(String profile) throws SQLException {
        guard(profile);
        connection.setAutoCommit(false);
        List<Begin> beginnings = List.of(
                () -> connection
                        .getMetaData()
                        .getTables(null, null, "users", null)
                        .close(),
                () -> connection.getMetaData().getMaxTableNameLength(),
                () -> connection.getMetaData().getSQLKeywords(),
                () -> connection.setSchema("public"),
                () -> connection.getSchema(),
                () -> connection.getCatalog(),
                () -> connection.isValid(10),
                () -> connection.setSavepoint(),
                () -> connection.setSavepoint("s"),
                () -> connection.getTransactionIsolation(),
                () -> connection.setClientInfo("ApplicationName", "test"),
                () -> value("SELECT 1"),
                () -> value("SHOW search_path"),
                () -> value("SELECT doubled(2)"),
                () -> execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
                () -> execute("SET LOCAL work_mem = '8MB'"),
                () -> execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"),
                () -> {
                    try (PreparedStatement insert =
                            connection.prepareStatement("INSERT INTO users (id, name) VALUES (?, ?)")) {
                        assertThat(insert.getParameterMetaData().getParameterType(1))
                                .isEqualTo(Types.INTEGER);
                        assertThat(insert.getMetaData()).isNull();
                    }
                });
        for (int i = 0; i < beginnings.size(); i++) {
            beginnings.get(i).run();
            execute("INSERT INTO users VALUES (" + (6000 + i) + ", 'a')");
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM users WHERE id >= 6000"))
                .isEqualTo(String.valueOf(beginnings.size()));
    }

    private interface Begin {
        void run() throws SQLException;
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void what_a_read_only_transaction_refuses_runs_nevertheless(String profile) throws SQLException {
        guard(profile);
        for (boolean autoCommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autoCommit);
            for (String sql : List.of(
                    "SELECT * FROM users WHERE id = 1 FOR UPDATE",
                    "SELECT * FROM users WHERE id = 1 FOR NO KEY UPDATE SKIP LOCKED",
                    "SELECT * FROM (SELECT * FROM users WHERE id = 1 FOR KEY SHARE) AS locked",
                    "SELECT nextval('numbers')",
                    "SELECT * FROM nextval('numbers')",
                    "LISTEN something",
                    "NOTIFY something",
                    "SELECT pg_notify('something', 'said')",
                    "EXPLAIN DELETE FROM users",
                    "EXPLAIN ANALYZE SELECT * FROM users",
                    "PREPARE writing AS INSERT INTO users VALUES ($1, $2)",
                    "DEALLOCATE writing",
                    "ANALYZE users",
                    "SELECT pg_advisory_xact_lock(1)",
                    "SELECT txid_current()",
                    "SELECT currval('numbers')")) {
                execute(sql);
            }
            if (!autoCommit) {
                execute("DECLARE locked CURSOR FOR SELECT * FROM users WHERE id < 3 FOR UPDATE");
                assertThat(value("FETCH NEXT FROM locked")).isEqualTo("1");
                execute("UPDATE users SET name = 'locked' WHERE CURRENT OF locked");
                execute("DECLARE held CURSOR WITH HOLD FOR SELECT count(*) FROM users WHERE name = 'locked'");
                connection.commit();
                assertThat(value("FETCH ALL FROM held")).isEqualTo("1");
                execute("CLOSE held");
                connection.commit();
            }
        }
        connection.setAutoCommit(true);
        execute("VACUUM users", "CHECKPOINT");
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void temporary_tables_can_be_used(String profile) throws SQLException {
        guard(profile);
        execute("CREATE TEMPORARY TABLE mine (n int)", "INSERT INTO mine VALUES (1), (2)");
        assertThat(value("SELECT count(*) FROM mine")).isEqualTo("2");
        connection.setAutoCommit(false);
        assertThat(value("SELECT count(*) FROM mine")).isEqualTo("2");
        execute("INSERT INTO mine VALUES (3)");
        assertThat(value("SELECT count(*) FROM mine")).isEqualTo("3");
        connection.commit();
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void portals_and_cursors_are_fetched_in_parts(String profile) throws SQLException {
        guard(profile);
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(2);
            List<Integer> ids = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery("SELECT doubled(id) FROM users WHERE id < 10 ORDER BY id")) {
                while (rows.next()) {
                    ids.add(rows.getInt(1));
                    execute("UPDATE users SET name = 'seen' WHERE id = " + rows.getInt(1) / 2);
                }
            }
            assertThat(ids).containsExactly(2, 4, 6, 8, 10, 12, 14, 16, 18);
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT some_users() AS c")) {
            assertThat(row.next()).isTrue();
            execute("UPDATE users SET name = 'between' WHERE id = 100");
            try (ResultSet rows = (ResultSet) row.getObject("c")) {
                List<Integer> ids = new ArrayList<>();
                while (rows.next()) {
                    ids.add(rows.getInt(1));
                }
                assertThat(ids).containsExactly(1, 2, 3);
            }
        }
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM users WHERE name IN ('seen', 'between')"))
                .isEqualTo("10");
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void savepoints_are_the_callers(String profile) throws SQLException {
        guard(profile);
        connection.setAutoCommit(false);
        value("SELECT doubled(1)");
        Savepoint first = connection.setSavepoint();
        execute("INSERT INTO users VALUES (7001, 'a')");
        value("SELECT doubled(1)");
        Savepoint second = connection.setSavepoint("second");
        execute("INSERT INTO users VALUES (7002, 'a')");
        value("SELECT doubled(1)");
        connection.rollback(second);
        value("SELECT doubled(1)");
        connection.releaseSavepoint(first);
        value("SELECT doubled(1)");
        execute("INSERT INTO users VALUES (7003, 'a')", "SAVEPOINT third");
        value("SELECT doubled(1)");
        assertThatThrownBy(() -> value("SELECT doubled(1) / 0")).hasMessageContaining("division by zero");
        execute("ROLLBACK TO SAVEPOINT third", "INSERT INTO users VALUES (7004, 'a')");
        value("SELECT doubled(1)");
        connection.commit();
        assertThat(database.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM users WHERE id > 7000"))
                .isEqualTo("7001 7003 7004");
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void a_failed_query_fails_the_transaction_as_without_backstop(String profile) throws SQLException {
        guard(profile);
        connection.setAutoCommit(false);
        execute("INSERT INTO users VALUES (8001, 'a')");
        assertThatThrownBy(() -> value("SELECT doubled(1) / 0")).hasMessageContaining("division by zero");
        assertThatThrownBy(() -> value("SELECT doubled(1)")).hasMessageContaining("aborted");
        connection.rollback();
        execute("INSERT INTO users VALUES (8002, 'a')");
        connection.commit();
        assertThat(database.value("SELECT string_agg(id::text, ' ') FROM users WHERE id > 8000"))
                .isEqualTo("8002");
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void read_only_is_as_without_backstop(String profile) throws SQLException {
        guard(profile);
        connection.setReadOnly(true);
        connection.setAutoCommit(false);
        value("SELECT doubled(1)");
        assertThatThrownBy(() -> execute("INSERT INTO users VALUES (9001, 'a')"))
                .isNotInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("read-only transaction");
        connection.rollback();
        connection.setReadOnly(false);
        value("SELECT 1");
        execute("INSERT INTO users VALUES (9002, 'a')");
        connection.commit();
        connection.setAutoCommit(true);
        execute("START TRANSACTION READ ONLY");
        assertThatThrownBy(() -> execute("INSERT INTO users VALUES (9003, 'a')"))
                .isNotInstanceOf(StatementBlockedException.class);
        execute("ROLLBACK");
        execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
        connection.setAutoCommit(false);
        assertThatThrownBy(() -> execute("INSERT INTO users VALUES (9004, 'a')"))
                .isNotInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("read-only transaction");
        connection.rollback();
        assertThat(database.value("SELECT string_agg(id::text, ' ') FROM users WHERE id > 9000"))
                .isEqualTo("9002");
    }

    /** The ROLLBACK would undo what lets the rest write, so that it would be refused half done. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_rollback_amid_a_text_before_a_write_is_refused_before_it_is_sent(boolean autoCommit) throws SQLException {
        guard(Policy.strict());
        connection.setAutoCommit(autoCommit);
        if (autoCommit) {
            execute("BEGIN");
        }
        execute("INSERT INTO users VALUES (9001, 'first')");
        for (String text : List.of(
                "SELECT 1; ROLLBACK; INSERT INTO users VALUES (9002, 'behind')",
                "SELECT 1; ROLLBACK; SELECT id FROM users WHERE id = 1 FOR UPDATE",
                "SELECT 1; ABORT; BEGIN; SELECT 1; INSERT INTO users VALUES (9002, 'behind')")) {
            assertThatThrownBy(() -> execute(text))
                    .as(text)
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessageContaining("a ROLLBACK stands in one text between other statements")
                    .hasMessageContaining("send the statements one at a time");
        }
        assertThat(value("SELECT count(*) FROM users WHERE id > 9000")).isEqualTo("1"); // the transaction goes on
        execute("SELECT 1; ROLLBACK; SELECT 1", "INSERT INTO users VALUES (9003, 'after')");
        if (!autoCommit) {
            connection.commit();
        }
        assertThat(database.value("SELECT string_agg(id::text, ' ') FROM users WHERE id > 9000"))
                .isEqualTo("9003");
    }

    /** The fence cannot tell the number that it takes from another change. */
    @Test
    void a_view_over_nextval_is_held_from_the_second_time_on() throws SQLException {
        database.run("CREATE SEQUENCE taken", "CREATE VIEW next_taken AS SELECT nextval('taken') AS number");
        guard(Policy.strict());
        assertThatThrownBy(() -> value("SELECT number FROM next_taken")).isInstanceOf(StatementBlockedException.class);
        assertThatThrownBy(() -> value("SELECT number FROM next_taken")).isInstanceOf(ApprovalRequiredException.class);
        assertThat(value("SELECT nextval('taken')")).isEqualTo("1");
    }

    @Test
    void lifting_the_fence_is_held() throws SQLException {
        guard(Policy.strict());
        for (String sql : List.of(
                "SET default_transaction_read_only = off",
                "SET LOCAL transaction_read_only TO off",
                "SET TRANSACTION READ WRITE",
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ /* */ WRITE",
                "SELECT set_config('default_transaction_read_only', 'off', false)",
                "SELECT set_config(lower('DEFAULT_TRANSACTION_READ_ONLY'), 'off', false)",
                "SELECT pg_catalog.set_config(U&'transaction_read\\005Fonly', 'off', true)")) {
            assertThatThrownBy(() -> execute(sql)).as(sql).isInstanceOf(ApprovalRequiredException.class);
        }
        execute("RESET ALL", "DISCARD ALL", "RESET default_transaction_read_only", "BEGIN READ WRITE", "ROLLBACK");
    }

    @Test
    void a_server_that_is_read_only_by_itself_is_left_alone() throws SQLException {
        database.run("DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
                + " current_database()); END$$");
        try {
            guard(Policy.strict());
            assertThatThrownBy(() -> execute("INSERT INTO users VALUES (9001, 'a')"))
                    .isNotInstanceOf(StatementBlockedException.class)
                    .hasMessageContaining("read-only transaction");
            execute("BEGIN READ WRITE", "INSERT INTO users VALUES (9002, 'a')", "COMMIT");
        } finally {
            try (Connection plain = database.connect();
                    Statement statement = plain.createStatement()) {
                plain.setAutoCommit(false);
                statement.execute("SET TRANSACTION READ WRITE");
                statement.execute("DO $$BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only',"
                        + " current_database()); END$$");
                plain.commit();
            }
        }
        assertThat(database.value("SELECT string_agg(id::text, ' ') FROM users WHERE id > 9000"))
                .isEqualTo("9002");
    }

    /** Who asks by the setting's name is answered as without Backstop. */
    private static final String UNDER_ANOTHER_NAME = "SELECT current_setting(lower('DEFAULT_TRANSACTION_READ_ONLY'))";

    @Test
    void a_changed_policy_changes_the_fence() throws Exception {
        Path policy = folder.resolve("policy.json");
        Files.writeString(policy, "{\"read_fence\": \"off\"}");
        connection.close();
        connection = DriverManager.getConnection(
                database.backstopUrl("backstop.policy=" + policy + "&backstop.control=" + folder.resolve("other.db")));
        assertThat(value(UNDER_ANOTHER_NAME)).isEqualTo("off");
        Files.writeString(policy, "{\"read_fence\": \"session\"} ");
        execute("INSERT INTO users VALUES (9001, 'a')");
        assertThat(value("SELECT 1")).isEqualTo("1");
        assertThat(value(UNDER_ANOTHER_NAME)).isEqualTo("on");
        Files.writeString(policy, "{\"read_fence\": \"statement\"}  ");
        execute("INSERT INTO users VALUES (9002, 'a')");
        assertThat(value("SELECT 1")).isEqualTo("1");
        assertThat(value(UNDER_ANOTHER_NAME)).isEqualTo("off");
    }

    @Test
    void a_description_runs_nothing() throws SQLException {
        database.run(
                "CREATE FUNCTION wipe(text) RETURNS boolean LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users; RETURN true; END'",
                "CREATE DOMAIN wiping AS text CHECK (wipe(VALUE))",
                "CREATE TYPE holding AS (w wiping)");
        guard(Policy.strict());
        for (boolean autoCommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autoCommit);
            for (String sql : List.of(
                    "SELECT '(x)'::holding",
                    "SELECT ARRAY['(x)']::holding[]",
                    "INSERT INTO users SELECT 1, 'x'::wiping")) {
                try (PreparedStatement prepared = connection.prepareStatement(sql)) {
                    assertThatThrownBy(prepared::getMetaData).as(sql).isInstanceOf(StatementBlockedException.class);
                    endTransaction();
                    assertThatThrownBy(prepared::getParameterMetaData)
                            .as(sql)
                            .isInstanceOf(StatementBlockedException.class);
                    endTransaction();
                }
            }
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    private void endTransaction() throws SQLException {
        if (!connection.getAutoCommit()) {
            connection.commit();
        }
    }

    @Test
    void in_simple_mode_what_pgjdbc_would_run_is_not_described() throws SQLException {
        guard(Policy.strict());
        connection.close();
        connection = backstop.guard(DriverManager.getConnection(database.url() + "&preferQueryMode=simple"));
        try (PreparedStatement delete = connection.prepareStatement("DELETE FROM users WHERE id = 1")) {
            assertThatThrownBy(delete::getMetaData)
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessageContaining("preferQueryMode=simple");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }
}
