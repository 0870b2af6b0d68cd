package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import io.backstop.testing.Sampled;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** Ordinary writes keep what their rows were, and are undone by the name that the driver tells. */
@Sampled
class CoveredWritesTest extends UndoneStory {
    private static final String COVER = "\"cover_writes\": \"updates_and_deletes\"";

    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "CREATE TABLE child (id int PRIMARY KEY, t_id int REFERENCES t ON DELETE CASCADE)",
                "CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)",
                "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (50)",
                "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (50) TO (100)",
                "CREATE TABLE plain (id int PRIMARY KEY, v text)",
                "CREATE TABLE keyless (id int, v text)",
                "CREATE TABLE log (at timestamptz DEFAULT now(), v text)",
                "INSERT INTO child VALUES (1, 1)",
                "INSERT INTO parts SELECT i, 'p' || i FROM generate_series(1, 99) i WHERE i <> 60",
                "INSERT INTO plain SELECT i, 'v' || i FROM generate_series(1, 100) i",
                "INSERT INTO keyless SELECT i, 'k' || i FROM generate_series(1, 20) i");
    }

    private String all() throws SQLException {
        StringBuilder all = new StringBuilder();
        for (String table : List.of("t", "child", "parts", "plain", "keyless")) {
            all.append(database.value("SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM " + table + " x"))
                    .append('|');
        }
        return all.toString();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE plain SET v = 'x' WHERE id = 7",
                "UPDATE plain SET v = 'x' WHERE id IN (3, 5, 9) RETURNING v",
                "UPDATE plain SET id = id + 1000 WHERE id = 7",
                "DELETE FROM plain WHERE id < 10",
                "DELETE FROM plain AS p USING t WHERE p.id = t.id AND t.k = 3 AND t.id < 30",
                "UPDATE parts SET v = 'x' WHERE id = 49",
                "UPDATE parts SET id = 60 WHERE id = 49",
                "DELETE FROM parts WHERE id IN (49, 50)",
                "UPDATE keyless SET v = 'x' WHERE id = 7",
                "DELETE FROM keyless WHERE id = 7",
                "UPDATE t SET v = 'x' WHERE id = 1"
            })
    void an_ordinary_write_is_undone_by_its_name_and_its_undo_too(String sql) throws Exception {
        String before = all();
        try (Backstop backstop = backstop(COVER)) {
            String change = change(backstop, sql).orElseThrow();
            String after = all();
            assertThat(after).isNotEqualTo(before);
            assertThat(archive.list())
                    .isNotEmpty()
                    .allSatisfy(manifest -> assertThat(manifest.source()).isEqualTo(SnapshotManifest.Source.WRITE));
            assertThat(archive.contents().undecided()).isEmpty();
            undoIt(change);
            assertThat(all()).isEqualTo(before);
            String undone = archive.list().stream()
                    .filter(SnapshotManifest::belongsToUndo)
                    .map(SnapshotManifest::groupId)
                    .findFirst()
                    .orElseThrow();
            undoIt(undone);
            assertThat(all()).isEqualTo(after);
        }
    }

    @Test
    void bound_values_are_part_of_the_write() throws Exception {
        String before = all();
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                PreparedStatement update = connection.prepareStatement("UPDATE plain SET v = ? WHERE id = ?")) {
            List<String> changes = new ArrayList<>();
            for (int id = 1; id <= 3; id++) {
                update.setString(1, "it's");
                update.setInt(2, id);
                assertThat(update.executeUpdate()).isEqualTo(1);
                changes.add(Backstop.lastChange(connection).orElseThrow());
            }
            changes.forEach(this::undoIt);
        }
        assertThat(all()).isEqualTo(before);
    }

    @Test
    void each_write_of_a_transaction_has_a_name_of_its_own() throws Exception {
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("UPDATE plain SET v = 'first' WHERE id = 1");
            String first = Backstop.lastChange(connection).orElseThrow();
            statement.execute("DELETE FROM plain WHERE id = 2");
            String second = Backstop.lastChange(connection).orElseThrow();
            assertThat(undo(first).exitCode()).isEqualTo(3); // nobody knows yet how it ends
            connection.commit();
            undoIt(second);
            assertThat(database.value("SELECT v FROM plain WHERE id = 2")).isEqualTo("v2");
            assertThat(database.value("SELECT v FROM plain WHERE id = 1")).isEqualTo("first");
            undoIt(first);
            assertThat(database.value("SELECT v FROM plain WHERE id = 1")).isEqualTo("v1");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nothing_is_kept_of_what_is_rolled_back(boolean toSavepoint) throws Exception {
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO log (v) VALUES ('x')");
            if (toSavepoint) {
                statement.execute("SAVEPOINT s");
            }
            statement.execute("UPDATE plain SET v = 'x' WHERE id = 1");
            assertThat(Backstop.lastChange(connection)).isPresent();
            statement.execute(toSavepoint ? "ROLLBACK TO s" : "ROLLBACK");
            connection.commit();
            assertThat(Backstop.lastChange(connection)).isEmpty();
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void a_row_that_somebody_changed_since_is_named() throws Exception {
        try (Backstop backstop = backstop(COVER)) {
            String change =
                    change(backstop, "UPDATE plain SET v = 'x' WHERE id < 4").orElseThrow();
            database.run("UPDATE plain SET v = 'mine' WHERE id = 2");
            CommandRun run = undo(change);
            assertThat(run.exitCode()).isEqualTo(3);
            assertThat(run.output() + run.errors()).contains("public.plain").doesNotContain("mine");
            assertThat(database.value("SELECT count(*) FROM plain WHERE v = 'x'"))
                    .isEqualTo("2");
        }
    }

    @Test
    void what_a_trigger_changes_elsewhere_is_told_and_not_refused() throws Exception {
        database.run(
                "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE keyless SET v = 'seen'"
                        + " WHERE id = 1; INSERT INTO log (v) VALUES (old.v); RETURN new; END$$",
                "CREATE TRIGGER touch BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION touch()");
        try (Backstop backstop = backstop(COVER)) {
            String change =
                    change(backstop, "UPDATE plain SET v = 'x' WHERE id = 1").orElseThrow();
            CommandRun run = command("undo", change, "--control", control().toString(), "--as", "olga", "--dry-run");
            assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
            assertThat(run.output() + run.errors())
                    .contains("also changed rows of public.keyless")
                    .doesNotContain("public.log");
        }
    }

    /** Whatever cannot be told row by row runs as without; it is not named as covered. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM t WHERE id = 1", // takes rows of another table along
                "INSERT INTO plain VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET v = excluded.v",
                "WITH gone AS (DELETE FROM plain WHERE id = 1 RETURNING id) SELECT count(*) FROM gone",
                "UPDATE plain SET v = 'x' WHERE id = 4711", // finds nothing
                "UPDATE plain SET v = 'x' WHERE id = 1 AND xmax = 0", // which a row lock changes
                "UPDATE plain SET v = 'x' WHERE id < 3 AND set_config('my.x', 'y', true) <> ''", // does it once
                "DELETE FROM plain WHERE id < 3 AND random() < 2",
                "INSERT INTO plain VALUES (4711, 'y')"
            })
    void what_is_not_covered_runs(String sql) throws Exception {
        try (Backstop backstop = backstop(COVER)) {
            assertThat(change(backstop, sql)).isEmpty();
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void a_trigger_that_changes_other_rows_of_the_table_leaves_the_write_uncovered() throws Exception {
        database.run(
                "CREATE FUNCTION spread() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF pg_trigger_depth() = 1 THEN"
                        + " UPDATE plain SET v = 'spread' WHERE id = 50; END IF; RETURN NULL; END$$",
                "CREATE TRIGGER spread AFTER UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION spread()");
        try (Backstop backstop = backstop(COVER)) {
            assertThat(change(backstop, "UPDATE plain SET v = 'x' WHERE id = 1"))
                    .isEmpty();
        }
        assertThat(database.value("SELECT string_agg(v, ',' ORDER BY id) FROM plain WHERE id IN (1, 50)"))
                .isEqualTo("x,spread");
        assertThat(archive.list()).isEmpty();
    }

    /** Who locks rows before such a trigger waits for others, in the other order, takes part in no order at all. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TRIGGER early BEFORE UPDATE ON plain FOR EACH STATEMENT EXECUTE FUNCTION early()",
                "CREATE CONSTRAINT TRIGGER early AFTER UPDATE ON plain DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                        + " EXECUTE FUNCTION early()"
            })
    void a_trigger_that_orders_writers_or_runs_at_the_commit_leaves_the_write_uncovered(String trigger)
            throws Exception {
        database.run(
                "CREATE FUNCTION early() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM"
                        + " pg_advisory_xact_lock(7); RETURN NULL; END$$",
                trigger);
        try (Backstop backstop = backstop(COVER)) {
            assertThat(change(backstop, "UPDATE plain SET v = 'x' WHERE id = 1"))
                    .isEmpty();
        }
    }

    @Test
    void a_trigger_of_another_event_or_that_does_not_fire_covers_nothing_up() throws Exception {
        database.run(
                "CREATE FUNCTION early() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                "CREATE TRIGGER emptied BEFORE TRUNCATE ON plain FOR EACH STATEMENT EXECUTE FUNCTION early()",
                "CREATE TRIGGER early BEFORE UPDATE ON plain FOR EACH STATEMENT EXECUTE FUNCTION early()",
                "ALTER TABLE plain ENABLE REPLICA TRIGGER early");
        try (Backstop backstop = backstop(COVER)) {
            undoIt(change(backstop, "UPDATE plain SET v = 'x' WHERE id = 1").orElseThrow());
        }
    }

    /** What a driver writes behind a savepoint of its own has another number than the transaction. */
    @Test
    void an_undo_over_a_connection_that_sets_savepoints_can_be_undone() throws Exception {
        try (Backstop backstop = backstop(COVER)) {
            String change =
                    change(backstop, "UPDATE plain SET v = 'x' WHERE id = 1").orElseThrow();
            String before = database.value("SELECT v FROM plain WHERE id = 1");
            CommandRun undone = CommandRun.of(
                    "undo",
                    change,
                    "--control",
                    control().toString(),
                    "--db",
                    database.url().replaceFirst("^jdbc:", "") + "&autosave=always",
                    "--storage",
                    storage());
            assertThat(undone.exitCode()).as(undone.errors() + undone.output()).isZero();
            Matcher undo = Pattern.compile("as (grp_[0-9a-f]+)").matcher(undone.output());
            assertThat(undo.find()).as(undone.output()).isTrue();
            undoIt(undo.group(1));
            assertThat(database.value("SELECT v FROM plain WHERE id = 1")).isEqualTo(before);
        }
    }

    @Test
    void past_a_limit_nothing_is_kept_of_the_first_attempt() throws Exception {
        try (Backstop backstop = backstop(COVER + ", \"max_write_rows_without_critical\": 5")) {
            execute(backstop, "UPDATE plain SET v = 'x' WHERE id < 10");
        }
        assertThat(archive.list())
                .singleElement()
                .satisfies(manifest -> assertThat(manifest.source()).isEqualTo(SnapshotManifest.Source.INLINE));
        assertThat(archive.contents().undecided()).isEmpty();
    }

    @Test
    void without_the_storage_no_covered_write_runs() throws Exception {
        Path policy = folder.resolve("covering.json");
        Files.writeString(policy, "{\"require_approval_for_risks\": [], " + COVER + "}");
        try (Backstop backstop = Backstop.builder()
                .policy(policy.toString())
                .storage("s3://nowhere@http://127.0.0.1:1")
                .control(control())
                .build()) {
            assertThat(outcome(backstop, "UPDATE plain SET v = 'x' WHERE id = 1"))
                    .startsWith("ZB007");
            assertThat(outcome(backstop, "INSERT INTO plain VALUES (4711, 'y')"))
                    .isEqualTo("ok 1");
        }
        assertThat(database.value("SELECT v FROM plain WHERE id = 1")).isEqualTo("v1");
    }

    @Test
    void a_write_that_waits_for_a_row_is_late_when_its_time_is_over() throws Exception {
        try (Connection other = database.connect();
                Statement holding = other.createStatement();
                Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            other.setAutoCommit(false);
            holding.execute("UPDATE plain SET v = 'theirs' WHERE id = 3");
            statement.setQueryTimeout(1);
            assertThat(outcome(statement, "UPDATE plain SET v = 'x' WHERE id < 5"))
                    .startsWith("57014");
            statement.setQueryTimeout(0);
            statement.execute("SET lock_timeout = 10");
            assertThat(outcome(statement, "UPDATE plain SET v = 'x' WHERE id < 5"))
                    .startsWith("55P03");
            statement.execute("SET lock_timeout = 10");
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO log (v) VALUES ('x')");
            assertThat(outcome(statement, "DELETE FROM plain WHERE id = 3")).startsWith("55P03");
            assertThat(outcome(statement, "SELECT 1")).startsWith("25P02"); // the transaction has failed, as without
            connection.rollback();
            other.rollback();
        }
        assertThat(database.value("SELECT count(*) FROM log")).isEqualTo("0");
        assertThat(database.value("SELECT count(*) FROM plain WHERE v = 'x'")).isEqualTo("0");
        assertThat(archive.list()).isEmpty();
    }

    /** Whatever others change between the look and the write, what is stored is what the write changed. */
    @Test
    void writers_side_by_side_store_what_each_of_them_has_changed() throws Exception {
        database.run(
                "CREATE TABLE seen (tx xid8 DEFAULT pg_current_xact_id(), id int, v text)",
                "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO seen (id, v) VALUES"
                        + " (old.id, old.v); RETURN NULL; END$$",
                "CREATE TRIGGER see AFTER UPDATE OR DELETE ON plain FOR EACH ROW EXECUTE FUNCTION see()");
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (Backstop backstop = backstop(COVER + ", \"write_budget\": \"none\"")) {
            List<Future<Integer>> writers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Random random = new Random(i);
                writers.add(threads.submit(() -> write(backstop, random)));
            }
            int named = 0;
            for (Future<Integer> writer : writers) {
                named += writer.get();
            }
            assertThat(named).isPositive();
        } finally {
            threads.shutdownNow();
        }
        assertThat(archive.contents().undecided()).isEmpty();
        for (SnapshotManifest manifest : archive.list()) {
            String seen = "(SELECT count(*) FROM seen WHERE tx = '"
                    + manifest.transactionId().orElseThrow() + "'::xid8)";
            assertThat(database.value("SELECT " + seen)).isEqualTo(Long.toString(manifest.rowCount()));
        }
    }

    /** How many of the writes have a name. */
    private int write(Backstop backstop, Random random) throws SQLException {
        int named = 0;
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            for (int i = 0; i < 15; i++) {
                int from = random.nextInt(100);
                String rows = " WHERE v <> 'none' AND id BETWEEN " + from + " AND " + (from + random.nextInt(10));
                String sql =
                        random.nextInt(4) == 0 ? "DELETE FROM plain" + rows : "UPDATE plain SET v = v || 'x'" + rows;
                try {
                    statement.execute(sql);
                    named += Backstop.lastChange(connection).isPresent() ? 1 : 0;
                } catch (SQLException e) {
                    assertThat(e.getSQLState()).isEqualTo("40P01"); // rows are locked in no order, as without
                }
                statement.execute(
                        "INSERT INTO plain SELECT i, 'new' FROM generate_series(1, 100) i ON CONFLICT DO NOTHING");
            }
        }
        return named;
    }

    @Test
    void a_result_that_was_not_asked_for_leaves_the_write_kept_and_named() throws Exception {
        try (Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            assertThat(catchThrowable(
                            () -> statement.executeUpdate("UPDATE plain SET v = 'x' WHERE id = 1 RETURNING v")))
                    .isInstanceOf(SQLException.class);
            undoIt(Backstop.lastChange(connection).orElseThrow());
        }
        assertThat(database.value("SELECT v FROM plain WHERE id = 1")).isEqualTo("v1");
    }

    @Test
    void a_listener_that_breaks_refuses_the_write_and_leaves_nothing() throws Exception {
        meanwhile = step -> {
            throw new IllegalArgumentException("secret");
        };
        try (Backstop backstop = backstop(COVER)) {
            assertThat(outcome(backstop, "UPDATE plain SET v = 'x' WHERE id = 1"))
                    .startsWith("ZB007")
                    .doesNotContain("secret");
        }
        assertThat(database.value("SELECT v FROM plain WHERE id = 1")).isEqualTo("v1");
        assertThat(archive.list()).isEmpty();
    }

    /** Write skew is refused at the commit. */
    @Test
    void nothing_is_kept_of_what_the_server_refuses_at_the_commit() throws Exception {
        try (Connection other = database.connect();
                Statement their = other.createStatement();
                Backstop backstop = backstop(COVER);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            other.setAutoCommit(false);
            other.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            statement.execute("SELECT count(*) FROM plain");
            their.execute("SELECT count(*) FROM plain");
            their.execute("UPDATE plain SET v = 'theirs' WHERE id = 1");
            statement.execute("UPDATE plain SET v = 'mine' WHERE id = 2");
            other.commit();
            assertThat(catchThrowable(connection::commit)).isInstanceOf(SQLException.class);
        }
        assertThat(archive.list()).isEmpty();
        assertThat(database.value("SELECT v FROM plain WHERE id = 2")).isEqualTo("v2");
    }

    /** Who may change a column alone may not lock the table. */
    @Test
    void rights_that_do_for_the_write_do() throws Exception {
        database.run(
                "CREATE ROLE covering LOGIN",
                "GRANT USAGE ON SCHEMA public TO covering",
                "GRANT SELECT (id), UPDATE (v) ON plain TO covering");
        try (Backstop backstop = backstop(COVER);
                Connection plain =
                        DriverManager.getConnection(database.url().replaceFirst("user=[^&]*", "user=covering"));
                Connection connection = backstop.guard(plain);
                Statement statement = connection.createStatement()) {
            assertThat(outcome(statement, "UPDATE plain SET v = 'x' WHERE id = 1"))
                    .isEqualTo("ok 1");
            assertThat(Backstop.lastChange(connection)).isEmpty();
        } finally {
            database.run("DROP OWNED BY covering", "DROP ROLE covering");
        }
    }

    /** The server's own word on a write is what the caller hears. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE plain SET v = 'x' WHERE id = 1 / 0|22012",
                "UPDATE plain SET nosuch = 'x' WHERE id = 1|42703",
                "UPDATE plain SET v = 'x' WHERE nosuch = 1|42703",
                "UPDATE plain SET id = 2 WHERE id = 1|23505",
                "UPDATE nosuch SET v = 'x' WHERE id = 1|42P01"
            })
    void a_write_that_fails_fails_as_it_does_without(String sql, String state) throws Exception {
        try (Backstop backstop = backstop(COVER)) {
            assertThat(outcome(backstop, sql)).startsWith(state);
            try (Connection connection = backstop.guard(database.connect());
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                statement.execute("INSERT INTO log (v) VALUES ('x')");
                assertThat(outcome(statement, sql)).startsWith(state);
                assertThat(outcome(statement, "SELECT 1")).startsWith("25P02");
            }
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void what_an_ordinary_write_changed_is_no_loss_to_recover() throws Exception {
        try (Backstop backstop = backstop(COVER)) {
            execute(backstop, "DELETE FROM plain WHERE id < 60"); // past the limits, so it is a loss
            execute(backstop, "UPDATE plain SET v = 'x' WHERE id = 70");
        }
        recoverAndCopyBack("plain");
        assertThat(database.value("SELECT count(*) FROM plain")).isEqualTo("100");
        assertThat(database.value("SELECT v FROM plain WHERE id = 70")).isEqualTo("x");
    }
}
