package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** Texts that the server reads under another setting than the one under which they were assessed or parsed. */
@Sampled
@ExtendWith(PostgresExtension.class)
class ChangedReadingTest {
    /** Deletes where a backslash hides a quote. */
    private static final String DELETES_WHEN_OFF =
            "WITH a AS (SELECT '\\' AS x, ') , d AS (DELETE FROM users RETURNING 1)" + " SELECT 1 --' AS y) SELECT 1";

    /** Deletes where it does not. */
    private static final String DELETES_WHEN_ON = "WITH a AS (SELECT '\\' AS p), d AS (DELETE FROM users RETURNING 1),"
            + " e AS (SELECT '--z' AS q\n) SELECT 1";

    /** Deletes where the last byte of the letter and the backslash are one character. */
    private static final String DELETES_IN_SJIS = DELETES_WHEN_ON.replace("'\\'", "E'\u0101\\'");

    /** One SELECT when on; two statements when off, the first of which the server reads under either setting. */
    private static final String SPLIT_WHEN_OFF = "SELECT '\\' -- ' ; DELETE FROM users; --";

    private static final String OFF = "SET standard_conforming_strings = off";
    private static final String ON = "SET standard_conforming_strings = on";
    private static final String LOCAL_OFF = "SET LOCAL standard_conforming_strings = off";
    private static final String LOCAL_ON = "SET LOCAL standard_conforming_strings = on";

    @TempDir
    private Path folder;

