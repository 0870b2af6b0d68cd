package io.backstop.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.backstop.api.approval.ApprovalState;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.internal.pipeline.session.CancellableExecution;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.PGConnection;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.Blob;
import java.sql.CallableStatement;
import java.sql.Clob;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/**
 * A guarded connection over a pool's, after it was closed: the physical connection is the next borrower's, and nothing of the
 * old use reaches it any more.
 */
@Timeout(120)
@ExtendWith(PostgresExtension.class)
class ClosedConnectionTest {
    private static final String HELD = "COMMENT ON TABLE users IS 'waited for'";

    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicReference<@Nullable Thread> waiter = new AtomicReference<>();
    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;

    @BeforeEach
    void open(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY, photo oid, tags text[])",
                "INSERT INTO users SELECT n, lo_from_bytea(0, repeat('x', 100000)::bytea), '{a}'"
                        + " FROM generate_series(1, 10) AS n");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder()
                .settings(Map.of(Setting.APPROVAL, "wait"))
                .control(store)
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .build();
    }

    @AfterEach
    void close() throws SQLException {
        threads.shutdownNow();
        backstop.close();
        store.close();
    }

    /** As a pool hands it out that trusts its borrowers: its close gives it back, and nothing else. */
    private static Connection trusting(Connection physical) {
        return (Connection) Proxy.newProxyInstance(
                ClosedConnectionTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    try {
                        return method.getName().equals("close") ? null : method.invoke(physical, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** Everything that an application may still hold of the connection, by the interface it knows it by. */
    private static Map<Object, Class<?>> held(Connection guarded) throws SQLException {
        Map<Object, Class<?>> held = new LinkedHashMap<>();
        guarded.setAutoCommit(false);
        Savepoint savepoint = guarded.setSavepoint("application");
        held.put(savepoint, Savepoint.class);
        Statement statement = guarded.createStatement();
        PreparedStatement prepared = guarded.prepareStatement(
                "SELECT id, photo, tags FROM users ORDER BY id", ResultSet.TYPE_FORWARD_ONLY, 1007);
        prepared.setFetchSize(1);
        ResultSet partial = prepared.executeQuery();
        partial.next();
        Blob blob = partial.getBlob(2);
        blob.length();
        Clob clob = partial.getClob(2);
        clob.length();
        Array array = partial.getArray(3);
        InputStream bytes = blob.getBinaryStream();
        Reader text = clob.getCharacterStream();
        InputStream ascii = clob.getAsciiStream();
        ResultSetMetaData columns = partial.getMetaData();
        CallableStatement call = guarded.prepareCall("{? = call length('abc')}");
        PreparedStatement batch = guarded.prepareStatement("UPDATE users SET tags = '{}' WHERE id = ?");
        batch.setInt(1, 1);
        batch.addBatch();
        statement.addBatch("UPDATE users SET tags = '{}' WHERE id = 1");
        held.put(guarded, Connection.class);
        held.put(guarded.getMetaData(), DatabaseMetaData.class);
        held.put(statement, Statement.class);
        held.put(prepared, PreparedStatement.class);
        held.put(batch, PreparedStatement.class);
        held.put(call, CallableStatement.class);
        held.put(partial, ResultSet.class);
        held.put(columns, ResultSetMetaData.class);
        held.put(array, Array.class);
        held.put(blob, Blob.class);
        held.put(clob, Clob.class);
        held.put(bytes, InputStream.class);
        held.put(ascii, InputStream.class);
        held.put(text, Reader.class);
        return held;
    }

    private static @Nullable Object argument(Class<?> type) {
        if (type == String.class) {
            return "SELECT id FROM users";
        }
        if (type == int.class) {
            return 1;
        }
        if (type == long.class) {
            return 1L;
        }
        if (type == boolean.class) {
            return true;
        }
        if (type == short.class) {
            return (short) 1;
        }
        if (type == byte.class) {
            return (byte) 1;
        }
        if (type == float.class) {
            return 1F;
        }
        if (type == double.class) {
            return 1D;
        }
        if (type == byte[].class) {
            return new byte[] {1};
        }
        if (type == char[].class) {
            return new char[] {'x'};
        }
        if (type == int[].class) {
            return new int[] {1};
        }
        if (type == String[].class) {
            return new String[] {"id"};
        }
        if (type == Object[].class) {
            return new Object[] {"a"};
        }
        if (type == Executor.class) {
            return (Executor) Runnable::run;
        }
        if (type == Class.class) {
            return Object.class;
        }
        return null;
    }

    /** What the server has got from the physical connection so far: the text of its latest statement and when that came. */
    private String activity(int process) throws SQLException {
        return database.value("SELECT concat_ws(' ', query_start, xact_start, state, query) FROM pg_stat_activity"
                + " WHERE pid = " + process);
    }

    @Test
    void no_method_of_what_the_application_still_holds_sends_anything() throws Exception {
        try (Connection physical = DriverManager.getConnection(
                database.url() + "&socketFactory=" + CountingSocketFactory.class.getName())) {
            Connection guarded = backstop.guard(trusting(physical));
            Map<Object, Class<?>> held = held(guarded);
            Savepoint savepoint = held.keySet().stream()
                    .filter(Savepoint.class::isInstance)
                    .map(Savepoint.class::cast)
                    .findFirst()
                    .orElseThrow();
            guarded.close();
            String before = activity(physical.unwrap(PGConnection.class).getBackendPID());
            List<String> sent = new ArrayList<>();
            int called = 0;
            for (Map.Entry<Object, Class<?>> each : held.entrySet()) {
                for (Method method : each.getValue().getMethods()) {
                    if (Modifier.isStatic(method.getModifiers())
                            || method.getDeclaringClass() == Object.class
                            || method.getName().equals("abort")) {
                        continue;
                    }
                    @Nullable Object[] arguments = new @Nullable Object[method.getParameterCount()];
                    for (int i = 0; i < arguments.length; i++) {
                        Class<?> type = method.getParameterTypes()[i];
                        arguments[i] = type == Savepoint.class ? savepoint : argument(type);
                    }
                    int trips = CountingSocketFactory.ROUND_TRIPS.get();
                    try {
                        method.invoke(each.getKey(), arguments);
                    } catch (InvocationTargetException e) {
                        // That is what most of them do.
                    }
                    called++;
                    if (CountingSocketFactory.ROUND_TRIPS.get() != trips) {
                        sent.add(method.toString());
                    }
                }
            }
            assertThat(called).isGreaterThan(800);
            assertThat(sent).isEmpty();
            assertThat(activity(physical.unwrap(PGConnection.class).getBackendPID()))
                    .isEqualTo(before);
            assertThat(guarded.isClosed()).isTrue();
            assertThat(guarded.isValid(1)).isFalse();
        }
    }

    @Test
    void what_is_called_after_the_close_is_answered_as_by_pgjdbc() throws Exception {
        try (Connection physical = database.connect()) {
            Connection guarded = backstop.guard(trusting(physical));
            Statement statement = guarded.createStatement();
            guarded.close();
            assertThatThrownBy(() -> statement.execute("SELECT 1"))
                    .isInstanceOf(SQLException.class)
                    .hasMessage("This connection has been closed.")
                    .extracting(e -> ((SQLException) e).getSQLState())
                    .isEqualTo("08003");
            for (Statements.Call call : List.<Statements.Call>of(
                    guarded::commit,
                    guarded::rollback,
                    guarded::createStatement,
                    guarded::getAutoCommit,
                    guarded::getTransactionIsolation,
                    () -> guarded.setAutoCommit(true),
                    () -> guarded.setClientInfo("ApplicationName", "late"),
                    guarded::setSavepoint)) {
                assertThatThrownBy(call::make)
                        .isInstanceOf(SQLException.class)
                        .extracting(e -> ((SQLException) e).getSQLState())
                        .isEqualTo("08003");
            }
            assertThat(physical.isClosed()).isFalse();
        }
    }

    /** Calls whose failures are compared. */
    private interface Statements {
        /** One of them. */
        interface Call {
            void make() throws SQLException;
        }
    }

    /** What is under way in another thread while the connection is closed. */
    enum UnderWay {
        READ("SELECT pg_sleep(600)"),
        WRITE("INSERT INTO users SELECT 100 FROM pg_sleep(600)"),
        COUNTED("UPDATE users SET tags = '{b}' WHERE pg_sleep(600) IS NOT NULL AND id < 3");

        private final String sql;

        UnderWay(String sql) {
            this.sql = sql;
        }
    }

    private HikariDataSource hikari() {
        HikariConfig config = new HikariConfig();
        config.setMaximumPoolSize(1);
        config.setJdbcUrl(database.url());
        return new HikariDataSource(config);
    }

    private void awaitSleeper(Future<?> running) throws SQLException {
        while (!database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
                .equals("1")) {
            assertThat(running.isDone()).isFalse();
        }
    }

    private static SQLException failure(Future<?> future) {
        Throwable cause = Objects.requireNonNull(
                catchThrowableOfType(ExecutionException.class, future::get).getCause());
        assertThat(cause).isInstanceOf(SQLException.class);
        return cause instanceof SQLException failure ? failure : new SQLException(cause);
    }

    @ParameterizedTest
    @EnumSource
    void a_close_cancels_what_is_under_way_and_the_next_borrower_meets_nothing_of_it(UnderWay underWay)
            throws Exception {
        for (boolean trusting : new boolean[] {false, true}) {
            try (HikariDataSource pool = hikari();
                    Connection physical = database.connect()) {
                Connection guarded = backstop.guard(trusting ? trusting(physical) : pool.getConnection());
                Statement statement = guarded.createStatement();
                Future<Boolean> running = threads.submit(() -> statement.execute(underWay.sql));
                awaitSleeper(running);
                guarded.close();
                try (Connection next = trusting ? trusting(physical) : pool.getConnection();
                        Statement borrower = next.createStatement()) {
                    int process = next.unwrap(PGConnection.class).getBackendPID();
                    String before = activity(process);
                    assertThat(failure(running).getSQLState()).isEqualTo("57014");
                    assertThat(activity(process)).isEqualTo(before);
                    assertThat(next.getAutoCommit()).isTrue();
                    try (ResultSet row = borrower.executeQuery("SELECT pg_current_xact_id_if_assigned() IS NULL,"
                            + " current_setting('transaction_read_only')")) {
                        row.next();
                        assertThat(row.getBoolean(1)).isTrue();
                        assertThat(row.getString(2)).isEqualTo("off");
                    }
                }
                assertThat(database.value("SELECT count(*) FROM users WHERE tags = '{a}'"))
                        .isEqualTo("10");
            }
        }
    }

    @Test
    void the_statement_of_another_thread_that_waits_for_its_turn_does_not_run() throws Exception {
        try (HikariDataSource pool = hikari()) {
            Connection guarded = backstop.guard(pool.getConnection());
            Statement first = guarded.createStatement();
            Statement second = guarded.createStatement();
            Future<Boolean> running = threads.submit(() -> first.execute("SELECT pg_sleep(600)"));
            awaitSleeper(running);
            Thread[] waiter = new Thread[1];
            Future<Integer> waiting = threads.submit(() -> {
                waiter[0] = Thread.currentThread();
                return second.executeUpdate("INSERT INTO users VALUES (100)");
            });
            while (!waiting.isDone() && (waiter[0] == null || waiter[0].getState() != Thread.State.WAITING)) {
                Thread.onSpinWait();
            }
            guarded.close();
            assertThat(failure(running).getSQLState()).isEqualTo("57014");
            assertThat(failure(waiting).getSQLState()).isEqualTo("08003");
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("10");
        }
    }

    @Test
    void a_cancel_after_the_close_does_not_hit_the_next_borrowers_statement() throws Exception {
        try (HikariDataSource pool = hikari()) {
            Connection guarded = backstop.guard(pool.getConnection());
            Statement old = guarded.createStatement();
            old.execute("SELECT 1");
            guarded.close();
            try (Connection next = backstop.guard(pool.getConnection());
                    Statement borrower = next.createStatement()) {
                Future<Boolean> running = threads.submit(() -> borrower.execute("SELECT pg_sleep(600)"));
                awaitSleeper(running);
                old.cancel();
                old.close();
                guarded.close();
                assertThat(database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
                        .isEqualTo("1");
                assertThat(running.isDone()).isFalse();
                borrower.cancel();
                assertThat(failure(running).getSQLState()).isEqualTo("57014");
            }
        }
    }

    @Test
    void a_fenced_transaction_that_goes_on_is_writable_for_the_next_borrower() throws Exception {
        try (Connection physical = database.connect();
                Statement plain = physical.createStatement()) {
            Connection guarded = backstop.guard(trusting(physical));
            try (Statement statement = guarded.createStatement()) {
                statement.execute("BEGIN");
                statement.execute("SELECT count(*) FROM users");
            }
            guarded.close();
            assertThat(plain.executeUpdate("INSERT INTO users VALUES (100)")).isEqualTo(1);
            plain.execute("ROLLBACK");
        }
    }

    /** Who ends the use of the connection while a statement waits for its approval. */
    enum End {
        CLOSE {
            @Override
            void happen(Connection guarded, Connection pooled, HikariDataSource pool) throws SQLException {
                guarded.close();
            }
        },
        ABORT {
            @Override
            void happen(Connection guarded, Connection pooled, HikariDataSource pool) throws SQLException {
                guarded.abort(Runnable::run);
            }
        },
        CLOSE_OF_THE_POOLED_CONNECTION {
            @Override
            void happen(Connection guarded, Connection pooled, HikariDataSource pool) throws SQLException {
                pooled.close();
            }
        },
        ABORT_OF_THE_PHYSICAL_CONNECTION {
            @Override
            void happen(Connection guarded, Connection pooled, HikariDataSource pool) throws SQLException {
                pooled.unwrap(org.postgresql.jdbc.PgConnection.class).abort(Runnable::run);
            }
        },
        CLOSE_OF_THE_POOL {
            @Override
            void happen(Connection guarded, Connection pooled, HikariDataSource pool) {
                pool.close();
            }
        };

        abstract void happen(Connection guarded, Connection pooled, HikariDataSource pool) throws SQLException;
    }

    @ParameterizedTest
    @EnumSource
    void a_wait_for_an_approval_ends_and_the_request_is_not_used(End end) throws Exception {
        try (HikariDataSource pool = hikari()) {
            Connection pooled = pool.getConnection();
            Connection guarded = backstop.guard(pooled);
            Statement statement = guarded.createStatement();
            Future<Boolean> waiting = held(statement);
            String id = request(waiting);
            end.happen(guarded, pooled, pool);
            assertThat(failure(waiting).getSQLState()).isEqualTo("08003");
            assertNotUsed(id);
            guarded.close();
        }
    }

    @Test
    void a_wait_for_an_approval_ends_when_the_server_ends_the_session() throws Exception {
        try (Connection guarded = backstop.guard(database.connect());
                Statement statement = guarded.createStatement()) {
            Future<Boolean> waiting = held(statement);
            String id = request(waiting);
            database.run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                    + " WHERE datname = current_database() AND pid <> pg_backend_pid()");
            assertThat(failure(waiting).getSQLState()).isEqualTo("57P01");
            assertNotUsed(id);
        }
    }

    private Future<Boolean> held(Statement statement) {
        return threads.submit(() -> {
            waiter.set(Thread.currentThread());
            return statement.execute(HELD);
        });
    }

    /** The request, once its statement waits for the decision. */
    private String request(Future<?> waiting) throws SQLException {
        while (store.approvals().list(ApprovalState.PENDING).isEmpty() || !waits(waiter.get())) {
            assertThat(waiting.isDone()).isFalse();
            Thread.onSpinWait();
        }
        return store.approvals().list(ApprovalState.PENDING).get(0).id();
    }

    private static boolean waits(@Nullable Thread thread) {
        return thread != null
                && Stream.of(thread.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().equals(CancellableExecution.class.getName())
                                && frame.getMethodName().equals("await"));
    }

    private void assertNotUsed(String id) throws SQLException {
        assertThat(store.approvals().find(id).orElseThrow().state()).isEqualTo(ApprovalState.PENDING);
        assertThat(store.approvals().decide(id, true, "ops")).isPresent();
        assertThat(store.approvals().find(id).orElseThrow().state()).isEqualTo(ApprovalState.APPROVED);
        assertThat(database.value("SELECT coalesce(obj_description('users'::regclass), 'none')"))
                .isEqualTo("none");
    }

    @Test
    void a_part_of_a_large_object_is_read_while_the_connection_is_open() throws Exception {
        Connection guarded = backstop.guard(database.connect());
        guarded.setAutoCommit(false);
        Statement statement = guarded.createStatement();
        ResultSet row = statement.executeQuery("SELECT photo FROM users WHERE id = 1");
        row.next();
        try (InputStream bytes = row.getBlob(1).getBinaryStream();
                Reader text = row.getClob(1).getCharacterStream()) {
            assertThat(bytes.readAllBytes()).hasSize(100_000);
            assertThat(bytes.read()).isEqualTo(-1);
            char[] read = new char[10];
            assertThat(text.read(read)).isPositive();
            assertThat(read[0]).isEqualTo('x');
        }
        InputStream late = row.getBlob(1).getBinaryStream();
        guarded.close();
        assertThatThrownBy(late::readAllBytes)
                .isInstanceOf(IOException.class)
                .hasMessage("This connection has been closed.");
    }
}
