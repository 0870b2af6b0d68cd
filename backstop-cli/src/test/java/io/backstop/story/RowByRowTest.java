package io.backstop.story;

import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.util.PGobject;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A scoped UPDATE or DELETE through the guarded driver: its rows are saved one by one, and come back. */
class RowByRowTest extends GuardedStory {
    private Backstop protecting() throws SQLException, IOException {
        return protecting("t");
    }

    private List<SnapshotManifest> manifests() throws IOException {
        return archive.list("public", "t");
    }

    private SnapshotManifest only() throws IOException {
        assertThat(manifests()).hasSize(1);
        return manifests().get(0);
    }

    private List<String> stored(SnapshotManifest manifest) throws IOException, SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMPORARY TABLE stored (LIKE t)");
            for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
                try (InputStream rows = archive.rows(manifest, chunk)) {
                    connection
                            .unwrap(PGConnection.class)
                            .getCopyAPI()
                            .copyIn("COPY stored FROM STDIN (FORMAT " + manifest.copyFormat() + ")", rows);
                }
            }
            List<String> rows = new ArrayList<>();
            try (ResultSet row = statement.executeQuery("SELECT id || ' ' || v FROM stored ORDER BY id")) {
                while (row.next()) {
                    rows.add(row.getString(1));
                }
            }
            return rows;
        }
    }

    private List<String> truth(String condition) throws SQLException {
        return database.rows("SELECT id || ' ' || v FROM t WHERE " + condition + " ORDER BY id");
    }

    @Test
    void the_rows_of_a_protected_table_are_saved_and_come_back() throws Exception {
        List<String> before = database.rows("SELECT * FROM t ORDER BY id");
        try (Backstop backstop = protecting()) {
            execute(backstop, "DELETE FROM t WHERE id BETWEEN 11 AND 20");
        }
        assertThat(only().coverage()).isEqualTo(Coverage.ROWS);
        assertThat(only().rowCount()).isEqualTo(10);
        recoverAndCopyBack();
        assertThat(database.rows("SELECT * FROM t ORDER BY id")).isEqualTo(before);
    }

    @Test
    void overwritten_rows_come_back_and_what_others_did_since_stays() throws Exception {
        try (Backstop backstop = protecting()) {
            execute(backstop, "UPDATE t SET v = 'lost' WHERE k = 3");
        }
        database.run("UPDATE t SET v = 'since' WHERE k = 4", "INSERT INTO t VALUES (2000, 3, 'since')");
        assertThat(only().rowCount()).isEqualTo(100);
        recoverAndCopyBack();
        assertThat(truth("k = 3 AND v = 'lost'")).isEmpty();
        assertThat(truth("k = 3 AND v = 'v' || id")).hasSize(100);
        assertThat(truth("v = 'since'")).hasSize(101);
    }

    private void recoverAndCopyBack() throws SQLException {
        recoverAndCopyBack("public.t");
    }

    @Test
    void a_write_that_passes_the_limit_is_saved_by_row_too() throws Exception {
        List<String> taken = truth("k = 3");
        try (Backstop backstop = backstop("\"max_write_rows_without_critical\": 50")) {
            execute(backstop, "UPDATE t SET v = 'x' WHERE k = 3");
        }
        assertThat(only().coverage()).isEqualTo(Coverage.ROWS);
        assertThat(stored(only())).isEqualTo(taken);
        assertThat(truth("v = 'x'")).hasSize(100);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_row_that_comes_between_the_copy_and_the_statement_is_saved_by_the_next_try(boolean autoCommit)
            throws Exception {
        AtomicInteger verified = new AtomicInteger();
        meanwhile = step -> {
            if (step == Step.VERIFIED && verified.incrementAndGet() == 1) {
                database.run("INSERT INTO t VALUES (2000, 3, 'new')", "UPDATE t SET k = 3 WHERE id = 4");
            }
        };
        try (Backstop backstop = protecting();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(autoCommit);
            statement.execute("SELECT 1");
            assertThat(statement.executeUpdate("DELETE FROM t WHERE k = 3")).isEqualTo(102);
            if (!autoCommit) {
                connection.commit();
            }
        }
        assertThat(verified).hasValue(2);
        assertThat(only().coverage()).isEqualTo(Coverage.ROWS);
        assertThat(stored(only())).hasSize(102).contains("2000 new", "4 v4");
        assertThat(truth("k = 3")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_statement_that_meets_other_rows_every_time_is_covered_by_the_whole_table(boolean autoCommit)
            throws Exception {
        AtomicInteger tries = new AtomicInteger();
        meanwhile = addRowsToSteal(tries);
        try (Backstop backstop = protecting();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(autoCommit);
            statement.execute("SELECT 1");
            assertThat(statement.executeUpdate("DELETE FROM t WHERE k = 3")).isEqualTo(103);
            if (!autoCommit) {
                connection.commit();
            }
        }
        assertThat(tries).hasValue(4);
        assertThat(only().coverage()).isEqualTo(Coverage.TABLE);
        assertThat(only().rowCount()).isEqualTo(1003);
        assertThat(truth("k = 3")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_statement_that_meets_other_rows_every_time_is_refused_where_the_whole_table_is_too_large(boolean autoCommit)
            throws Exception {
        meanwhile = addRowsToSteal(new AtomicInteger());
        try (Backstop backstop = backstop("\"protected_tables\": [\"t\"], \"max_inline_snapshot_bytes\": 10000");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(autoCommit);
            statement.execute("INSERT INTO t VALUES (5000, 5, 'mine')");
            assertThatThrownBy(() -> statement.execute("DELETE FROM t WHERE k = 3"))
                    .isInstanceOfSatisfying(
                            RecoveryNotReadyException.class,
                            e -> assertThat(e.getSQLState()).isEqualTo("ZB007"))
                    .hasMessageStartingWith(
                            "the statement took 103 rows of table public.t, among them 102 of the 102 that"
                                    + " were saved for it; it was rolled back, and whole tables could not be saved instead: the"
                                    + " tables that the statement reaches (public.t) take ")
                    .hasMessageContaining("\nHINT: raise max_inline_snapshot_bytes in the policy")
                    .hasMessageEndingWith("; or run it when fewer others write to the table, with a WHERE that is true"
                            + " for the same rows each time");
            if (!autoCommit) {
                connection.commit(); // the transaction goes on
            }
        }
        assertThat(manifests()).isEmpty();
        assertThat(truth("k = 3")).hasSize(103);
        assertThat(truth("id = 5000")).hasSize(1);
    }

    /** As long as rows are saved one by one; with the whole table saved nobody else can write. */
    private Meanwhile addRowsToSteal(AtomicInteger tries) {
        return step -> {
            if (step == Step.VERIFIED && tries.incrementAndGet() <= 3) {
                database.run("INSERT INTO t VALUES (2000 + " + tries + ", 3, 'new')");
            }
        };
    }

    @Test
    void a_condition_that_is_another_each_time_destroys_nothing_unsaved() throws Exception {
        List<String> before = truth("true");
        List<String> taken = new ArrayList<>();
        try (Backstop backstop = protecting()) {
            for (int i = 0; i < 10; i++) {
                List<String> had = truth("true");
                execute(backstop, "DELETE FROM t WHERE random() < 0.002");
                had.removeAll(truth("true"));
                taken.addAll(had);
            }
        }
        List<String> stored = new ArrayList<>();
        for (SnapshotManifest manifest : manifests()) {
            List<String> rows = stored(manifest);
            assertThat(manifest.coverage() == Coverage.TABLE || taken.containsAll(rows))
                    .as("saved one by one, and not taken")
                    .isTrue();
            stored.addAll(rows);
        }
        assertThat(stored).containsAll(taken);
        taken.addAll(truth("true"));
        assertThat(taken).containsExactlyInAnyOrderElementsOf(before);
    }

    @Test
    void a_trigger_that_keeps_rows_leads_to_the_whole_table() throws Exception {
        database.run(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN IF OLD.id = 3 THEN RETURN NULL; END IF; RETURN OLD; END'",
                "CREATE TRIGGER f BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()");
        try (Backstop backstop = protecting()) {
            execute(backstop, "DELETE FROM t WHERE k = 3");
        }
        assertThat(only().coverage()).isEqualTo(Coverage.TABLE);
        assertThat(only().rowCount()).isEqualTo(1000);
        assertThat(truth("k = 3")).containsExactly("3 v3");
    }

    @Test
    void a_condition_that_calls_the_users_code_leads_to_the_whole_table() throws Exception {
        database.run(
                "CREATE TABLE calls (id int)",
                "CREATE FUNCTION f(which int) RETURNS boolean LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO calls VALUES (which); RETURN which = 3; END'");
        try (Backstop backstop = protecting()) {
            execute(backstop, "DELETE FROM t WHERE f(id)");
        }
        assertThat(only().coverage()).isEqualTo(Coverage.TABLE);
        assertThat(database.value("SELECT count(*) FROM calls")).isEqualTo("1000");
    }

    @Test
    void the_servers_own_refusal_reaches_the_caller() throws Exception {
        try (Backstop backstop = protecting()) {
            assertThatThrownBy(() -> execute(backstop, "UPDATE t SET id = 1 WHERE k = 3"))
                    .isNotInstanceOf(BackstopException.class)
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("23505"));
        }
        assertThat(truth("v = 'v' || id")).hasSize(1000);
    }

    @Test
    void what_returns_its_rows_returns_them() throws Exception {
        try (Backstop backstop = protecting();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("DELETE FROM t WHERE id IN (1, 2) RETURNING id")) {
            int sum = 0;
            while (rows.next()) {
                sum += rows.getInt(1);
            }
            assertThat(sum).isEqualTo(3);
        }
        assertThat(only().coverage()).isEqualTo(Coverage.ROWS);
    }

    @Test
    void values_are_nowhere_in_the_record() throws Exception {
        meanwhile = step -> {
            if (step == Step.VERIFIED) {
                database.run("INSERT INTO t SELECT max(id) + 1, 3, 'top-secret' FROM t");
            }
        };
        try (Backstop backstop = backstop("\"protected_tables\": [\"t\"], \"max_inline_snapshot_bytes\": 10000");
                Connection connection = backstop.guard(database.connect());
                PreparedStatement statement = connection.prepareStatement("DELETE FROM t WHERE v = ? OR k = 3")) {
            statement.setString(1, "top-secret");
            assertThatThrownBy(statement::execute)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageNotContaining("top-secret");
        }
        CommandRun audit = CommandRun.of("audit", "list", "--control", control().toString());
        assertThat(audit.output()).contains("DELETE FROM t WHERE v = ?").doesNotContain("top-secret");
    }

    interface Binding {
        void to(PreparedStatement statement) throws SQLException;
    }

    static Stream<Arguments> values() {
        UUID uuid = UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
        return Stream.of(
                value("int", "-7", s -> s.setInt(1, -7)),
                value("bigint", "9223372036854775807", s -> s.setLong(1, Long.MAX_VALUE)),
                value("smallint", "-3", s -> s.setShort(1, (short) -3)),
                value("double precision", "NaN", s -> s.setDouble(1, Double.NaN)),
                value("real", "0.1", s -> s.setFloat(1, 0.1f)),
                value("numeric", "-1.50", s -> s.setBigDecimal(1, new BigDecimal("-1.50"))),
                value("boolean", "true", s -> s.setBoolean(1, true)),
                value(
                        "text",
                        "it's \\ \"a\" ? $1 {ts 'x'} -- /*",
                        s -> s.setString(1, "it's \\ \"a\" ? $1 {ts 'x'} -- /*")),
                value("text", "", s -> s.setString(1, "")),
                value("uuid", uuid.toString(), s -> s.setObject(1, uuid)),
                value(
                        "timestamptz",
                        "2020-02-29 23:59:59.123456+14",
                        s -> s.setObject(1, OffsetDateTime.parse("2020-02-29T23:59:59.123456+14:00"))),
                value(
                        "timestamp",
                        "2020-02-29 23:59:59",
                        s -> s.setTimestamp(1, Timestamp.valueOf("2020-02-29 23:59:59"))),
                value("date", "2020-02-29", s -> s.setObject(1, LocalDate.parse("2020-02-29"))),
                value("bytea", "\\x00ff27", s -> s.setBytes(1, new byte[] {0, -1, 39})),
                value("jsonb", "{\"a\": [1, \"it's\"]}", s -> {
                    PGobject json = new PGobject();
                    json.setType("jsonb");
                    json.setValue("{\"a\": [1, \"it's\"]}");
                    s.setObject(1, json);
                }),
                value(
                        "int[]",
                        "{1,NULL,-3}",
                        s -> s.setArray(1, s.getConnection().createArrayOf("int4", new Integer[] {1, null, -3}))),
                value(
                        "text[]",
                        "{\"it's\",\"a,b\",\"\\\\\",\"\"}",
                        s -> s.setObject(
                                1, s.getConnection().createArrayOf("text", new String[] {"it's", "a,b", "\\", ""}))),
                value(
                        "uuid[]",
                        "{" + uuid + "}",
                        s -> s.setArray(1, s.getConnection().createArrayOf("uuid", new UUID[] {uuid}))),
                value(
                        "bytea[]",
                        "{\"\\\\x00ff\"}",
                        s -> s.setArray(1, s.getConnection().createArrayOf("bytea", new byte[][] {{0, -1}}))),
                value(
                        "float8[]",
                        "{0.1,NaN}",
                        s -> s.setArray(1, s.getConnection().createArrayOf("float8", new Double[] {0.1, Double.NaN}))));
    }

    private static Arguments value(String type, String text, Binding binding) {
        return Arguments.of(type, text, binding);
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("values")
    void bound_values_of_every_common_type_tell_the_rows(String type, String text, Binding binding) throws Exception {
        database.run("ALTER TABLE t ADD COLUMN x " + type);
        try (Connection connection = database.connect();
                PreparedStatement update =
                        connection.prepareStatement("UPDATE t SET x = (?::text)::" + type + " WHERE id IN (5, 6)")) {
            update.setString(1, text);
            update.execute();
        }
        try (Backstop backstop = protecting();
                Connection connection = backstop.guard(database.connect());
                PreparedStatement delete = connection.prepareStatement("DELETE FROM t WHERE x = ? AND id > -?")) {
            binding.to(delete);
            delete.setInt(2, -5);
            assertThat(delete.executeUpdate()).isEqualTo(1);
        }
        assertThat(only().coverage()).isEqualTo(Coverage.ROWS);
        assertThat(only().rowCount()).isEqualTo(1);
        assertThat(truth("id IN (5, 6)")).containsExactly("5 v5");
    }

    @Test
    void a_value_that_can_be_read_only_once_leads_to_the_whole_table() throws Exception {
        database.run("ALTER TABLE t ADD COLUMN x bytea");
        try (Backstop backstop = protecting();
                Connection connection = backstop.guard(database.connect());
                PreparedStatement update = connection.prepareStatement("UPDATE t SET x = ? WHERE id = 5")) {
            update.setBinaryStream(1, new ByteArrayInputStream(new byte[] {1, 2}));
            assertThat(update.executeUpdate()).isEqualTo(1);
        }
        assertThat(only().coverage()).isEqualTo(Coverage.TABLE);
        assertThat(database.value("SELECT x FROM t WHERE id = 5")).isEqualTo("\\x0102");
    }

    @Test
    void a_value_that_can_be_read_only_once_is_not_sent_again_behind_a_snapshot() throws Exception {
        database.run("ALTER TABLE t ADD COLUMN x bytea");
        try (Backstop backstop = backstop("\"max_write_rows_without_critical\": 50");
                Connection connection = backstop.guard(database.connect());
                PreparedStatement update = connection.prepareStatement("UPDATE t SET x = ? WHERE k = 3")) {
            update.setBinaryStream(1, new ByteArrayInputStream(new byte[] {1, 2, 3, 4, 5, 6}), 3);
            assertThatThrownBy(update::executeUpdate)
                    .isInstanceOfSatisfying(
                            ImpactLimitException.class,
                            e -> assertThat(e.getSQLState()).isEqualTo("ZB010"))
                    .hasMessage(
                            "the statement was rolled back: it changed 100 rows, and the policy lets 50 pass; it cannot"
                                    + " be run again, because one of its values is a stream that has been read\n"
                                    + "HINT: bind it with setBytes or setString, or change fewer rows at a time");
            assertThat(manifests()).isEmpty();
            update.setBytes(1, new byte[] {1, 2, 3});
            assertThat(update.executeUpdate()).isEqualTo(100);
        }
        assertThat(only().coverage()).isEqualTo(Coverage.ROWS);
        assertThat(database.value("SELECT DISTINCT x FROM t WHERE k = 3")).isEqualTo("\\x010203");
    }
}
