package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** Ordinary writes that are stored for an undo, and then a loss: what a recovery leaves as they made it is named. */
class WritesBeforeALossTest extends GuardedStory {
    private static final String COVER =
            "\"block_operations\": [], \"cover_writes\": \"all\", \"write_budget\": \"none\"";
    private static final String ROWS = "SELECT t::text FROM app.t ORDER BY id";

    private List<String> before;
    private Instant moment;

    @BeforeEach
    void make() throws SQLException {
        database.run(
                "CREATE SCHEMA app",
                "CREATE TABLE app.t (id int PRIMARY KEY, v text)",
                "INSERT INTO app.t SELECT i, 'v' || i FROM generate_series(1, 100) i");
        before = database.rows(ROWS);
        moment = Instant.now();
    }

    /** @return the id of the write's snapshot */
    private String write(Backstop backstop, String sql) throws Exception {
        try (Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
            String group = Backstop.lastChange(connection).orElseThrow();
            return archive.list().stream()
                    .filter(manifest -> manifest.groupId().equals(group))
                    .findFirst()
                    .orElseThrow()
                    .snapshotId();
        }
    }

    private CommandRun recovered(String... options) throws SQLException {
        CommandRun run = command(options);
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        database.run(run.output());
        return run;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--schema app  | DROP SCHEMA app CASCADE",
                "--table app.t | DROP TABLE app.t",
                "--table app.t | TRUNCATE app.t",
            })
    void rows_that_were_deleted_before_the_loss_are_named_and_come_back_by_name(String what, String loss)
            throws Exception {
        String id;
        try (Backstop backstop = backstop(COVER)) {
            id = write(backstop, "DELETE FROM app.t WHERE id <= 5");
            execute(backstop, loss);
        }
        CommandRun run =
                recovered("recover", what.split(" ", -1)[0], what.split(" ", -1)[1], "--before", moment.toString());
        assertThat(run.output())
                .contains("app.t stays as ordinary writes since " + moment + " left it", id + " (5 rows)");
        assertThat(database.rows(ROWS)).isEqualTo(before.subList(5, 100));
        database.run("DROP TABLE IF EXISTS app.t_recovered");

        recovered("recover", "--table", "app.t", "--before", id);
        assertThat(database.rows(ROWS)).isEqualTo(before);
    }

    @Test
    void values_that_were_changed_before_the_loss_are_offered() throws Exception {
        String id;
        try (Backstop backstop = backstop(COVER)) {
            id = write(backstop, "UPDATE app.t SET v = 'x' WHERE id <= 5");
            execute(backstop, "DROP TABLE app.t");
        }
        recovered("recover", "--table", "app.t", "--before", moment.toString());

        CommandRun undo = command("undo", id);
        assertThat(undo.exitCode()).isEqualTo(3);
        assertThat(undo.errors())
                .contains("table app.t was made again since " + id, "`backstop recover --table app.t --before " + id);
        CommandRun run = recovered("recover", "--table", "app.t", "--before", id);
        assertThat(run.output())
                .contains(
                        "5 rows of table app.t are in a table that was made again since, with other values, and stay as"
                                + " they are now; the script offers the UPDATE");
        database.run(run.output()
                .substring(run.output().indexOf("-- UPDATE "))
                .lines()
                .takeWhile(line -> line.startsWith("-- "))
                .map(line -> line.substring(3))
                .collect(Collectors.joining("\n")));
        assertThat(database.rows(ROWS)).isEqualTo(before);
    }

    @Test
    void a_table_that_was_written_to_and_not_lost_is_named() throws Exception {
        database.run("CREATE TABLE app.lost (id int PRIMARY KEY)", "INSERT INTO app.lost VALUES (1)");
        try (Backstop backstop = backstop(COVER)) {
            write(backstop, "UPDATE app.t SET v = 'x' WHERE id <= 5");
            write(backstop, "INSERT INTO app.t VALUES (101, 'new')");
            execute(backstop, "DROP TABLE app.lost");
        }
        CommandRun run = recovered("recover", "--schema", "app", "--before", moment.toString());
        assertThat(run.output()).contains("app.t stays as ordinary writes since", "(5 rows)", "(1 rows made)");
    }

    @Test
    void rows_that_a_statement_made_are_not_brought_back() throws Exception {
        String id;
        try (Backstop backstop = backstop(COVER)) {
            id = write(backstop, "INSERT INTO app.t VALUES (101, 'new')");
            execute(backstop, "DROP TABLE app.t");
        }
        CommandRun run = command("recover", "--table", "app.t", "--before", id);
        assertThat(run.exitCode()).isEqualTo(3);
        assertThat(run.errors()).contains("as a statement made them: it took none", "`backstop undo grp_");
    }

    /** What tables use is made again bare, before they come back. */
    @Test
    void what_tables_use_and_is_another_by_now_is_named() throws Exception {
        database.run(
                "CREATE SEQUENCE app.numbers INCREMENT 5 START 1000",
                "COMMENT ON SEQUENCE app.numbers IS 'counts'",
                "CREATE DOMAIN app.positive AS int CHECK (VALUE > 0)",
                "CREATE TYPE app.mood AS ENUM ('good')",
                "GRANT USAGE ON TYPE app.mood TO pg_monitor",
                "CREATE TYPE app.kept AS ENUM ('same')",
                "CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2'",
                "CREATE TABLE app.using (n int DEFAULT nextval('app.numbers'), p app.positive, m app.mood, k app.kept,"
                        + " g int GENERATED ALWAYS AS (app.twice(1)) STORED)",
                "INSERT INTO app.using VALUES (DEFAULT, 1, 'good', 'same')");
        moment = Instant.now();
        try (Backstop backstop = backstop(COVER)) {
            execute(backstop, "DROP SCHEMA app CASCADE");
        }
        database.run(
                "CREATE SCHEMA app",
                "CREATE SEQUENCE app.numbers",
                "CREATE DOMAIN app.positive AS int",
                "CREATE TYPE app.mood AS ENUM ('good', 'new')",
                "CREATE TYPE app.kept AS ENUM ('same')",
                "CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 3'");
        CommandRun run = recovered("recover", "--schema", "app", "--before", moment.toString());
        for (String name : List.of(
                "sequence app.numbers", "domain app.positive", "type app.mood", "function app.twice(integer)")) {
            assertThat(run.output()).containsOnlyOnce("note: " + name + " is another by now, and stays as it is");
        }
        assertThat(run.output())
                .contains("generated columns, checks and indexes that call it get what it answers now")
                .doesNotContain("app.kept is another", "app.kept has another");
    }
}
