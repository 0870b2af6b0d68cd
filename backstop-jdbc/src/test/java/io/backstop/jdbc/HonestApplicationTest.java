package io.backstop.jdbc;

import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyProfiles;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** What an application that does nothing wrong is answered in a day, with and without Backstop, under many settings. */
@Sampled
@ExtendWith(PostgresExtension.class)
class HonestApplicationTest {
    /** Parameters of the URL, each with the settings of the database under which the application connects. */
    private static final List<String> SETTINGS = List.of(
            "",
            "preferQueryMode=simple",
            "preferQueryMode=extendedForPrepared",
            "preferQueryMode=extendedCacheEverything",
            "prepareThreshold=1",
            "autosave=always",
            "autosave=conservative",
            "autosave=always&cleanupSavepoints=true",
            "autosave=conservative&cleanupSavepoints=true",
            "reWriteBatchedInserts=true",
            "defaultRowFetchSize=2",
            "readOnlyMode=always",
            "readOnlyMode=ignore",
            "readOnlyMode=transaction",
            "readOnly=true",
            "readOnly=true&readOnlyMode=always",
            "readOnly=true&readOnlyMode=ignore",
            "hideUnprivilegedObjects=true",
            "targetServerType=primary",
            "targetServerType=preferSecondary",
            options("default_transaction_isolation=serializable"),
            options("default_transaction_read_only=on"),
            options("plan_cache_mode=force_generic_plan"),
            options("row_security=off"),
            options("idle_in_transaction_session_timeout=60000"),
            options("statement_timeout=60000"));

    /** Those under which a statement in a transaction of Backstop's own may be answered otherwise. */
    private static final List<String> SETTINGS_WHERE_ROWS_ARE_COUNTED = List.of(
            "",
            "prepareThreshold=1",
            "autosave=always",
            "autosave=always&cleanupSavepoints=true",
            "autosave=conservative&cleanupSavepoints=true",
            "readOnly=true",
            "readOnly=true&readOnlyMode=always",
            "readOnlyMode=always",
            "readOnlyMode=ignore");

    private static final List<String> DATABASE_SETTINGS = List.of(
            "default_transaction_isolation = 'repeatable read'",
            "default_transaction_read_only = on",
            "default_transaction_deferrable = on",
            "search_path = 'public'",
            "client_encoding = 'LATIN1'",
            "plan_cache_mode = 'force_custom_plan'",
            "idle_in_transaction_session_timeout = '1min'");

    @TempDir
    private Path folder;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-01-01T00:00:00Z"));
    private TestDatabase database;

    @BeforeEach
    void take(TestDatabase testDatabase) {
        database = testDatabase;
    }

    @AfterEach
    void resetDatabase() throws SQLException {
        database.run("SET default_transaction_read_only = off", "ALTER DATABASE " + name() + " RESET ALL");
    }

    private String name() throws SQLException {
        return database.value("SELECT quote_ident(current_database())");
    }

    private static String options(String setting) {
        return "options=" + URLEncoder.encode("-c " + setting, StandardCharsets.UTF_8);
    }

    /** How the application is guarded. */
    enum Guarding {
        SESSION("session", false, false),
        SESSION_AND_ROWS_COUNTED("session", false, true),
        SESSION_BEHIND_A_POOL("session", true, false),
        STATEMENT("statement", false, false),
        OFF("off", false, false);

        final String fence;
        final boolean pool;
        final boolean counted;

        Guarding(String fence, boolean pool, boolean counted) {
            this.fence = fence;
            this.pool = pool;
            this.counted = counted;
        }
    }

    private Backstop backstop(Guarding guarding) throws Exception {
        Path policy = Files.writeString(
                folder.resolve(guarding + ".json"),
                "{\"read_fence\": \"" + guarding.fence + "\", \"require_approval_for_risks\": [],"
                        + " \"impact_analysis_enabled\": " + guarding.counted
                        + ", \"max_write_percent_without_critical\": 100, \"write_budget\": \"none\","
                        + " \"max_blocked_attempts_per_window\": 0}");
        return Backstop.builder()
                .control(SqlControlStore.sqlite(folder.resolve(guarding + ".db"), clock))
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .clock(clock)
                .policy(PolicyProfiles.named(policy.toString()).latest())
                .build();
    }

