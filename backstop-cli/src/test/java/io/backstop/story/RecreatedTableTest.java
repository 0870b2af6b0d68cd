package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A migration drops a table through the guard and makes it again, bare: both offers of {@code recover} bring all of it back. */
class RecreatedTableTest extends GuardedStory {
    private static final String[] SHOP = {
        "CREATE SCHEMA app",
        "CREATE TABLE app.owner (id int PRIMARY KEY)",
        "CREATE TABLE app.t (id int PRIMARY KEY, owner int NOT NULL DEFAULT 1 CONSTRAINT t_owner REFERENCES app.owner, "
                + "v text CONSTRAINT t_v UNIQUE CONSTRAINT t_long CHECK (length(v) > 1))",
        "CREATE INDEX t_by ON app.t (owner) WHERE owner > 1",
        "CREATE TABLE app.item (id int, t int CONSTRAINT item_t REFERENCES app.t ON DELETE CASCADE)",
        "CREATE VIEW app.wide AS SELECT t.id, item.id AS item FROM app.t JOIN app.item ON item.t = t.id",
        "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON app.t USING (owner > 0)",
        "GRANT SELECT ON app.t TO pg_monitor",
        "INSERT INTO app.owner SELECT generate_series(1, 3)",
        "INSERT INTO app.t SELECT i, 1 + i % 3, 'v' || i FROM generate_series(1, 20) i",
        "INSERT INTO app.item SELECT i, i FROM generate_series(1, 20) i"
    };

    private List<String> before = List.of();

    @BeforeEach
    void migrate() throws Exception {
        database.run(SHOP);
        before = database.rows(SchemaDefinitions.OF_TABLES);
        try (Backstop backstop = backstop("")) {
            execute(backstop, "DROP TABLE app.t CASCADE");
            execute(backstop, "CREATE TABLE app.t (id int, owner int, v text)");
            execute(backstop, "INSERT INTO app.t VALUES (5, 2, 'again'), (100, 3, 'new')");
            execute(backstop, "INSERT INTO app.item VALUES (100, 100)");
        }
    }

    private CommandRun recovered(String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("recover", "--table", "app.t"));
        arguments.addAll(List.of(options));
        CommandRun run = command(arguments.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output()).contains("-- rehearsed in a transaction that was rolled back: every statement works");
        database.run(run.output());
        return run;
    }

    private void assertAllIsThere() throws Exception {
        database.run("DROP TABLE IF EXISTS app.t_recovered, app.t_set_aside");
        assertThat(database.rows(SchemaDefinitions.OF_TABLES)).containsExactlyElementsOf(before);
        assertThat(database.rows("SELECT id, owner, v FROM app.t WHERE id IN (4, 5, 100) ORDER BY id"))
                .containsExactly("4|2|v4", "5|2|again", "100|3|new");
        assertThat(database.value("SELECT count(*) FROM app.t")).isEqualTo("21");
        assertThat(database.value("SELECT count(*) FROM app.wide")).isEqualTo("21");
    }

    @Test
    void the_restored_one_takes_its_place() throws Exception {
        CommandRun run = recovered("--present", "replace");

        assertThat(run.output())
                .contains(
                        "-- note: table app.t is set aside as app.t_set_aside, and its 1 rows that are not stored are merged"
                                + " into the restored one")
                .contains(
                        "-- app.t: 20 stored rows: 19 are put back, 1 are there with other values and STAY AS THEY ARE NOW");
        assertThat(database.value("SELECT count(*) FROM app.t_set_aside")).isEqualTo("2");
        assertAllIsThere();
    }

    @Test
    void a_plan_of_its_own_replaces_it_too() throws Exception {
        assertThat(recover("app.t").exitCode()).isZero();

        CommandRun plan = command(
                "restore-copyback-plan",
                "--source-table",
                "app.t_recovered",
                "--target-table",
                "app.t",
                "--present",
                "replace");

        assertThat(plan.exitCode()).as(plan.errors() + plan.output()).isZero();
        database.run(plan.output());
        assertAllIsThere();
    }

    @Test
    void the_present_one_is_completed() throws Exception {
        assertThat(recovered("--present", "complete").output()).doesNotContain("--present replace");
        assertAllIsThere();
    }

    @Test
    void without_an_answer_it_is_completed_and_the_other_choice_is_named() throws Exception {
        assertThat(recovered().output())
                .contains("-- note: table app.t was made again since, and is completed; --present replace sets it aside"
                        + " instead, puts app.t_recovered in its place and merges");
        assertAllIsThere();
    }

    @Test
    void a_row_that_does_not_fit_is_named_and_no_script_is_called_ready() throws Exception {
        database.run("INSERT INTO app.t VALUES (101, 3, 'x')");

        CommandRun run = command("recover", "--table", "app.t", "--present", "replace");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.output())
                .contains(
                        "rows of table app.t do not fit into the restored one: (101): new row for relation \"t\" violates"
                                + " check constraint \"t_long\"")
                .contains(
                        "-- HINT: change these rows in the present table, then ask for the script again; without --present"
                                + " replace the table is completed")
                .contains("-- NOT READY");
    }

    @Test
    void another_word_is_an_error_of_usage() {
        CommandRun run = command("recover", "--table", "app.t", "--present", "swap");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.errors()).contains("`swap` is not complete or replace");
        assertThat(CommandRun.of("recover", "--help").output()).contains("--present=CHOICE");
        CommandRun plan = CommandRun.of(
                "restore-copyback-plan", "--source-table", "a", "--target-table", "b", "--present", "replace");
        assertThat(plan.exitCode()).isEqualTo(2);
        assertThat(plan.errors()).contains("--present needs --db");
    }
}
