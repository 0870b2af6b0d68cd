package io.backstop.jdbc;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.policy.ReadFence;
import io.backstop.api.snapshot.Connections;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.internal.pipeline.fence.FencedExecution;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.policy.PolicyProfiles;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** Attacks on the read fence: the same calls with and without Backstop, and losses where the first line has failed. */
@Sampled
@ExtendWith(PostgresExtension.class)
class FenceAttackTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void take(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        fresh();
    }

    private void fresh() throws SQLException {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text, doc oid)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 20) AS n",
                "CREATE TABLE child (id int PRIMARY KEY,"
                        + " parent int REFERENCES users DEFERRABLE INITIALLY DEFERRED)",
                "CREATE SEQUENCE numbers",
                "CREATE VIEW next_number AS SELECT nextval('numbers') AS n",
                "CREATE VIEW locked_users AS SELECT * FROM users WHERE id < 3 FOR UPDATE",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'",
                "CREATE FUNCTION more(n int) RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO users VALUES (n, ''more''); RETURN n; END'",
                "CREATE FUNCTION some_users() RETURNS refcursor LANGUAGE plpgsql STABLE AS"
                        + " $$DECLARE c refcursor; BEGIN OPEN c FOR SELECT id FROM users WHERE id < 4 ORDER BY id;"
                        + " RETURN c; END$$",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; RETURN 1; END'",
                "CREATE FUNCTION wipe(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN"
                        + " IF current_setting('x.armed', true) = 'on' THEN PERFORM wipe(); END IF; RETURN true; END$$",
                "CREATE FUNCTION holds_wipe() RETURNS int LANGUAGE plpgsql AS"
                        + " $$BEGIN EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT wipe()'; RETURN 1; END$$");
    }

    // ---------------------------------------------------------------- the same calls with and without Backstop

    interface Scenario {
        void run(Run run) throws Exception;
    }

    interface Act {
        Object run() throws Exception;
    }

    private static final class Run {
        final Connection c;
        final List<String> trace = new ArrayList<>();

        Run(Connection c) {
            this.c = c;
        }

        void sql(String... texts) {
            for (String sql : texts) {
                act(sql, () -> {
                    try (Statement statement = c.createStatement()) {
                        StringBuilder all = new StringBuilder();
                        boolean rows = statement.execute(sql);
                        while (rows || statement.getUpdateCount() >= 0) {
                            if (rows) {
                                try (ResultSet result = statement.getResultSet()) {
                                    while (result.next()) {
                                        all.append(result.getString(1)).append(' ');
                                    }
                                }
                                all.append("/ ");
                            } else {
                                all.append(statement.getUpdateCount()).append(" / ");
                            }
                            rows = statement.getMoreResults();
                        }
                        return all;
                    }
                });
            }
        }

        void act(String name, Act act) {
            String outcome;
            try {
                outcome = String.valueOf(act.run());
            } catch (SQLException e) {
                outcome = "!" + e.getSQLState()
                        + (String.valueOf(e.getSQLState()).startsWith("ZB") ? " " + e.getMessage() : "");
            } catch (Exception e) {
                outcome = "!" + e;
            }
            trace.add(name + " -> " + outcome);
        }

        void end() {
            act("autocommit", c::getAutoCommit);
            act("readOnly", c::isReadOnly);
            act("isolation", c::getTransactionIsolation);
        }
    }

    private Backstop backstop(String policyJson) throws Exception {
        Path policy = folder.resolve("p" + System.nanoTime() + ".json");
        Files.writeString(policy, policyJson);
        SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
        return Backstop.builder()
                .control(SqlControlStore.sqlite(folder.resolve("b" + System.nanoTime() + ".db"), clock))
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .clock(clock)
                .policy(PolicyProfiles.named(policy.toString()).latest())
                .build();
    }

    private static String policy(String fence, String more) {
        return "{\"read_fence\": \"" + fence + "\", \"require_approval_for_risks\": [],"
                + " \"max_blocked_attempts_per_window\": 1000" + more + "}";
    }

    private void same(Scenario scenario) throws Exception {
        same("session", "", scenario);
    }

    private void same(String fence, String parameters, Scenario scenario) throws Exception {
        same(policy(fence, ""), parameters, false, scenario);
    }

    private void same(String policyJson, String parameters, boolean pool, Scenario scenario) throws Exception {
        List<String> bare = traced(DriverManager.getConnection(database.url() + parameters), scenario);
        List<String> guarded;
        try (Backstop backstop = backstop(policyJson)) {
            Connection plain = DriverManager.getConnection(database.url() + parameters);
            guarded = traced(backstop.guard(pool ? PooledConnections.over(plain) : plain), scenario);
        }
        assertThat(guarded).isEqualTo(bare);
    }

    private List<String> traced(Connection connection, Scenario scenario) throws Exception {
        fresh();
        Run run = new Run(connection);
        try (connection) {
            scenario.run(run);
            run.end();
        }
        run.trace.add("users " + database.value("SELECT string_agg(id || name, ' ' ORDER BY id) FROM users"));
        return run.trace;
    }

    private static final String INSERT = "INSERT INTO users VALUES (100, 'mine')";
    private static final String ANOTHER = "INSERT INTO users VALUES (101, 'mine')";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BEGIN; SAVEPOINT s",
                "BEGIN; SET LOCAL statement_timeout = '5s'",
                "BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "BEGIN; LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE",
                "BEGIN READ ONLY; COMMIT; BEGIN",
                "BEGIN READ ONLY, READ WRITE",
                "BEGIN; COMMIT; BEGIN; SAVEPOINT s",
                "BEGIN; SELECT 1",
                "BEGIN; SELECT nextval('numbers')",
                "BEGIN; COMMIT AND CHAIN",
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ WRITE DEFERRABLE"
            })
    void a_transaction_begun_in_one_text_with_more_can_write(String text) throws Exception {
        same(run -> run.sql(text, INSERT, "SELECT 1", ANOTHER, "COMMIT"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                INSERT + "; COMMIT; " + ANOTHER,
                "COMMIT; " + INSERT,
                "COMMIT; BEGIN; " + INSERT + "; COMMIT",
                "BEGIN; " + INSERT + "; COMMIT; BEGIN; " + ANOTHER + "; COMMIT",
                INSERT + "; COMMIT AND CHAIN; " + ANOTHER,
                INSERT + "; COMMIT; BEGIN"
            })
    void a_text_that_commits_on_its_way(String text) throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.sql("SELECT 1", text, "INSERT INTO users VALUES (102, 'mine')", "COMMIT");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "END AND CHAIN", "COMMIT AND NO CHAIN"})
    void a_chained_transaction_writes_after_a_cursor(String end) throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.sql("SELECT 1", "DECLARE c CURSOR FOR SELECT 1", end, INSERT, "COMMIT");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"COMMIT AND CHAIN", "ROLLBACK AND CHAIN"})
    void a_chained_transaction_writes(String end) throws Exception {
        same(run -> {
            run.sql("BEGIN", "SELECT 1", end, INSERT, "SELECT 1/0", end, ANOTHER, "SELECT 1", "COMMIT");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"COMMIT AND CHAIN", "ROLLBACK AND CHAIN"})
    void a_transaction_chained_to_a_failed_one_writes(String end) throws Exception {
        same(run -> run.sql("BEGIN", "INSERT INTO users VALUES (1/0)", end, INSERT, "COMMIT"));
    }

    @Test
    void set_auto_commit_that_changes_nothing_leaves_a_text_transaction_writable() throws Exception {
        same(run -> {
            run.sql("BEGIN", "DECLARE c CURSOR FOR SELECT 1");
            run.act("setAutoCommit", () -> {
                run.c.setAutoCommit(true);
                return "";
            });
            run.sql(INSERT, "COMMIT");
        });
    }

    @Test
    void a_commit_that_the_driver_refuses_leaves_a_text_transaction_writable() throws Exception {
        same(run -> {
            run.sql("BEGIN", "DECLARE c CURSOR FOR SELECT 1");
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
            run.sql(INSERT, "COMMIT");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_commit_that_a_deferred_constraint_refuses_ends_the_transaction(boolean jdbc) throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.sql("DECLARE c CURSOR FOR SELECT 1", "INSERT INTO child VALUES (1, 999)", "SELECT 1");
            if (jdbc) {
                run.act("commit", () -> {
                    run.c.commit();
                    return "";
                });
            } else {
                run.sql("COMMIT");
            }
            run.sql(INSERT);
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    @Test
    void a_deferred_constraint_without_cursor() throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.sql("INSERT INTO child VALUES (1, 999)", "SELECT 1");
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
            run.sql(INSERT);
            run.c.commit();
        });
    }

    @Test
    void a_held_cursor_over_a_sequence_beside_another() throws Exception {
        same(run -> {
            run.sql("BEGIN", "DECLARE a CURSOR FOR SELECT 1");
            run.sql("DECLARE b CURSOR WITH HOLD FOR SELECT nextval('numbers')", "COMMIT", "FETCH ALL FROM b");
            run.sql("ROLLBACK", "BEGIN", INSERT, "COMMIT");
        });
    }

    @Test
    void a_held_cursor_over_a_sequence_in_auto_commit() throws Exception {
        same(run -> run.sql("DECLARE b CURSOR WITH HOLD FOR SELECT nextval('numbers')", "FETCH ALL FROM b"));
    }

    @Test
    void a_cursor_over_a_sequence() throws Exception {
        same(run -> {
            run.sql("BEGIN", "DECLARE a CURSOR FOR SELECT nextval('numbers')", "FETCH ALL FROM a", "COMMIT");
            run.sql("BEGIN", "DECLARE a CURSOR FOR SELECT 1", "FETCH ALL FROM a", "COMMIT");
        });
    }

    private static void fetched(Run run, String query) {
        run.act(query, () -> {
            List<String> values = new ArrayList<>();
            try (Statement statement = run.c.createStatement()) {
                statement.setFetchSize(2);
                try (ResultSet rows = statement.executeQuery(query)) {
                    while (rows.next()) {
                        values.add(rows.getString(1));
                    }
                }
            }
            return values;
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT nextval('numbers') FROM generate_series(1, 7)",
                "SELECT id FROM users WHERE id < 6 ORDER BY id FOR UPDATE",
                "SELECT more(n) FROM generate_series(200, 206) AS n",
                "INSERT INTO users SELECT n FROM generate_series(200, 206) AS n RETURNING id"
            })
    void a_portal_fetched_in_parts_that_writes(String query) throws Exception {
        same(policy("session", ", \"impact_analysis_enabled\": false"), "", false, run -> {
            run.c.setAutoCommit(false);
            fetched(run, query);
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    @Test
    void a_cursor_over_an_allowed_function_that_writes() throws Exception {
        same(policy("session", ", \"impact_analysis_enabled\": false"), "", false, run -> {
            run.c.setAutoCommit(false);
            run.sql("DECLARE c CURSOR FOR SELECT more(300)", "FETCH ALL FROM c", "COMMIT");
        });
    }

    @Test
    void an_exported_snapshot() throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.act("export", () -> {
                try (Statement statement = run.c.createStatement()) {
                    return statement.execute("SELECT pg_export_snapshot()");
                }
            });
            run.sql("COMMIT");
        });
    }

    @Test
    void an_imported_snapshot() throws Exception {
        try (Connection exporter = database.connect();
                Statement statement = exporter.createStatement()) {
            exporter.setAutoCommit(false);
            exporter.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            same(run -> {
                String snapshot;
                try (ResultSet row = statement.executeQuery("SELECT pg_export_snapshot()")) {
                    row.next();
                    snapshot = row.getString(1);
                }
                run.c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                run.c.setAutoCommit(false);
                run.act("import", () -> {
                    try (Statement importing = run.c.createStatement()) {
                        return importing.execute("SET TRANSACTION SNAPSHOT '" + snapshot + "'");
                    }
                });
                run.sql("SELECT count(*) FROM users", INSERT, "COMMIT");
                exporter.rollback();
            });
        }
    }

    @Test
    void a_large_object_bound_as_the_first_thing() throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.act("blob", () -> {
                try (PreparedStatement insert = run.c.prepareStatement("INSERT INTO users VALUES (100, 'a', ?)")) {
                    insert.setBlob(1, new ByteArrayInputStream(new byte[] {1, 2, 3}), 3);
                    return insert.executeUpdate();
                }
            });
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    @Test
    void a_large_object_bound_after_a_query() throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.sql("SELECT 1");
            run.act("blob", () -> {
                try (PreparedStatement insert = run.c.prepareStatement("INSERT INTO users VALUES (100, 'a', ?)")) {
                    insert.setBlob(1, new ByteArrayInputStream(new byte[] {1, 2, 3}), 3);
                    return insert.executeUpdate();
                }
            });
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    @Test
    void a_large_object_read_as_the_first_thing() throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            run.act("read", () -> {
                try (Statement statement = run.c.createStatement();
                        ResultSet row = statement.executeQuery("SELECT lo_from_bytea(0, 'abc')")) {
                    row.next();
                    run.c.commit();
                    return row.getBlob(1).length();
                }
            });
            run.sql(INSERT);
            run.c.commit();
        });
    }

    @Test
    void column_metadata_as_the_first_thing() throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            try (Statement statement = run.c.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT * FROM users")) {
                ResultSetMetaData columns = rows.getMetaData();
                run.c.commit();
                run.act("nullable", () -> columns.isNullable(1));
            }
            run.sql(INSERT);
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    private static void isolate(Run run) {
        run.act("isolation", () -> {
            run.c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            return "";
        });
        run.act("read only", () -> {
            run.c.setReadOnly(true);
            return "";
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "statement"})
    void what_the_driver_answers_by_itself_begins_no_transaction(String fence) throws Exception {
        List<Scenario> calls = List.of(
                run -> run.c.getMetaData().getTableTypes().close(),
                run -> run.c.getMetaData().getClientInfoProperties().close(),
                run -> run.act("unsupported", () -> run.c.getMetaData().getSuperTypes(null, null, null)),
                run -> run.c.isValid(5),
                run -> run.c.getTransactionIsolation(),
                run -> run.c.setClientInfo("ApplicationName", "x"),
                run -> run.c.createArrayOf("int4", new Object[] {1}),
                run -> run.c.prepareStatement("SELECT 1").close());
        StringBuilder failures = new StringBuilder();
        for (int i = 0; i < calls.size(); i++) {
            Scenario call = calls.get(i);
            try {
                same(fence, "", run -> {
                    run.c.setAutoCommit(false);
                    call.run(run);
                    isolate(run);
                });
            } catch (AssertionError e) {
                failures.append("call ").append(i).append(e.getMessage());
            }
        }
        assertThat(failures.toString()).isEmpty();
    }

    @Test
    void cached_database_metadata_begins_no_transaction() throws Exception {
        same(run -> {
            run.c.setAutoCommit(false);
            java.sql.DatabaseMetaData data = run.c.getMetaData();
            data.getMaxTableNameLength();
            data.getSQLKeywords();
            run.c.commit();
            data.getMaxTableNameLength();
            data.getSQLKeywords();
            isolate(run);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "statement"})
    void rows_that_were_fetched_before_the_commit(String fence) throws Exception {
        same(fence, "", run -> {
            run.c.setAutoCommit(false);
            try (Statement statement = run.c.createStatement()) {
                statement.setFetchSize(10);
                ResultSet rows = statement.executeQuery("SELECT id FROM users WHERE id < 5 ORDER BY id");
                run.act("next", rows::next);
                run.c.commit();
                run.act("next", rows::next);
                isolate(run);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "statement"})
    void a_refcursor_that_is_gone(String fence) throws Exception {
        same(fence, "", run -> {
            run.c.setAutoCommit(false);
            try (Statement statement = run.c.createStatement();
                    ResultSet row = statement.executeQuery("SELECT some_users()")) {
                row.next();
                run.c.commit();
                run.act("cursor", () -> row.getObject(1));
            }
            run.sql(INSERT);
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    // ---------------------------------------------------------------- who asked for read-only gets it

    @Test
    void read_only_for_jdbc_and_begin_in_sql() throws Exception {
        same(run -> {
            run.c.setReadOnly(true);
            run.c.setAutoCommit(false);
            run.sql("BEGIN", INSERT, "ROLLBACK");
            run.sql("SELECT 1", "BEGIN", "SELECT 2", "ROLLBACK");
        });
    }

    @Test
    void a_second_begin() throws Exception {
        same(run -> run.sql("BEGIN READ ONLY", "BEGIN", INSERT, "ROLLBACK"));
    }

    @Test
    void a_second_begin_after_a_query() throws Exception {
        same(run -> run.sql("BEGIN READ ONLY", "SELECT 1", "BEGIN", "SELECT 2", "ROLLBACK"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"SET default_transaction_read_only = on", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
            })
    void the_callers_own_default(String set) throws Exception {
        same(run -> {
            run.sql(set, INSERT, "BEGIN", "SELECT 1", INSERT, "ROLLBACK", "UPDATE users SET name = 'x' WHERE id = 1");
            run.c.setAutoCommit(false);
            run.sql(INSERT);
            run.c.rollback();
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "RESET ALL",
                "DISCARD ALL",
                "RESET default_transaction_read_only",
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
                "SET default_transaction_read_only = off"
            })
    void the_callers_default_taken_back(String reset) throws Exception {
        same(run -> {
            run.sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", reset, INSERT, "BEGIN", ANOTHER, "COMMIT");
        });
    }

    @Test
    void the_callers_default_rolled_back() throws Exception {
        same(run -> run.sql(
                "BEGIN",
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
                INSERT,
                "ROLLBACK",
                INSERT,
                "BEGIN",
                ANOTHER,
                "COMMIT"));
    }

    @Test
    void read_only_until_a_savepoint_is_rolled_back() throws Exception {
        same(run -> run.sql(
                "BEGIN", "SAVEPOINT s", "SET TRANSACTION READ ONLY", INSERT, "ROLLBACK TO s", ANOTHER, "COMMIT"));
    }

    // ---------------------------------------------------------------- savepoints

    static Stream<String> drivers() {
        return Stream.of(
                "",
                "&autosave=always",
                "&autosave=always&cleanupSavepoints=true",
                "&autosave=conservative",
                "&autosave=conservative&cleanupSavepoints=true",
                "&preferQueryMode=simple",
                "&preferQueryMode=extendedForPrepared",
                "&preferQueryMode=extendedCacheEverything&prepareThreshold=1",
                "&preferQueryMode=simple&autosave=always&cleanupSavepoints=true");
    }

    @ParameterizedTest
    @MethodSource("drivers")
    void reads_and_writes_in_turn(String parameters) throws Exception {
        same("session", parameters, run -> {
            run.c.setAutoCommit(false);
            run.sql("SELECT count(*) FROM users", INSERT, "SELECT doubled(1)", ANOTHER, "SELECT 1/0");
            run.sql("INSERT INTO users VALUES (102, 'x')", "SELECT 1", "UPDATE users SET name = 'y' WHERE id = 1");
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    // ---------------------------------------------------------------- isolation

    @ParameterizedTest
    @ValueSource(strings = {"bare", "session"})
    void serializable_transactions_see_each_other(String how) throws Exception {
        String failed = "nobody";
        try (Backstop backstop = backstop(policy("session", ""));
                Connection one = how.equals("bare") ? database.connect() : backstop.guard(database.connect());
                Connection two = how.equals("bare") ? database.connect() : backstop.guard(database.connect());
                Statement first = one.createStatement();
                Statement second = two.createStatement()) {
            for (Connection each : List.of(one, two)) {
                each.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                each.setAutoCommit(false);
            }
            try {
                first.executeQuery("SELECT count(*) FROM users WHERE name LIKE 'user%'")
                        .close();
                second.executeQuery("SELECT count(*) FROM users WHERE name LIKE 'user%'")
                        .close();
                first.execute("UPDATE users SET name = 'off' WHERE id = 1");
                second.execute("UPDATE users SET name = 'off' WHERE id = 2");
                one.commit();
                two.commit();
            } catch (SQLException e) {
                failed = e.getSQLState();
            }
        }
        assertThat(failed).isEqualTo("40001");
    }

    // ---------------------------------------------------------------- others

    @Test
    void a_prepared_query_survives_a_change_of_its_table() throws Exception {
        same("session", "&prepareThreshold=1", run -> {
            try (PreparedStatement query = run.c.prepareStatement("SELECT * FROM users WHERE id = ?")) {
                for (int i = 0; i < 3; i++) {
                    query.setInt(1, 1);
                    run.act("query", () -> {
                        try (ResultSet row = query.executeQuery()) {
                            return row.next();
                        }
                    });
                }
                database.run("ALTER TABLE users ADD COLUMN another int");
                run.act("query", () -> {
                    try (ResultSet row = query.executeQuery()) {
                        return row.next();
                    }
                });
            }
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_write_past_a_limit_as_the_first_thing(boolean autoCommit) throws Exception {
        String more = ", \"max_write_rows_without_critical\": 2, \"require_recovery_for_critical\": false,"
                + " \"block_unrecoverable_operations\": false";
        for (String text : List.of(
                "UPDATE users SET name = 'x' WHERE id < 10", "SELECT wipe()", "DO 'BEGIN PERFORM wipe(); END'")) {
            same(policy("session", more), "", false, run -> {
                run.c.setAutoCommit(autoCommit);
                run.sql(text, INSERT);
                if (!autoCommit) {
                    run.c.commit();
                }
            });
        }
    }

    @Test
    void a_read_only_pool_connection_keeps_its_flags() throws Exception {
        for (String mode : List.of("always", "transaction", "ignore")) {
            for (boolean readOnly : new boolean[] {true, false}) {
                same(policy("session", ""), "&readOnlyMode=" + mode, true, run -> {
                    run.c.setReadOnly(readOnly);
                    run.sql("SELECT 1", "SELECT 1/0", INSERT);
                    run.act("readOnly", run.c::isReadOnly);
                    run.c.setAutoCommit(false);
                    run.sql("SELECT 1", "INSERT INTO users VALUES (105, 'x')");
                    run.c.rollback();
                });
            }
        }
    }

    // ---------------------------------------------------------------- losses where the first line has failed

    /** One session behind the fence, in which every text that wipes is called SAFE, and the others are judged. */
    private final class Forced implements AutoCloseable {
        final FencedExecution fenced = new FencedExecution();
        final Connection plain;
        final GuardedSession session;
        final ReadFence rule;
        final List<String> outcomes = new ArrayList<>();

        Forced(ReadFence rule, Connection plain) throws SQLException {
            this.rule = rule;
            this.plain = plain;
            this.session = new GuardedSession(plain, Connections.NONE, "db", "agent");
        }

        void send(String... texts) {
            for (String sql : texts) {
                send(sql, sql.contains("wipe"), sql.contains("wipe"));
            }
        }

        void send(String sql, boolean lie, boolean restsOnCatalog) {
            try (Statement statement = plain.createStatement()) {
                AssessedText text = new AssessedText(sql, SqlAnalyzer.create().assess(sql), true);
                if (lie) {
                    text = new AssessedText(sql, safe(text.assessment()), true);
                }
                session.beginTurn();
                fenced.begin(session, rule, text);
                Assessment weighed = fenced.weigh(session, text, text.assessment(), restsOnCatalog);
                if (weighed.risk() == RiskLevel.SAFE) {
                    fenced.read(session, text, restsOnCatalog, false, sending(statement, sql));
                } else if (weighed.risk().compareTo(text.assessment().risk()) > 0) {
                    outcomes.add(sql + " -> held");
                    return;
                } else {
                    fenced.write(session, text, sending(statement, sql));
                }
                outcomes.add(sql + " -> ran as " + weighed.risk());
            } catch (SQLException e) {
                outcomes.add(sql + " -> " + e.getSQLState() + " " + e.getMessage());
            } finally {
                session.fence().restored();
            }
        }

        void commit() {
            try {
                session.committing();
                plain.commit();
            } catch (SQLException e) {
                outcomes.add("commit -> " + e.getSQLState() + " " + e.getMessage());
            }
        }

        @Override
        public void close() throws SQLException {
            plain.close();
            assertThat(database.value("SELECT count(*) FROM users WHERE id <= 20"))
                    .as(String.join("\n", outcomes))
                    .isEqualTo("20");
        }
    }

    /** As an analysis would say that has seen no more than the first statement, and that it only reads. */
    private static Assessment safe(Assessment assessment) {
        return Assessment.of(assessment.statements().stream()
                .limit(1)
                .map(each -> new StatementAssessment(
                        each.tag() == CommandTag.EXPLAIN_ANALYZE ? CommandTag.EXPLAIN : each.tag(),
                        List.of(),
                        RiskLevel.SAFE,
                        true,
                        List.of(),
                        List.of(),
                        Set.of(),
                        Set.of(),
                        List.of(),
                        List.of(),
                        each.needsWriteTransaction()))
                .toList());
    }

    private static Execution<Boolean> sending(Statement statement, String sql) {
        return new Execution<>() {
            @Override
            public Boolean run() throws SQLException {
                return statement.execute(sql);
            }

            @Override
            public long[] batchCounts(Boolean result) {
                return new long[0];
            }

            @Override
            public boolean repeatable() {
                return true;
            }

            @Override
            public Statement statement() {
                return statement;
            }
        };
    }

    private static final String RO = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";

    static Stream<List<String>> losses() {
        return Stream.of(
                List.of(
                        "BEGIN",
                        "SAVEPOINT s",
                        "SET TRANSACTION READ ONLY",
                        "ROLLBACK TO s",
                        "SELECT wipe()",
                        "COMMIT"),
                List.of("BEGIN", "SAVEPOINT s", "BEGIN READ ONLY", "ROLLBACK TO s", "SELECT wipe()", "COMMIT"),
                List.of("BEGIN READ ONLY; COMMIT; BEGIN", "SELECT wipe()", "COMMIT"),
                List.of("BEGIN READ ONLY, READ WRITE", "SELECT wipe()", "COMMIT"),
                List.of("BEGIN READ ONLY", "SET TRANSACTION READ WRITE", "SELECT wipe()", "COMMIT"),
                List.of("BEGIN READ ONLY", "BEGIN; SAVEPOINT s", "BEGIN READ WRITE", "SELECT wipe()", "COMMIT"),
                List.of("BEGIN READ ONLY", "COMMIT; BEGIN; SAVEPOINT s", "SELECT wipe()", "COMMIT"),
                List.of("BEGIN READ ONLY", "COMMIT; BEGIN READ WRITE; SAVEPOINT s", "SELECT wipe()", "COMMIT"),
                List.of("BEGIN", RO, "SELECT wipe()", "COMMIT"),
                List.of(RO, "RESET ALL", "SELECT wipe()"),
                List.of(RO, "DISCARD ALL", "SELECT wipe()"),
                List.of("BEGIN", RO, "ROLLBACK", "SELECT wipe()"),
                List.of(RO, "BEGIN READ WRITE", "SELECT wipe()", "COMMIT"),
                List.of(RO, "RESET ALL", "BEGIN READ WRITE", "SELECT wipe()", "COMMIT"),
                List.of(
                        "BEGIN",
                        "DECLARE c CURSOR WITH HOLD FOR SELECT wipe()",
                        "INSERT INTO users VALUES (100, 'x'); COMMIT"),
                List.of("BEGIN", "SELECT holds_wipe()", "COMMIT"),
                List.of("BEGIN", "DECLARE c CURSOR FOR SELECT wipe()", "FETCH ALL FROM c; SAVEPOINT s", "COMMIT"),
                List.of("BEGIN", "DECLARE c CURSOR FOR SELECT wipe()", "MOVE ALL FROM c; COMMIT"),
                List.of(
                        "BEGIN",
                        "DECLARE c CURSOR FOR SELECT wipe()",
                        "FETCH ALL FROM c; SELECT nextval('numbers')",
                        "COMMIT"),
                List.of(
                        "BEGIN",
                        "DECLARE c CURSOR FOR SELECT wipe()",
                        "INSERT INTO users VALUES (100, 'x'); FETCH ALL FROM c",
                        "COMMIT"),
                List.of(
                        "BEGIN",
                        "SELECT 1 WHERE 'wipe' = ''",
                        "RESET transaction_read_only",
                        "SELECT wipe()",
                        "COMMIT"),
                List.of("RESET transaction_read_only", "SELECT wipe()"),
                List.of(RO, "BEGIN READ WRITE; SAVEPOINT s", "SELECT wipe()", "COMMIT"),
                List.of("SELECT holds_wipe()"),
                List.of("BEGIN", "SELECT 1 WHERE 'wipe' = ''; RELEASE backstop_fence; DELETE FROM users", "COMMIT"));
    }

    @ParameterizedTest
    @MethodSource("losses")
    void nothing_is_lost_under_session(List<String> texts) throws SQLException {
        try (Forced forced = new Forced(ReadFence.SESSION, database.connect())) {
            forced.send(texts.toArray(String[]::new));
        }
    }

    @ParameterizedTest
    @MethodSource("losses")
    void nothing_is_lost_under_statement(List<String> texts) throws SQLException {
        try (Forced forced = new Forced(ReadFence.STATEMENT, database.connect())) {
            forced.send(texts.toArray(String[]::new));
        }
    }

    @ParameterizedTest
    @MethodSource("drivers")
    void nothing_is_lost_whatever_the_driver_sends_by_itself(String parameters) throws SQLException {
        for (ReadFence rule : List.of(ReadFence.SESSION, ReadFence.STATEMENT)) {
            try (Forced forced = new Forced(rule, DriverManager.getConnection(database.url() + parameters))) {
                forced.plain.setAutoCommit(false);
                forced.send("INSERT INTO users VALUES (" + (rule == ReadFence.SESSION ? 200 : 201) + ", 'x')");
                forced.send("SELECT 1 WHERE 'wipe' = ''", "SELECT wipe()");
                forced.commit();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void nothing_is_lost_where_the_role_is_read_only_by_default(ReadFence rule) throws SQLException {
        try (Forced forced = new Forced(
                rule, DriverManager.getConnection(database.url() + "&options=-c%20default_transaction_read_only=on"))) {
            forced.send("BEGIN READ WRITE", "SELECT wipe()", "COMMIT");
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void nothing_is_lost_by_a_vacuum(ReadFence rule) throws SQLException {
        database.run(
                "CREATE TABLE notes (n text)",
                "INSERT INTO notes VALUES ('a'), ('b')",
                "CREATE INDEX ON notes ((wipe(n)))");
        try (Forced forced =
                new Forced(rule, DriverManager.getConnection(database.url() + "&options=-c%20x.armed=on"))) {
            forced.send("VACUUM (ANALYZE) notes", true, true);
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void nothing_is_lost_where_the_transaction_was_open_before(ReadFence rule) throws SQLException {
        Connection plain = database.connect();
        plain.setAutoCommit(false);
        try (Statement statement = plain.createStatement()) {
            statement.execute("SELECT 1");
        }
        try (Forced forced = new Forced(rule, plain)) {
            forced.send("SELECT wipe()");
            forced.commit();
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void nothing_is_lost_by_a_cursor_that_a_function_holds(ReadFence rule) throws SQLException {
        try (Forced forced = new Forced(rule, database.connect())) {
            forced.plain.setAutoCommit(false);
            forced.send("SELECT holds_wipe()");
            forced.commit();
        }
    }

    /** A transaction that the driver begins by itself, while nobody at the guard knows of it. */
    private static void beginUnseen(Connection plain, ResultSetMetaData columns) throws SQLException {
        columns.isNullable(1);
        assertThat(plain.getAutoCommit()).isFalse();
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void nothing_is_lost_in_a_transaction_that_column_metadata_began(ReadFence rule) throws SQLException {
        for (boolean pool : new boolean[] {false, true}) {
            Connection plain = database.connect();
            plain.setAutoCommit(false);
            try (Forced forced = new Forced(rule, pool ? PooledConnections.over(plain) : plain);
                    Statement statement = plain.createStatement()) {
                ResultSetMetaData columns =
                        statement.executeQuery("SELECT * FROM users").getMetaData();
                plain.commit();
                forced.send("SELECT 1 WHERE 'wipe' = ''");
                forced.commit();
                beginUnseen(plain, columns);
                forced.send("SELECT wipe()");
                forced.commit();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void nothing_is_lost_in_a_writable_transaction_after_a_read_only_one(ReadFence rule) throws SQLException {
        for (boolean pool : new boolean[] {false, true}) {
            Connection plain = database.connect();
            plain.setAutoCommit(false);
            try (Forced forced = new Forced(rule, pool ? PooledConnections.over(plain) : plain);
                    Statement statement = plain.createStatement()) {
                ResultSetMetaData columns =
                        statement.executeQuery("SELECT * FROM users").getMetaData();
                plain.commit();
                plain.setReadOnly(true);
                forced.send("SELECT 1");
                forced.commit();
                plain.setReadOnly(false);
                beginUnseen(plain, columns);
                forced.send("SELECT wipe()");
                forced.commit();
            }
        }
    }

    /** How far apart two threads come: one sets a savepoint, the other reads and writes. */
    @Test
    void a_savepoint_of_one_thread_survives_reads_and_writes_of_another() throws Exception {
        try (Backstop backstop = backstop(policy("session", ""));
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            List<String> failures = new ArrayList<>();
            for (int i = 0; i < 60 && failures.isEmpty(); i++) {
                int number = i;
                Thread other = new Thread(() -> {
                    try (Statement reading = connection.createStatement()) {
                        for (int n = 0; n < 10; n++) {
                            reading.executeQuery("SELECT " + number).close();
                        }
                    } catch (SQLException e) {
                        failures.add("read " + e.getSQLState());
                    }
                });
                other.start();
                for (int n = 0; n < 10 && failures.isEmpty(); n++) {
                    try {
                        Savepoint savepoint = connection.setSavepoint();
                        statement.execute("INSERT INTO child VALUES (" + (number * 10 + n) + ", 1)");
                        connection.rollback(savepoint);
                    } catch (SQLException e) {
                        failures.add("savepoint " + e.getSQLState());
                    }
                }
                other.join();
                connection.rollback();
            }
            assertThat(failures).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&autosave=always"})
    void savepoints_in_strange_orders(String parameters) throws Exception {
        same("session", parameters, run -> {
            run.c.setAutoCommit(false);
            run.sql("SELECT 1");
            Savepoint one = run.c.setSavepoint("one");
            run.sql("SELECT 1", INSERT);
            Savepoint two = run.c.setSavepoint("two");
            run.sql("SELECT 1");
            run.act("release one", () -> {
                run.c.releaseSavepoint(one);
                return "";
            });
            run.sql("SELECT 1");
            run.act("back to two", () -> {
                run.c.rollback(two);
                return "";
            });
            run.sql(ANOTHER, "SELECT 1");
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    @Test
    void a_failed_savepoint_call_that_the_driver_goes_back_behind() throws Exception {
        same("session", "&autosave=always", run -> {
            run.c.setAutoCommit(false);
            run.sql(INSERT);
            Savepoint one = run.c.setSavepoint("one");
            Savepoint two = run.c.setSavepoint("two");
            run.c.releaseSavepoint(one);
            run.sql("SELECT 1", "SELECT 2");
            run.act("back to two", () -> {
                run.c.rollback(two);
                return "";
            });
            run.sql("SELECT 3", "SELECT 4", ANOTHER, "INSERT INTO users VALUES (102, 'x')");
            run.act("commit", () -> {
                run.c.commit();
                return "";
            });
        });
    }

    /** A guarded pool of one connection, whose users ask for what pools reset. */
    @Test
    void a_connection_that_is_reset_between_users() throws Exception {
        for (String reset : List.of("DISCARD ALL", "RESET ALL", "SELECT 1")) {
            same(run -> {
                for (int user = 0; user < 3; user++) {
                    run.c.setAutoCommit(false);
                    run.c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                    run.c.setReadOnly(user == 1);
                    run.sql("SELECT count(*) FROM users", "INSERT INTO users VALUES (" + (300 + user) + ", 'x')");
                    run.c.setNetworkTimeout(Runnable::run, 10_000);
                    run.act("end", () -> {
                        run.c.commit();
                        return "";
                    });
                    run.c.setReadOnly(false);
                    run.c.setAutoCommit(true);
                    run.c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
                    run.c.setSchema("public");
                    run.sql(reset);
                }
            });
        }
    }

    @Test
    void batches() throws Exception {
        for (List<String> texts : List.of(
                List.of("BEGIN", INSERT, "COMMIT"),
                List.of("BEGIN", "SET LOCAL work_mem = '8MB'"),
                List.of(INSERT, "COMMIT", ANOTHER),
                List.of("SELECT 1", "SELECT 2"),
                List.of("SAVEPOINT s", "RELEASE s"))) {
            for (boolean autoCommit : new boolean[] {true, false}) {
                same(run -> {
                    run.c.setAutoCommit(autoCommit);
                    run.act("batch", () -> {
                        try (Statement statement = run.c.createStatement()) {
                            for (String sql : texts) {
                                statement.addBatch(sql);
                            }
                            return java.util.Arrays.toString(statement.executeBatch());
                        }
                    });
                    run.sql("INSERT INTO users VALUES (102, 'x')", "ROLLBACK");
                });
            }
        }
    }

    @Test
    void one_refused_commit_does_not_make_all_commits_dangerous() throws SQLException {
        try (Forced forced = new Forced(ReadFence.SESSION, database.connect())) {
            forced.send("BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT wipe()", "COMMIT", "ROLLBACK");
            forced.send("BEGIN", "SELECT 1", "COMMIT");
            assertThat(forced.outcomes.get(forced.outcomes.size() - 1)).isEqualTo("COMMIT -> ran as SAFE");
        }
    }
}