    static Stream<Arguments> everySetting() {
        return Stream.concat(
                every(SETTINGS, List.of("", "preferQueryMode=simple", "autosave=always", "readOnly=true")),
                SETTINGS_WHERE_ROWS_ARE_COUNTED.stream()
                        .map(setting -> Arguments.of(Guarding.SESSION_AND_ROWS_COUNTED, setting)));
    }

    static Stream<Arguments> everyDatabaseSetting() {
        return every(DATABASE_SETTINGS, List.of("default_transaction_read_only = on"));
    }

    /** All of them where the fence is the session's own, as nearly everywhere; where it is not, those that it minds. */
    private static Stream<Arguments> every(List<String> settings, List<String> minded) {
        return Stream.concat(
                settings.stream().map(setting -> Arguments.of(Guarding.SESSION, setting)),
                Stream.of(Guarding.SESSION_BEHIND_A_POOL, Guarding.STATEMENT)
                        .flatMap(guarding -> minded.stream().map(setting -> Arguments.of(guarding, setting))));
    }

    @ParameterizedTest
    @EnumSource(Guarding.class)
    void a_text_rolls_a_failed_transaction_back_and_goes_on_as_without_backstop(Guarding guarding) throws Exception {
        assertSame(guarding, "", log -> {
            for (String next : List.of(
                    "SELECT 1",
                    "SELECT count(*) FROM orders",
                    "INSERT INTO orders (item) VALUES ('next')",
                    "BEGIN; INSERT INTO orders (item) VALUES ('more'); COMMIT")) {
                log.send("BEGIN", "INSERT INTO orders (item) VALUES ('undone')", "SELECT 1/0", "ROLLBACK; " + next);
                log.autoCommit(false);
                log.send("INSERT INTO orders (item) VALUES ('undone')", "SELECT 1/0", "ROLLBACK; " + next, "SELECT 1");
                log.commit();
                log.autoCommit(true);
            }
        });
    }

    @ParameterizedTest
    @MethodSource("everySetting")
    void answers_are_the_same_under_every_setting_of_the_driver(Guarding guarding, String parameters) throws Exception {
        assertSame(guarding, parameters, day(guarding, parameters));
    }

    @ParameterizedTest
    @MethodSource("everyDatabaseSetting")
    void answers_are_the_same_under_every_setting_of_the_database(Guarding guarding, String setting) throws Exception {
        database.run("ALTER DATABASE " + name() + " SET " + setting);
        assertSame(guarding, "", HonestApplicationTest::day);
    }

    private interface Application {
        void runOn(Log log) throws SQLException;
    }

    private void assertSame(Guarding guarding, String parameters, Application application) throws Exception {
        String url = database.url() + "&" + parameters;
        List<String> bare = answers(DriverManager.getConnection(url), application);
        List<String> guarded;
        try (Backstop backstop = backstop(guarding)) {
            Connection plain = DriverManager.getConnection(url);
            guarded = answers(backstop.guard(guarding.pool ? PooledConnections.over(plain) : plain), application);
        }
        assertThat(guarded).hasSameSizeAs(bare);
        assertThat(IntStream.range(0, bare.size())
                        .filter(i -> !bare.get(i).equals(guarded.get(i)))
                        .mapToObj(i -> bare.get(i) + "\n  but behind the guard: " + guarded.get(i)))
                .isEmpty();
    }