    private final FakeSnapshots snapshots = new FakeSnapshots();
    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP TABLE IF EXISTS users",
                "CREATE TABLE users (id int PRIMARY KEY)",
                "INSERT INTO users SELECT generate_series(1, 5000)",
                "CREATE OR REPLACE FUNCTION flip() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN SET standard_conforming_strings = off; RETURN 1; END'",
                "CREATE OR REPLACE FUNCTION flip_in_disguise() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM set_config(''standard_conforming_'' || ''strings'', ''off'', false); RETURN 1; END'");
    }

    private interface Attack {
        void on(Connection connection) throws SQLException;
    }

    private static void execute(Connection connection, String... texts) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String text : texts) {
                statement.execute(text);
            }
        }
    }

    private static void batch(Connection connection, String... texts) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String text : texts) {
                statement.addBatch(text);
            }
            BatchRefusal.execute(statement);
        }
    }

    private static Attack texts(String... texts) {
        return connection -> execute(connection, texts);
    }

    static Stream<Arguments> attacks() {
        return Stream.of(
                arguments("COMMIT", texts(OFF, "BEGIN", LOCAL_ON, "COMMIT; " + DELETES_WHEN_OFF)),
                arguments("ROLLBACK", texts(OFF, "BEGIN", LOCAL_ON, "ROLLBACK; " + DELETES_WHEN_OFF)),
                arguments(
                        "ROLLBACK TO",
                        texts(
                                "BEGIN",
                                LOCAL_OFF,
                                "SAVEPOINT s",
                                LOCAL_ON,
                                "ROLLBACK TO s; " + DELETES_WHEN_OFF,
                                "COMMIT")),
                arguments("RESET ALL", texts(OFF, "RESET ALL; " + DELETES_WHEN_ON)),
                arguments("RESET", texts(OFF, "RESET standard_conforming_strings; " + DELETES_WHEN_ON)),
                arguments("DISCARD ALL", texts(OFF, "DISCARD ALL; " + DELETES_WHEN_ON)),
                arguments("SET", texts(OFF + "; " + DELETES_WHEN_OFF)),
                arguments("SET LOCAL", texts("BEGIN", LOCAL_OFF + "; " + DELETES_WHEN_OFF, "COMMIT")),
                arguments("a function", texts("SELECT flip(); " + DELETES_WHEN_OFF)),
                arguments("a function in disguise", texts("SELECT flip_in_disguise(); " + DELETES_WHEN_OFF)),
                arguments(
                        "set_config",
                        texts("SELECT set_config('standard_conforming_' || 'strings', 'off', false); "
                                + DELETES_WHEN_OFF)),
                arguments("another encoding", texts("SET client_encoding = 'SJIS'; " + DELETES_IN_SJIS)),
                arguments("another encoding's name", texts("SET NAMES 'SJIS'; " + DELETES_IN_SJIS)),
                arguments("another encoding in a batch", (Attack)
                        connection -> batch(connection, "SET client_encoding = 'SJIS'", DELETES_IN_SJIS)),
                arguments(
                        "another encoding by a function",
                        texts("SELECT set_config('client_' || 'encoding', 'SJIS', false); " + DELETES_IN_SJIS)),
                arguments("a batch", (Attack) connection -> batch(connection, OFF, DELETES_WHEN_OFF)),
                arguments("a batch after COMMIT", (Attack) connection -> {
                    execute(connection, OFF, "BEGIN", LOCAL_ON);
                    batch(connection, "COMMIT", DELETES_WHEN_OFF);
                }),
                arguments("a statement prepared before", (Attack) connection -> {
                    execute(connection, OFF);
                    try (PreparedStatement prepared = connection.prepareStatement(SPLIT_WHEN_OFF)) {
                        execute(connection, ON);
                        prepared.execute();
                    }
                }),
                arguments("a statement that the driver keeps", (Attack) connection -> {
                    execute(connection, OFF);
                    connection.prepareStatement(SPLIT_WHEN_OFF).close();
                    execute(connection, ON);
                    try (PreparedStatement prepared = connection.prepareStatement(SPLIT_WHEN_OFF)) {
                        prepared.execute();
                    }
                }),
                arguments("a prepared statement of two parts", (Attack) connection -> {
                    try (PreparedStatement prepared = connection.prepareStatement(OFF + "; " + DELETES_WHEN_OFF)) {
                        prepared.execute();
                    }
                }));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("attacks")
    void no_row_is_lost_without_a_snapshot(String name, Attack attack) throws SQLException {
        try (Connection bare = database.connect()) {
            attempt(attack, bare);
        }
        assertThat(rows()).as("the attack works where nothing is guarded").isZero();
        for (String policy : List.of("strict", "application", "read-only")) {
            database.run("INSERT INTO users SELECT generate_series(1, 5000) ON CONFLICT DO NOTHING");
            snapshots.requests.clear();
            try (Backstop backstop = Backstop.builder()
                            .policy(policy)
                            .snapshots(snapshots)
                            .control(folder.resolve(policy + ".db"))
                            .build();
                    Connection guarded = backstop.guard(database.connect())) {
                attempt(attack, guarded);
            }
            if (snapshots.requests.isEmpty()) {
                assertThat(rows()).as(policy).isEqualTo(5000);
            }
        }
    }

    private static void attempt(Attack attack, Connection connection) {
        try {
            attack.on(connection);
        } catch (SQLException e) {
            assertThat(e.getSQLState()).isNotNull(); // refused by Backstop, or by pgjdbc after the fact
        }
    }

    private long rows() throws SQLException {
        return Long.parseLong(database.value("SELECT count(*) FROM users"));
    }

    @Test
    void a_text_that_the_driver_splits_under_both_settings_alike_is_no_attack() throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy("read-only")
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection connection = backstop.guard(database.connect())) {
            execute(connection, "SELECT 'C:\\'; SELECT 'D:\\' || '\\d{3}'", "SELECT '\\'");
            batch(connection, "SET search_path = public", "SET my.path = 'C:\\'");
            try (PreparedStatement like = connection.prepareStatement(
                    "SELECT id FROM users WHERE id::text LIKE ? ESCAPE '\\' AND id::text ~ '^\\d{1}$' AND '{}' <> ?")) {
                like.setString(1, "7%");
                like.setString(2, "\\");
                like.executeQuery().close();
                execute(connection, OFF);
                assertThatThrownBy(like::executeQuery)
                        .as("the server does not understand it now")
                        .isNotInstanceOf(BackstopException.class);
            }
        }
    }
}
