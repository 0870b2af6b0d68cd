package io.backstop.jdbc;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.LatinServer;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Names in a database whose server folds them beyond ASCII, and cuts them by the bytes of its own encoding. */
@Sampled
@ExtendWith(PostgresExtension.class)
class LatinNamesTest {
    /** 63 bytes in LATIN1, and more in UTF-8. */
    private static final String LONG = "é".repeat(40) + "_with_a_long_name_that_is_";

    private static @Nullable LatinServer server;

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeAll
    static void start(TestDatabase other, @TempDir Path data) throws Exception {
        server = LatinServer.start(other, data);
    }

    @AfterAll
    static void stop() throws Exception {
        if (server != null) {
            server.close();
        }
    }

    private static LatinServer server() {
        return Objects.requireNonNull(server);
    }

    @BeforeEach
    void connect() throws Exception {
        assertThat(LONG).hasSize(66);
        database = server().database("LATIN1");
        database.run(
                "CREATE TABLE SOCIÉTÉ (id int PRIMARY KEY, NOM_ÉTÉ text)",
                "INSERT INTO société SELECT n, 'n' FROM generate_series(1, 100) AS n",
                "CREATE TABLE " + LONG + " (id int)",
                "INSERT INTO " + LONG + " SELECT generate_series(1, 100)",
                "CREATE TABLE LIBRE_É (id int PRIMARY KEY, v text)",
                "INSERT INTO libre_é SELECT n, 'n' FROM generate_series(1, 100) AS n",
                "CREATE FUNCTION VIDÉ() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM libre_é; RETURN 1; END'",
                "CREATE VIEW VUE_É AS SELECT vidé() AS v",
                "CREATE DOMAIN ÂGE AS int CHECK (vidé() > 0)");
        assertThat(database.value("SELECT count(*) FROM pg_class WHERE relname = 'société'"))
                .as("the server folds beyond ASCII")
                .isEqualTo("1");
        backstop = Backstop.builder()
                .policy(new PolicyReader()
                        .read(
                                "{\"require_approval_for_risks\": [\"HIGH\", \"CRITICAL\"], \"read_fence\": \"off\","
                                        + " \"write_budget\": \"none\", \"protected_tables\": [\"société\", \"" + LONG
                                        + "\"], \"protected_columns\": {\"libre_é\": [\"v\"]}}",
                                "p"))
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .control(folder.resolve("backstop.db"))
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            if (statement.execute(sql)) {
                try (ResultSet rows = statement.getResultSet()) {
                    rows.next();
                }
            }
        }
    }

    private void assertUntouched() throws SQLException {
        assertThat(database.rows("SELECT count(*) FROM société UNION ALL SELECT count(*) FROM libre_é WHERE v = 'n'"
                        + " UNION ALL SELECT count(*) FROM " + LONG))
                .containsExactly("100", "100", "100");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM SOCIÉTÉ WHERE id = 1",
                "DELETE FROM SociÉtÉ WHERE id = 1",
                "DELETE FROM public.SOCIÉTÉ WHERE id = 1",
                "DELETE FROM PUBLIC.\"société\" WHERE id = 1",
                "UPDATE SOCIÉTÉ SET nom_été = 'x' WHERE id = 1",
                "INSERT INTO SOCIÉTÉ VALUES (200)",
                "WITH D AS (DELETE FROM SOCIÉTÉ WHERE id = 1 RETURNING id) SELECT * FROM d",
                "MERGE INTO SOCIÉTÉ s USING (SELECT 1) ON s.id = 1 WHEN MATCHED THEN DO NOTHING",
                "ALTER TABLE SOCIÉTÉ RENAME TO libre",
                "UPDATE LIBRE_É SET v = 'x' WHERE id = 1",
                "UPDATE libre_É SET V = 'x' WHERE id = 1",
                "DELETE FROM U&\"soci\\00E9t\\00E9\" WHERE id = 1",
            })
    void a_protected_table_is_protected_however_its_name_is_written(String sql) throws SQLException {
        Assumptions.assumeTrue(!sql.startsWith("MERGE") || database.majorVersion() >= 15);
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
        assertUntouched();
    }

    @Test
    void a_name_is_cut_where_the_server_cuts_it() throws SQLException {
        String upper = LONG.replace("é", "É");
        for (String name :
                List.of(LONG, upper, upper + "more", LONG.substring(0, 63), upper.substring(0, 63) + "other")) {
            assertThatThrownBy(() -> execute("DELETE FROM " + name + " WHERE id = 1"))
                    .as(name)
                    .isInstanceOf(ApprovalRequiredException.class);
        }
        assertUntouched();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT vidé()",
                "SELECT VIDÉ()",
                "SELECT public . VidÉ ( )",
                "SELECT * FROM VUE_É",
                "TABLE vue_É",
                "SELECT 1::ÂGE",
                "SELECT CAST(1 AS ÂgE)",
                "SELECT ÂGE '1'",
                "SELECT q.* FROM ((SELECT 1) UNION ALL SELECT VIDÉ()) q",
            })
    void what_runs_code_is_found_however_its_name_is_written(String query) throws SQLException {
        assertThatThrownBy(() -> execute(query)).isInstanceOf(BackstopException.class);
        assertUntouched();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP TABLE IF EXISTS SOCIÉTÉ",
                "DROP TABLE IF EXISTS LIBRE_É CASCADE",
                "DROP TABLE IF EXISTS nosuch, LIBRE_É CASCADE",
                "DROP VIEW IF EXISTS VUE_É",
                "DROP FUNCTION IF EXISTS VIDÉ CASCADE",
                "DROP DOMAIN IF EXISTS ÂGE CASCADE",
                "DROP SCHEMA IF EXISTS ÉTÉ CASCADE",
                "TRUNCATE LIBRE_É",
            })
    void what_is_there_is_not_taken_for_missing(String sql) throws SQLException {
        database.run("CREATE SCHEMA ÉTÉ", "CREATE TABLE été.t (id int)");
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(BackstopException.class);
        assertUntouched();
        assertThat(database.value("SELECT num_nonnulls(to_regclass('vue_é'), to_regproc('vidé'), to_regtype('âge'),"
                        + " to_regclass('été.t'))"))
                .isEqualTo("4");
    }

    @Test
    void an_approval_is_bound_to_the_table_that_has_the_name() throws Exception {
        try (SqlControlStore operators = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC())) {
            for (String sql : List.of("TRUNCATE LIBRE_É", "DELETE FROM " + LONG.replace("é", "É"))) {
                assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
            }
            for (Approval request : operators.approvals().list(ApprovalState.PENDING)) {
                operators.approvals().decide(request.id(), true, "ops");
            }
            database.run(
                    "ALTER TABLE libre_é RENAME TO before",
                    "ALTER TABLE " + LONG + " RENAME TO long_before",
                    "CREATE TABLE libre_é (LIKE before INCLUDING ALL)",
                    "INSERT INTO libre_é SELECT * FROM before",
                    "CREATE TABLE " + LONG + " (LIKE long_before INCLUDING ALL)",
                    "INSERT INTO " + LONG + " SELECT * FROM long_before");
            for (String sql : List.of("TRUNCATE LIBRE_É", "DELETE FROM " + LONG.replace("é", "É"))) {
                assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
            }
            assertUntouched();
        }
    }

    @Test
    void an_approval_shows_the_name_and_is_used_once() throws Exception {
        try (SqlControlStore operators = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC())) {
            String sql = "DELETE FROM SOCIÉTÉ WHERE id = 1";
            assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
            Approval request = operators.approvals().list(ApprovalState.PENDING).get(0);
            assertThat(request.request().sql()).isEqualTo(sql);
            assertThat(request.request().tables()).singleElement().asString().isEqualToIgnoringCase("SOCIÉTÉ");
            operators.approvals().decide(request.id(), true, "ops");
            execute(sql);
            assertThat(database.value("SELECT count(*) FROM société")).isEqualTo("99");
            assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
            assertThat(operators.audit().newest(50).stream()
                            .map(record -> record.event().sql()))
                    .contains(sql);
        }
    }

    /** There the locale folds a byte of each accented letter, so that an unquoted name is kept as no client spells it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM société WHERE id = 1",
                "DELETE FROM \"société\" WHERE id = 1",
                "TRUNCATE société",
                "TRUNCATE \"société\"",
                "UPDATE over_folded SET id = -id WHERE id = 1",
                "UPDATE over_quoted SET id = -id WHERE id = 1",
                "DO $$BEGIN EXECUTE (SELECT 'DELETE FROM ' || oid::regclass || ' WHERE id = 1' FROM pg_class"
                        + " WHERE oid = (SELECT oid FROM folded)); END$$",
                "DO $$BEGIN EXECUTE (SELECT 'DELETE FROM ' || oid::regclass || ' WHERE id = 1' FROM pg_class"
                        + " WHERE oid = (SELECT oid FROM quoted)); END$$",
                "SELECT vidé() AS n",
                "SELECT \"vidé\"() AS n",
            })
    void bytes_that_the_server_folds_one_by_one_open_no_way(String sql) throws Exception {
        TestDatabase bytes = server().database("SQL_ASCII");
        bytes.run(
                "CREATE TABLE société (id int)",
                "INSERT INTO société SELECT generate_series(1, 100)",
                "CREATE TABLE \"société\" (id int)",
                "INSERT INTO \"société\" SELECT generate_series(1, 100)",
                "CREATE VIEW over_folded AS SELECT * FROM société",
                "CREATE VIEW over_quoted AS SELECT * FROM \"société\"",
                "CREATE TABLE folded AS SELECT 'société'::regclass::oid AS oid",
                "CREATE TABLE quoted AS SELECT '\"société\"'::regclass::oid AS oid",
                "CREATE FUNCTION vidé() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM société; RETURN 1; END'",
                "CREATE FUNCTION \"vidé\"() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM \"société\"; RETURN 1; END'");
        try (Connection plain = bytes.connect();
                Statement statement = plain.createStatement()) {
            plain.setAutoCommit(false);
            statement.execute(sql); // without the guard it runs
            plain.rollback();
        }
        try (Backstop lenient = Backstop.builder()
                        .policy(new PolicyReader()
                                .read(
                                        "{\"require_approval_for_risks\": [\"CRITICAL\"], \"read_fence\": \"off\","
                                                + " \"write_budget\": \"none\", \"max_write_percent_without_critical\": 50,"
                                                + " \"protected_tables\": [\"société\"]}",
                                        "p"))
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve("bytes.db"))
                        .build();
                Connection guarded = lenient.guard(bytes.connect());
                Statement statement = guarded.createStatement()) {
            assertThatThrownBy(() -> statement.execute(sql)).isInstanceOf(SQLException.class);
        }
        assertThat(bytes.rows("SELECT count(*) FROM société WHERE id > 0"
                        + " UNION ALL SELECT count(*) FROM \"société\" WHERE id > 0"))
                .containsExactly("100", "100");
    }
}