    private List<String> answers(Connection connection, Application application) throws SQLException {
        database.run(
                "SET default_transaction_read_only = off",
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE orders (id serial PRIMARY KEY, item text UNIQUE, amount int DEFAULT 1 CHECK (amount > 0))",
                "INSERT INTO orders (item) SELECT 'item ' || n FROM generate_series(1, 9) AS n",
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2 * n'",
                "CREATE FUNCTION ordered(item text) RETURNS int LANGUAGE sql AS"
                        + " 'INSERT INTO orders (item) VALUES (item) RETURNING id'",
                "CREATE PROCEDURE order_twice(a text, b text) LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM ordered(a); PERFORM ordered(b); END'",
                "CREATE TABLE spare (n int)",
                "CREATE VIEW large AS SELECT id, doubled(amount) AS amount FROM orders WHERE id > 5");
        Log log = new Log(connection);
        try (connection) {
            application.runOn(log);
        }
        log.entries.add("rows left: " + database.rows("SELECT id, item, amount FROM orders ORDER BY id"));
        log.entries.add("number: " + database.value("SELECT last_value FROM numbers"));
        return log.entries;
    }

    private interface Call {
        Object answer() throws SQLException;
    }

    /** What one application was answered: values, counts, SQLSTATEs, warnings. */
    private static final class Log {
        final Connection connection;
        final List<String> entries = new ArrayList<>();

        Log(Connection connection) {
            this.connection = connection;
        }

        void call(String name, Call call) {
            String answer;
            try {
                answer = String.valueOf(call.answer());
            } catch (SQLException e) {
                String state = String.valueOf(e.getSQLState());
                answer = "refused: " + state + (state.startsWith("ZB") ? " " + e.getMessage() : "");
            }
            entries.add(name + " -> " + answer);
        }

        void send(String... texts) {
            for (String sql : texts) {
                call(sql, () -> {
                    try (Statement statement = connection.createStatement()) {
                        statement.execute(sql);
                        return all(statement);
                    }
                });
            }
        }

        private static String all(Statement statement) throws SQLException {
            StringBuilder answers = new StringBuilder();
            ResultSet rows = statement.getResultSet();
            while (rows != null || statement.getUpdateCount() >= 0) {
                answers.append(rows == null ? statement.getUpdateCount() : values(rows))
                        .append(' ');
                statement.getMoreResults();
                rows = statement.getResultSet();
            }
            for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
                answers.append("warning ").append(warning.getSQLState());
            }
            return answers.toString();
        }

