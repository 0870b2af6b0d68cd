package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
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
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/** One approval is one execution, however the call ends, and however many send the statement at once. */
@Sampled
@ExtendWith(PostgresExtension.class)
class ApprovalOnceTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;

    @BeforeEach
    void open(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS runs",
                "CREATE TABLE runs (at timestamptz)",
                "CREATE OR REPLACE FUNCTION note() RETURNS int LANGUAGE plpgsql VOLATILE AS"
                        + " 'BEGIN INSERT INTO runs VALUES (now()); RETURN 1; END'",
                "CREATE OR REPLACE PROCEDURE note_and_commit() LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO runs VALUES (now()); COMMIT; END'",
                "CREATE OR REPLACE PROCEDURE note_and_fail() LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO runs VALUES (now()); COMMIT; RAISE EXCEPTION ''late''; END'",
                "CREATE OR REPLACE PROCEDURE note_and_die() LANGUAGE plpgsql AS 'BEGIN INSERT INTO runs VALUES (now());"
                        + " COMMIT; PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); END'");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder().control(store).agentId("agent").build();
    }

    @AfterEach
    void close() {
        backstop.close();
    }

    /** A way in which JDBC executes a text. */
    private interface Call {
        void send(Connection connection, String sql) throws SQLException;
    }

    @SuppressWarnings("ImmutableEnumChecker") // the calls hold no state
    enum Method {
        EXECUTE((connection, sql) -> statement(connection, each -> each.execute(sql))),
        EXECUTE_QUERY((connection, sql) -> statement(connection, each -> each.executeQuery(sql))),
        EXECUTE_UPDATE((connection, sql) -> statement(connection, each -> each.executeUpdate(sql))),
        EXECUTE_UPDATE_WITH_KEYS((connection, sql) ->
                statement(connection, each -> each.executeUpdate(sql, Statement.RETURN_GENERATED_KEYS))),
        EXECUTE_UPDATE_WITH_COLUMNS((connection, sql) ->
                statement(connection, each -> each.executeUpdate(sql, new String[] {"nowhere"}))),
        EXECUTE_LARGE_UPDATE((connection, sql) -> statement(connection, each -> each.executeLargeUpdate(sql))),
        EXECUTE_BATCH((connection, sql) -> statement(connection, each -> {
            each.addBatch(sql);
            BatchRefusal.execute(each);
        })),
        EXECUTE_LARGE_BATCH((connection, sql) -> statement(connection, each -> {
            each.addBatch(sql);
            BatchRefusal.executeLarge(each);
        })),
        PREPARED_EXECUTE((connection, sql) -> prepared(connection, sql, PreparedStatement::execute)),
        PREPARED_QUERY((connection, sql) -> prepared(connection, sql, PreparedStatement::executeQuery)),
        PREPARED_UPDATE((connection, sql) -> prepared(connection, sql, PreparedStatement::executeUpdate)),
        PREPARED_LARGE_UPDATE((connection, sql) -> prepared(connection, sql, PreparedStatement::executeLargeUpdate)),
        PREPARED_BATCH((connection, sql) -> prepared(connection, sql, each -> {
            each.addBatch();
            BatchRefusal.execute(each);
        })),
        CALLABLE((connection, sql) -> {
            try (CallableStatement call = connection.prepareCall(sql)) {
                call.execute();
            }
        });

        private final Call call;

        Method(Call call) {
            this.call = call;
        }

        /** What racers send by it: for each method another text. */
        void send(Connection connection) throws SQLException {
            call.send(connection, "DO $$ BEGIN INSERT INTO runs VALUES (now()); END $$ -- " + name());
        }
    }

    /** pgjdbc takes no text of several statements in them. */
    private static final Set<Method> BATCHES = EnumSet.of(Method.EXECUTE_BATCH, Method.EXECUTE_LARGE_BATCH);

    private interface Use<S> {
        void of(S statement) throws SQLException;
    }

    private static void statement(Connection connection, Use<Statement> use) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            use.of(statement);
        }
    }

    private static void prepared(Connection connection, String sql, Use<PreparedStatement> use) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            use.of(statement);
        }
    }

    /** Texts that change something for good, after which the call may fail in the server, in the driver, or on the way. */
    private static final List<String> TEXTS = List.of(
            "DO $$ BEGIN INSERT INTO runs VALUES (now()); END $$",
            "DO $$ BEGIN INSERT INTO runs VALUES (now()); COMMIT; RAISE EXCEPTION 'late'; END $$",
            "SELECT note()",
            "CALL note_and_commit()",
            "CALL note_and_fail()",
            "CALL note_and_die()",
            "SELECT note(); COMMIT; SELECT 1 / 0",
            "COMMENT ON TABLE runs IS 'noted'; INSERT INTO runs VALUES (now()); COMMIT; SELECT nothing");

    static Stream<Arguments> methods_and_texts() {
        return Arrays.stream(Method.values())
                .flatMap(method -> TEXTS.stream()
                        .filter(text -> !(BATCHES.contains(method) && text.contains("; COMMIT; SELECT")))
                        .map(text -> Arguments.of(method, text)));
    }

    @ParameterizedTest
    @MethodSource("methods_and_texts")
    void an_approval_is_spent_however_the_call_ends(Method method, String sql) throws Exception {
        Throwable first = catchThrowable(() -> send(method.call, sql));
        assumeFalse(first instanceof StatementBlockedException, "no approval can be had for it");
        assertThat(first).isInstanceOf(ApprovalRequiredException.class);
        String id = pending();
        assertThat(store.approvals().decide(id, true, "ops")).isPresent();
        Throwable failure = catchThrowable(() -> send(method.call, sql));
        assertThat(failure instanceof ApprovalRequiredException)
                .as("it ran, and may have failed then: %s", failure)
                .isFalse();
        for (int again = 0; again < 3; again++) {
            assertThatThrownBy(() -> send(method.call, sql)).isInstanceOf(ApprovalRequiredException.class);
        }
        assertThat(Integer.parseInt(database.value("SELECT count(*) FROM runs")))
                .isLessThanOrEqualTo(1);
        assertThat(store.approvals().find(id).orElseThrow().state()).isEqualTo(ApprovalState.CONSUMED);
    }

    private void send(Call call, String sql) throws SQLException {
        try (Connection connection = backstop.guard(database.connect())) {
            call.send(connection, sql);
        }
    }

    private String held(Call call, String sql) {
        return catchThrowableOfType(ApprovalRequiredException.class, () -> send(call, sql))
                .approvalId();
    }

    private String pending() throws SQLException {
        return store.approvals().list(ApprovalState.PENDING).get(0).id();
    }

    @Test
    void an_approval_is_spent_where_the_driver_cannot_take_the_result() throws Exception {
        Call call = (connection, sql) -> {
            try (CallableStatement statement = connection.prepareCall(sql)) {
                statement.registerOutParameter(1, Types.TIMESTAMP); // it is an integer
                statement.execute();
            }
        };
        String sql = "{? = call note()}";
        Throwable first = catchThrowable(() -> send(call, sql));
        assumeFalse(first instanceof StatementBlockedException, "no approval can be had for it");
        String id = pending();
        store.approvals().decide(id, true, "ops");
        assertThatThrownBy(() -> send(call, sql)).isInstanceOf(SQLException.class);
        for (int again = 0; again < 2; again++) {
            assertThatThrownBy(() -> send(call, sql))
                    .isInstanceOf(ApprovalRequiredException.class)
                    .hasMessageContaining("its approval " + id + " was used up by an earlier attempt");
        }
        assertThat(database.value("SELECT count(*) FROM runs")).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE nowhere ADD COLUMN more int",
                "CREATE TABLE runs (id int)",
                "GRANT SELECT ON runs TO nobody_of_this_name",
                "COMMENT ON TABLE nowhere IS 'x'"
            })
    void an_approval_is_given_back_where_the_server_refused_a_single_command(String sql) throws Exception {
        String id = held(Method.EXECUTE.call, sql);
        store.approvals().decide(id, true, "ops");
        for (int again = 0; again < 2; again++) {
            assertThatThrownBy(() -> send(Method.EXECUTE.call, sql))
                    .isInstanceOf(SQLException.class)
                    .isNotInstanceOf(ApprovalRequiredException.class);
            assertThat(store.approvals().find(id).orElseThrow().state()).isEqualTo(ApprovalState.APPROVED);
        }
    }

    @Test
    void of_fifty_racers_in_two_processes_one_runs_it_whatever_method_they_call() throws Exception {
        race(folder.resolve("backstop.db").toString());
    }

    @Test
    void so_it_is_where_they_share_a_store_in_postgresql() throws Exception {
        backstop.close();
        store = SqlControlStore.postgresql(database.url());
        backstop = Backstop.builder().control(store).agentId("agent").build();
        race(database.url());
    }

    private void race(String control) throws Exception {
        List<Process> racers = new ArrayList<>();
        try {
            for (int i = 0; i < 2; i++) {
                racers.add(new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-Xshare:auto",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                ApprovalRacer.class.getName(),
                                database.url(),
                                control)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start());
            }
            for (Process racer : racers) {
                assertThat(line(racer)).isEqualTo("ready");
            }
            for (Method method : Method.values()) {
                race(racers, method);
            }
            for (Process racer : racers) {
                racer.getOutputStream().close();
                assertThat(racer.waitFor()).isZero();
            }
        } finally {
            racers.forEach(Process::destroyForcibly);
        }
    }

    private void race(List<Process> racers, Method method) throws Exception {
        assertThat(catchThrowable(() -> {
                    try (Connection connection = backstop.guard(database.connect())) {
                        method.send(connection);
                    }
                }))
                .isInstanceOf(ApprovalRequiredException.class);
        store.approvals().decide(pending(), true, "ops");
        for (Process racer : racers) {
            racer.getOutputStream().write((method + "\n").getBytes(StandardCharsets.UTF_8));
            racer.getOutputStream().flush();
        }
        int ran = 0;
        for (Process racer : racers) {
            ran += Integer.parseInt(line(racer));
        }
        assertThat(ran).as("%s", method).isEqualTo(1);
        assertThat(database.value("SELECT count(*) FROM runs")).as("%s", method).isEqualTo("1");
        assertThat(store.approvals().list(ApprovalState.PENDING))
                .as("one request for all who came too late by %s", method)
                .hasSize(1);
        store.approvals().decide(pending(), false, "ops");
        database.run("TRUNCATE runs");
    }

    private static String line(Process process) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int letter = process.getInputStream().read(); letter >= 0 && letter != '\n'; ) {
            line.append((char) letter);
            letter = process.getInputStream().read();
        }
        return line.toString();
    }
}