        static List<String> values(ResultSet rows) throws SQLException {
            List<String> values = new ArrayList<>();
            while (rows.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.add(String.valueOf(rows.getString(i)));
                }
                values.add(String.join("|", row));
            }
            return values;
        }

        void query(String sql, Object... parameters) {
            call(sql + Arrays.toString(parameters), () -> {
                try (PreparedStatement select = connection.prepareStatement(sql)) {
                    for (int i = 0; i < parameters.length; i++) {
                        select.setObject(i + 1, parameters[i]);
                    }
                    try (ResultSet rows = select.executeQuery()) {
                        return values(rows);
                    }
                }
            });
        }

        void autoCommit(boolean on) {
            call("auto-commit " + on, () -> {
                connection.setAutoCommit(on);
                return connection.getAutoCommit() + " " + connection.isReadOnly() + " "
                        + connection.getTransactionIsolation();
            });
        }

        void commit() {
            call("commit", () -> {
                connection.commit();
                return "";
            });
        }

        void rollback() {
            call("rollback", () -> {
                connection.rollback();
                return "";
            });
        }
    }

    /** A write beside transaction control in one text is refused where its rows are counted. */
    private static void day(Log log) throws SQLException {
        dayOfSingleStatements(log);
        textsOfSeveral(log);
    }

    /**
     * With cleanupSavepoints pgjdbc releases, behind a text that ends a transaction, a savepoint that went with it, and tells
     * of the failure with the next statement, which behind the guard is another.
     */
    private static Application day(Guarding guarding, String parameters) {
        return guarding.counted || parameters.startsWith("autosave=always&cleanupSavepoints")
                ? HonestApplicationTest::dayOfSingleStatements
                : HonestApplicationTest::day;
    }

    private static void dayOfSingleStatements(Log log) throws SQLException {
        reads(log);
        writes(log);
        batches(log);
        transactions(log);
        cursors(log);
        copies(log);
        locksAndSessions(log);
        routines(log);
        readOnlyTransactions(log);
        readOnlySessions(log);
        healthChecks(log);
    }

    private static void reads(Log log) throws SQLException {
        for (int i = 0; i < 7; i++) {
            log.query("SELECT item FROM orders WHERE id = ?", i);
            log.query("SELECT * FROM large WHERE amount >= ? ORDER BY id", i);
        }
        log.send(
                "SELECT count(*) FROM orders",
                "TABLE large",
                "SHOW server_encoding",
                "SELECT 1/0",
                "SELECT nextval('numbers')");
        log.query("SELECT doubled(?)", 4);
        log.call("column names", () -> {
            try (PreparedStatement select = log.connection.prepareStatement("SELECT * FROM large");
                    ResultSet rows = select.executeQuery()) {
                return rows.getMetaData().getColumnName(2);
            }
        });
        log.call("tables", () -> {
            try (ResultSet tables =
                    log.connection.getMetaData().getTables(null, "public", "%", new String[] {"TABLE"})) {
                return Log.values(tables);
            }
        });
        log.call("valid", () -> log.connection.isValid(5));
    }

    private static void writes(Log log) {
        log.send(
                "INSERT INTO orders (item) VALUES ('new')",
                "INSERT INTO orders (item) VALUES ('new') ON CONFLICT (item) DO UPDATE SET amount = 2",
                "INSERT INTO orders (item) VALUES ('new') ON CONFLICT DO NOTHING",
                "INSERT INTO orders (item) VALUES ('new')",
                "UPDATE orders SET amount = 3 WHERE item = 'new' RETURNING id, amount",
                "UPDATE orders SET amount = -1 WHERE id = 1",
                "DELETE FROM orders WHERE id = 2 RETURNING item",
                "WITH moved AS (DELETE FROM orders WHERE id = 3 RETURNING item) SELECT * FROM moved");
        log.call("generated keys", () -> {
            try (PreparedStatement insert = log.connection.prepareStatement(
                    "INSERT INTO orders (item) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                insert.setString(1, "keyed");
                int rows = insert.executeUpdate();
                return rows + " " + Log.values(insert.getGeneratedKeys());
            }
        });
    }

    private static void batches(Log log) {
        for (boolean autoCommit : new boolean[] {true, false}) {
            log.autoCommit(autoCommit);
            log.call("batch of bound values", () -> {
                try (PreparedStatement insert =
                        log.connection.prepareStatement("INSERT INTO orders (item) VALUES (?)", new String[] {"id"})) {
                    for (int i = 0; i < 3; i++) {
                        insert.setString(1, "batch " + autoCommit + i);
                        insert.addBatch();
                    }
                    int[] counts = insert.executeBatch();
                    return counts.length + " " + Log.values(insert.getGeneratedKeys());
                }
            });
            log.call("batch of texts", () -> {
                try (Statement statement = log.connection.createStatement()) {
                    statement.addBatch("INSERT INTO orders (item) VALUES ('text " + autoCommit + "')");
                    statement.addBatch("UPDATE orders SET amount = 7 WHERE id = 4");
                    return Arrays.toString(statement.executeBatch());
                }
            });
            log.call("batch that fails", () -> {
                try (Statement statement = log.connection.createStatement()) {
                    statement.addBatch("INSERT INTO orders (item) VALUES ('half " + autoCommit + "')");
                    statement.addBatch("INSERT INTO orders (item, amount) VALUES ('broken', -1)");
                    return Arrays.toString(statement.executeBatch());
                }
            });
            log.send("SELECT count(*) FROM orders");
            if (!autoCommit) {
                log.rollback();
            }
        }
        log.autoCommit(true);
    }

    private static void transactions(Log log) throws SQLException {
        log.autoCommit(false);
        log.send(
                "SELECT count(*) FROM orders",
                "INSERT INTO orders (item) VALUES ('kept')",
                "SELECT max(item) FROM orders");
        log.call("savepoint", () -> {
            Savepoint savepoint = log.connection.setSavepoint();
            log.send("INSERT INTO orders (item) VALUES ('taken back')", "SELECT 1/0", "SELECT 1");
            log.connection.rollback(savepoint);
            log.send("SELECT count(*) FROM orders");
            log.connection.releaseSavepoint(savepoint);
            return "";
        });
        log.send("TABLE large", "UPDATE orders SET amount = 9 WHERE item = 'kept'");
        log.commit();
        log.send(
                "SELECT amount FROM orders WHERE item = 'kept'",
                "SELECT 1/0",
                "SELECT 1",
                "INSERT INTO orders VALUES (1)");

        log.rollback();
        log.send("SELECT amount FROM orders WHERE item = 'kept'", "SAVEPOINT s", "DELETE FROM orders WHERE id = 5");
        log.send("ROLLBACK TO SAVEPOINT s", "RELEASE SAVEPOINT s", "INSERT INTO orders (item) VALUES ('after')");
        log.commit();
        log.autoCommit(true);
        log.send(
                "BEGIN",
                "SELECT 1",
                "INSERT INTO orders (item) VALUES ('sql')",
                "SELECT 1",
                "COMMIT",
                "COMMIT",
                "ROLLBACK");
        log.send("BEGIN ISOLATION LEVEL SERIALIZABLE", "SELECT 1", "DELETE FROM orders WHERE item = 'sql'", "END");
    }

    private static void cursors(Log log) {
        log.autoCommit(false);
        for (String sql : List.of("SELECT id FROM orders ORDER BY id", "SELECT doubled(id) FROM orders ORDER BY id")) {
            log.call("in parts: " + sql, () -> {
                try (Statement statement = log.connection.createStatement()) {
                    statement.setFetchSize(2);
                    try (ResultSet rows = statement.executeQuery(sql)) {
                        rows.next();
                        log.send("UPDATE orders SET amount = amount + 1 WHERE id = 6");
                        return rows.getString(1) + Log.values(rows);
                    }
                }
            });
        }
        log.send("DECLARE c CURSOR WITH HOLD FOR SELECT id FROM orders ORDER BY id", "FETCH 2 FROM c");
        log.commit();
        log.send("FETCH 2 FROM c", "CLOSE c", "INSERT INTO orders (item) VALUES ('behind the cursor')");
        log.commit();
        log.autoCommit(true);
    }

    /** pgjdbc's COPY calls need its own connection, which the guard does not give away. */
    private static void copies(Log log) {
        log.send("COPY orders (item) TO STDOUT", "COPY (SELECT doubled(1)) TO STDOUT", "SELECT count(*) FROM orders");
    }

    private static void locksAndSessions(Log log) {
        log.send(
                "LISTEN news",
                "NOTIFY news, 'one'",
                "SELECT pg_notify('news', 'two')",
                "UNLISTEN *",
                "CREATE TEMPORARY TABLE basket (item text)",
                "INSERT INTO basket VALUES ('x')",
                "SELECT item FROM basket",
                "DROP TABLE basket",
                "SELECT pg_advisory_lock(1)",
                "SELECT pg_advisory_unlock(1)",
                "SELECT pg_try_advisory_xact_lock(2)",
                "SELECT id FROM orders WHERE id = 1 FOR UPDATE",
                "SELECT id FROM orders WHERE id = 1 FOR SHARE SKIP LOCKED",
                "SET application_name = 'honest'",
                "SHOW application_name",
                "RESET application_name",
                "PREPARE q AS SELECT item FROM orders WHERE id = $1",
                "EXECUTE q (1)",
                "DEALLOCATE q",
                "EXPLAIN (COSTS OFF) SELECT 1",
                "ANALYZE orders",
                "VACUUM orders");
        log.autoCommit(false);
        log.send(
                "SELECT 1",
                "CREATE TEMPORARY TABLE basket (item text) ON COMMIT DROP",
                "SELECT count(*) FROM basket",
                "INSERT INTO basket VALUES ('x')",
                "LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE",
                "SELECT id FROM orders WHERE id = 1 FOR UPDATE NOWAIT",
                "SELECT pg_advisory_xact_lock(3)");
        log.commit();
        log.autoCommit(true);
    }

    private static void routines(Log log) {
        log.send("SELECT ordered('by function')", "CALL order_twice('first', 'second')");
        log.call("callable function", () -> {
            try (CallableStatement call = log.connection.prepareCall("{? = call doubled(?)}")) {
                call.registerOutParameter(1, java.sql.Types.INTEGER);
                call.setInt(2, 21);
                call.execute();
                return call.getInt(1);
            }
        });
        log.send("DO $$BEGIN RAISE WARNING 'careful'; END$$", "SELECT count(*) FROM orders");
    }

    private static void textsOfSeveral(Log log) throws SQLException {
        boolean readOnly = log.connection.isReadOnly();
        log.connection.setReadOnly(false); // a failed transaction's ROLLBACK AND CHAIN forgets it on some servers
        for (String chain : List.of("COMMIT AND CHAIN", "ROLLBACK AND CHAIN")) {
            log.send("BEGIN READ ONLY", "SELECT 1", chain, "INSERT INTO orders (item) VALUES ('chained')", "ROLLBACK");
            log.send("BEGIN", "SELECT 1", chain, "INSERT INTO orders (item) VALUES ('chained')", "ROLLBACK");
        }
        log.send("SELECT 1; SELECT 2", "SELECT 1; INSERT INTO orders (item) VALUES ('second'); SELECT 3");
        log.send("INSERT INTO orders (item) VALUES ('half'); SELECT 1/0", "SELECT count(*) FROM orders");
        log.send("BEGIN; INSERT INTO orders (item) VALUES ('in one text'); COMMIT");
        for (boolean first : new boolean[] {true, false}) {
            for (String end : List.of(
                    "ROLLBACK", "COMMIT", "ABORT", "ROLLBACK AND CHAIN", "BEGIN", "COMMIT; BEGIN", "ROLLBACK; BEGIN")) {
                String item = "'" + end + first + "'";
                log.autoCommit(false);
                log.send(first ? "SELECT 1" : "INSERT INTO orders (item) VALUES ('undone " + end + "')");
                log.send(end + "; INSERT INTO orders (item) VALUES (" + item + ")", "SELECT 1");
                log.commit();
                log.autoCommit(true);
            }
        }
        for (String end : List.of("ROLLBACK", "COMMIT", "COMMIT; BEGIN", "ROLLBACK; SELECT 1; BEGIN")) {
            log.send(
                    "BEGIN",
                    "SELECT 1",
                    end + "; INSERT INTO orders (item) VALUES ('sql " + end + "')",
                    "SELECT 1",
                    "COMMIT");
        }
        log.send("ROLLBACK; INSERT INTO orders (item) VALUES ('alone')");
        log.connection.setReadOnly(readOnly);
    }

    private static void readOnlyTransactions(Log log) {
        log.call("read only", () -> {
            log.connection.setReadOnly(true);
            return log.connection.isReadOnly();
        });
        log.send("SELECT 1");
        log.autoCommit(false);
        log.send("SELECT 1", "INSERT INTO orders (item) VALUES ('read only')");
        log.rollback();
        log.send("SHOW transaction_read_only", "SELECT nextval('numbers')", "SELECT 1");
        log.rollback();
        log.call("read and write", () -> {
            log.connection.setReadOnly(false);
            return log.connection.isReadOnly();
        });
        log.send("SELECT 1", "INSERT INTO orders (item) VALUES ('written')");
        log.commit();
        log.autoCommit(true);
        log.send("START TRANSACTION READ ONLY", "INSERT INTO orders (item) VALUES ('no')", "ROLLBACK");
    }

    private static void readOnlySessions(Log log) {
        for (boolean readOnly : new boolean[] {true, false}) {
            log.call("session read only " + readOnly, () -> {
                log.connection.setReadOnly(readOnly);
                return log.connection.isReadOnly();
            });
            String item = "'by itself " + readOnly + "'";
            log.send(
                    "SELECT 1",
                    "INSERT INTO orders (item) VALUES (" + item + ")",
                    "UPDATE orders SET amount = 8 WHERE item = " + item,
                    "SELECT nextval('numbers')",
                    "SELECT id FROM orders WHERE id = 1 FOR UPDATE",
                    "SELECT ordered('function " + readOnly + "')",
                    "CALL order_twice('a " + readOnly + "', 'b " + readOnly + "')",
                    "DELETE FROM orders WHERE item = " + item,
                    "DROP TABLE nosuch",
                    "DROP TABLE IF EXISTS nosuch",
                    "DROP TABLE spare",
                    "CREATE TABLE spare (n int)",
                    "TRUNCATE spare",
                    "VACUUM orders",
                    "CREATE TEMPORARY TABLE basket (item text)",
                    "DROP TABLE basket",
                    "INSERT INTO orders (item) VALUES ('two'), ('three'); SELECT 1",
                    "BEGIN",
                    "INSERT INTO orders (item) VALUES ('in SQL " + readOnly + "')",
                    "SELECT id FROM orders WHERE id = 1 FOR UPDATE",
                    "COMMIT");
            log.autoCommit(false);
            log.send("INSERT INTO orders (item) VALUES ('in JDBC " + readOnly + "')");
            log.rollback();
            log.send("SELECT 1", "SELECT nextval('numbers')");
            log.rollback();
            log.autoCommit(true);
            log.send("INSERT INTO orders (item) VALUES ('afterwards " + readOnly + "')");
        }
    }

    /** What pools, proxies and frameworks ask to find out whether they may write. */
    private static void healthChecks(Log log) {
        String[] questions = {
            "SHOW transaction_read_only",
            "show default_transaction_read_only;",
            "SHOW SESSION CHARACTERISTICS",
            "SHOW default_transaction_deferrable",
            "SHOW transaction_deferrable",
            "SHOW transaction_isolation",
            "SELECT pg_is_in_recovery()",
            "SELECT current_setting('transaction_read_only')",
            "SELECT pg_catalog.current_setting('Default_Transaction_Read_Only', true) AS only",
            "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'",
            "SELECT setting FROM pg_settings WHERE name = 'transaction_read_only'",
            "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'"
        };
        log.send(questions);
        for (String question : questions) {
            log.query(question);
        }
        log.autoCommit(false);
        log.send(questions[0], questions[1], questions[7]);
        log.commit();
        log.send("SELECT 1", questions[0], questions[1], questions[3], questions[7], questions[8], questions[10]);
        log.send(
                "SAVEPOINT before",
                "SELECT 1",
                questions[0],
                "ROLLBACK TO SAVEPOINT before",
                questions[0],
                questions[7]);
        log.send("INSERT INTO orders (item) VALUES ('healthy')", questions[1]);
        log.rollback();
        log.send(questions[1], "SELECT 1", "INSERT INTO orders (item) VALUES ('very healthy')");
        log.commit();
        log.autoCommit(true);
        log.send("BEGIN READ ONLY", questions[0], questions[7], "SELECT 1", questions[1], "COMMIT", questions[0]);
        log.send("SELECT 1; SHOW transaction_read_only", "BEGIN; SHOW transaction_read_only; COMMIT");
    }

    /** A serializable, deferrable, read-only transaction waits until no other can disturb what it sees. */
    @ParameterizedTest
    @EnumSource(names = "OFF", mode = EnumSource.Mode.EXCLUDE)
    void a_query_waits_for_no_other_transaction_where_transactions_are_deferrable(Guarding guarding) throws Exception {
        String parameters = "options="
                + URLEncoder.encode(
                        "-c default_transaction_isolation=serializable -c default_transaction_deferrable=on"
                                + " -c statement_timeout=3000",
                        StandardCharsets.UTF_8);
        try (Connection other = database.connect();
                Statement statement = other.createStatement()) {
            assertSame(guarding, parameters, log -> {
                other.setAutoCommit(false);
                other.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                statement.execute("SELECT 1 FROM orders; UPDATE orders SET amount = 2 WHERE id = 1");
                log.query("SELECT count(*) FROM orders");
                log.send("SELECT count(*) FROM large");
                log.autoCommit(false);
                log.send("SELECT count(*) FROM orders", "TABLE large");
                log.commit();
                other.rollback();
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_write_whose_plan_its_table_has_outgrown_heals_as_without_backstop(Guarding guarding) throws Exception {
        assertSame(guarding, "prepareThreshold=1", log -> {
            for (String sql : List.of(
                    "UPDATE orders SET amount = 5 WHERE id = 1 RETURNING *",
                    "INSERT INTO orders (item) SELECT 'grown ' || count(*) FROM orders RETURNING *",
                    "DELETE FROM orders WHERE id = (SELECT max(id) FROM orders) RETURNING *",
                    "SELECT * FROM orders WHERE id = 1 FOR UPDATE",
                    "WITH one AS (UPDATE orders SET amount = 6 WHERE id = 2 RETURNING *) SELECT * FROM one")) {
                try (PreparedStatement write = log.connection.prepareStatement(sql)) {
                    for (int i = 0; i < 3; i++) {
                        log.call(sql, () -> Log.values(write.executeQuery()));
                        log.call("again", () -> Log.values(write.executeQuery()));
                        database.run("ALTER TABLE orders ADD COLUMN more_" + sql.length() + "_" + i + " int");
                    }
                }
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "autosave=always", "autosave=conservative", "autosave=always&cleanupSavepoints=true"})
    void a_typing_error_ends_a_transaction_where_it_does_without_backstop(String parameters) throws Exception {
        assertSame(Guarding.SESSION_AND_ROWS_COUNTED, parameters, log -> {
            log.send("SELEC 1", "SELECT 1");
            log.autoCommit(false);
            log.send("SELECT 1", "SELEC 1", "INSERT INTO orders (item) VALUES ('behind it')", "SELECT 1");
            log.commit();
            log.autoCommit(true);
            log.send("BEGIN", "SELEC 1", "INSERT INTO orders (item) VALUES ('behind another')", "COMMIT");
        });
    }

    /** Where rows are counted it is refused, because it cannot run in the transaction in which they would be. */
    @ParameterizedTest
    @EnumSource(names = "SESSION_AND_ROWS_COUNTED", mode = EnumSource.Mode.EXCLUDE)
    void a_table_is_vacuumed_whose_index_runs_code(Guarding guarding) throws Exception {
        assertSame(guarding, "", log -> {
            database.run(
                    "CREATE FUNCTION noted(n int) RETURNS int LANGUAGE sql AS 'SELECT n'",
                    "CREATE FUNCTION keyed(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                            + " 'BEGIN RETURN public.noted(n); END'",
                    "CREATE INDEX ON orders (keyed(amount))");
            log.send(
                    "VACUUM orders",
                    "VACUUM ANALYZE orders",
                    "VACUUM (ANALYZE) orders",
                    "ANALYZE orders",
                    "VACUUM",
                    "VACUUM ANALYZE");
        });
    }

    @ParameterizedTest
    @EnumSource
    void a_plan_that_its_table_has_outgrown_heals_as_without_backstop(Guarding guarding) throws Exception {
        assertSame(guarding, "prepareThreshold=1", log -> {
            try (PreparedStatement all = log.connection.prepareStatement("SELECT * FROM orders WHERE id = 1");
                    PreparedStatement view =
                            log.connection.prepareStatement("SELECT *, doubled(id) FROM orders WHERE id = 1")) {
                for (int i = 0; i < 3; i++) {
                    for (PreparedStatement select : List.of(all, view)) {
                        log.call("select", () -> Log.values(select.executeQuery()));
                        log.call("again", () -> Log.values(select.executeQuery()));
                    }
                    database.run("ALTER TABLE orders ADD COLUMN more" + i + " int");
                }
            }
        });
    }
}
