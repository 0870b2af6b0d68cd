package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A table loses values by one statement and rows by later ones; one command brings it back to before the first. */
class SeveralLossesTest extends GuardedStory {
    private static final String ROWS = "SELECT t::text FROM t ORDER BY id";

    private List<String> before;

    @BeforeEach
    void readAll() throws SQLException {
        before = database.rows(ROWS);
    }

    private void send(String... statements) throws Exception {
        try (Backstop backstop = backstop("")) {
            for (String sql : statements) {
                execute(backstop, sql);
            }
        }
    }

    private String first() throws Exception {
        return archive.list().stream()
                .min(Comparator.comparing(SnapshotManifest::createdAt))
                .orElseThrow()
                .snapshotId();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM t",
                "TRUNCATE t",
                "DELETE FROM t WHERE id > 300",
                "DELETE FROM t WHERE id % 2 = 0 OR k < 5",
            })
    void rows_that_a_later_statement_removed_come_back_with_their_first_values(String removal) throws Exception {
        send("UPDATE t SET v = 'x', k = 0", removal);
        recoverAndCopyBack("t", "--before", first());
        assertThat(database.rows(ROWS)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE t SET v = 'y'",
                "UPDATE t SET v = id::text, k = NULL",
                "UPDATE t SET v = 'y' WHERE id <= 600",
                "UPDATE t SET id = id + 0, v = NULL WHERE id > 200",
            })
    void values_that_later_statements_changed_again_are_the_first_ones_again(String change) throws Exception {
        send("UPDATE t SET v = 'x', k = 0", change);
        CommandRun run = command("recover", "--table", "t", "--before", first());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output())
                .contains(
                        "rows of table public.t that later statements changed again get the values that they had before"
                                + " the first; what they had in between is in the newer snapshots");
        database.run(run.output());
        assertThat(database.rows(ROWS)).isEqualTo(before);
    }

    @Test
    void three_losses_are_undone_by_one_command() throws Exception {
        send("UPDATE t SET v = 'x'", "DELETE FROM t WHERE k > 4", "UPDATE t SET k = 0, v = NULL", "DELETE FROM t");
        recoverAndCopyBack("t", "--before", first());
        assertThat(database.rows(ROWS)).isEqualTo(before);
    }

    /** What an application wrote after the last of them is nobody's loss. */
    @Test
    void what_was_written_since_the_last_loss_stays() throws Exception {
        send("UPDATE t SET v = 'x'", "UPDATE t SET v = 'y'");
        database.run("UPDATE t SET v = 'mine' WHERE id = 9", "INSERT INTO t VALUES (2000, 1, 'new')");
        recoverAndCopyBack("t", "--before", first());
        List<String> expected = new ArrayList<>(before);
        expected.set(8, "(9,9,mine)");
        expected.add("(2000,1,new)");
        assertThat(database.rows(ROWS)).isEqualTo(expected);
    }

    /** A sequence that was taken from its column stays when the table goes or makes way, under the name that comes back. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP TABLE s",
                "ALTER TABLE s DROP COLUMN v",
                "ALTER TABLE s DROP COLUMN id CASCADE",
            })
    void a_sequence_that_was_taken_from_its_column_makes_room_and_gives_no_number_twice(String loss) throws Exception {
        for (boolean guarded : List.of(true, false)) {
            database.run(
                    "DROP TABLE IF EXISTS s, s_recovered, s_set_aside CASCADE",
                    "DROP SEQUENCE IF EXISTS s_id_seq, s_id_seq_set_aside",
                    "CREATE TABLE s (id serial PRIMARY KEY, v text)",
                    "INSERT INTO s (v) SELECT 'v' || i FROM generate_series(1, 10) i");
            String free = "ALTER SEQUENCE s_id_seq OWNED BY NONE";
            String moment = Instant.now().toString();
            if (guarded) {
                send(free);
            } else {
                database.run(free);
            }
            database.run("SELECT nextval('s_id_seq') FROM generate_series(1, 90)");
            send(loss);
            CommandRun run = command("recover", "--table", "s", "--before", moment);
            assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
            database.run(run.output());
            assertThat(database.value("SELECT count(*) || ' ' || max(v) FROM s"))
                    .isEqualTo("10 v9");
            assertThat(Integer.parseInt(database.value("INSERT INTO s (v) VALUES ('new') RETURNING id")))
                    .as(run.output())
                    .isGreaterThan(100);
            // What happened beside Backstop is how the loss found it.
            if (guarded) {
                assertThat(database.value("SELECT pg_get_serial_sequence('s', 'id')"))
                        .isEqualTo("public.s_id_seq");
            }
        }
    }

    /** Without a moment, the newest loss is what is asked for. */
    @Test
    void the_newest_alone_puts_back_what_it_found() throws Exception {
        send("UPDATE t SET v = 'x'", "UPDATE t SET v = 'y'");
        recoverAndCopyBack("t");
        assertThat(database.value("SELECT string_agg(DISTINCT v, ',') FROM t")).isEqualTo("x");
    }

    @Test
    void the_report_says_that_what_was_removed_rightly_comes_back_too() throws Exception {
        send("UPDATE t SET v = 'x'");
        database.run("DELETE FROM t WHERE id = 7");
        send("DELETE FROM t");
        CommandRun run = command("recover", "--table", "t", "--before", first());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output())
                .contains("1000 stored rows of table public.t that were removed since the UPDATE are put back: later"
                        + " statements removed 999, and what else was removed comes back with them");
    }

    @Test
    void rows_that_only_others_removed_stay_away() throws Exception {
        send("UPDATE t SET v = 'x'");
        database.run("DELETE FROM t WHERE id > 990");
        CommandRun run = command("recover", "--table", "t", "--before", first());
        assertThat(run.output())
                .contains("10 stored rows of table public.t are not put back: they were removed since the UPDATE");
        database.run(run.output());
        assertThat(database.rows(ROWS)).isEqualTo(before.subList(0, 990));
    }

    @Test
    void a_removal_that_was_rolled_back_removed_nothing() throws Exception {
        send("UPDATE t SET v = 'x'");
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("DELETE FROM t");
            connection.rollback();
        }
        database.run("DELETE FROM t WHERE id > 990");
        recoverAndCopyBack("t", "--before", first());
        assertThat(database.rows(ROWS)).isEqualTo(before.subList(0, 990));
    }

    /** Keys that an UPDATE changed make it uncertain which rows are missing. */
    @Test
    void rows_with_other_keys_are_not_there_twice() throws Exception {
        send("UPDATE t SET id = id + 5000", "DELETE FROM t WHERE id > 5990");
        CommandRun run = command("recover", "--table", "t", "--before", first());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        database.run(run.output());
        assertThat(Integer.parseInt(database.value("SELECT count(*) FROM t"))).isLessThanOrEqualTo(1000);
    }

    /** Rows under other keys that somebody wrote again are not known for the statement's. */
    @Test
    void the_report_says_where_rows_may_be_there_twice() throws Exception {
        send("UPDATE t SET id = id + 5000");
        database.run("UPDATE t SET k = k + 1");
        send("DELETE FROM t WHERE id > 5400");
        CommandRun run = command("recover", "--table", "t", "--before", first());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output()).contains("; if the UPDATE changed keys, rows may be there twice");
    }

    /** Most of what is missing was removed by nobody's loss. */
    @Test
    void a_small_later_loss_does_not_bring_back_what_was_removed_rightly() throws Exception {
        send("UPDATE t SET v = 'x'");
        database.run("DELETE FROM t WHERE id > 500");
        send("DELETE FROM t WHERE id > 490");
        CommandRun run = command("recover", "--table", "t", "--before", first());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output()).contains("510 stored rows of table public.t are not put back");
    }

    /** Rows that somebody inserted between the losses are not the stored ones under other keys. */
    @Test
    void rows_that_came_between_the_losses_stay_and_keep_none_away() throws Exception {
        send("UPDATE t SET v = 'x'");
        database.run("INSERT INTO t SELECT i, 0, 'new' FROM generate_series(1001, 1010) i");
        send("UPDATE t SET v = 'y'", "DELETE FROM t WHERE id > 400 AND id <= 1000");
        recoverAndCopyBack("t", "--before", first());
        List<String> expected = new ArrayList<>(before);
        for (int i = 1001; i <= 1010; i++) {
            expected.add("(" + i + ",0,y)");
        }
        assertThat(database.rows(ROWS)).isEqualTo(expected);
    }

    @Test
    void keys_that_the_first_changed_are_the_stored_ones_again_whatever_else_was_lost() throws Exception {
        send("UPDATE t SET id = id + 5000 WHERE id <= 600", "UPDATE t SET v = 'y' WHERE id > 600 AND id <= 1000");
        recoverAndCopyBack("t", "--before", first());
        assertThat(database.value("SELECT count(*) || ' ' || max(id) FROM t")).isEqualTo("1000 1000");
    }

    @Test
    void rows_that_moved_between_partitions_are_in_one_of_them_after_another_loss() throws Exception {
        database.run(
                "CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k)",
                "CREATE TABLE pa PARTITION OF p FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE pb PARTITION OF p FOR VALUES FROM (100) TO (300)",
                "INSERT INTO p SELECT i, i, 'v' || i FROM generate_series(1, 10) i");
        List<String> stored = database.rows("SELECT p::text FROM p ORDER BY id");
        String moment = Instant.now().toString();
        send("UPDATE p SET k = CASE WHEN id <= 5 THEN k + 100 ELSE k END", "UPDATE pa SET v = 'y'");
        recoverAndCopyBack("p", "--before", moment);
        assertThat(database.rows("SELECT p::text FROM p ORDER BY id")).isEqualTo(stored);
    }

    /** What a text writes behind its TRUNCATE is written rightly, and last. */
    @Test
    void rows_that_were_loaded_again_beside_a_removal_stay() throws Exception {
        send("UPDATE t SET v = 'x'", "TRUNCATE t; INSERT INTO t SELECT i, 1, 'fresh' FROM generate_series(1, 1000) i");
        recoverAndCopyBack("t", "--before", first());
        assertThat(database.value("SELECT count(*) FROM t WHERE v = 'fresh'")).isEqualTo("1000");
    }

    /** Two sequences that others draw from would give the same numbers. */
    @Test
    void a_sequence_that_others_draw_from_keeps_its_name_and_no_script_is_called_ready() throws Exception {
        database.run(
                "CREATE TABLE s (id serial PRIMARY KEY, v text)",
                "CREATE TABLE u (id int DEFAULT nextval('s_id_seq'))",
                "INSERT INTO s (v) VALUES ('a')");
        String moment = Instant.now().toString();
        send("ALTER SEQUENCE s_id_seq OWNED BY NONE", "DROP TABLE s");
        CommandRun run = command("recover", "--table", "s", "--before", moment);
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.output()).contains("something else has the name now: rename that");
    }

    /** The sequence of a copy that was given the table's name by hand has the name that it is to have already. */
    @Test
    void the_sequence_of_the_restored_table_itself_makes_no_room() throws Exception {
        database.run("CREATE TABLE s_recovered (id serial PRIMARY KEY, v text)", "ALTER TABLE s_recovered RENAME TO s");
        database.run("INSERT INTO s (v) VALUES ('a')");
        send("DROP TABLE s");
        recoverAndCopyBack("s");
        assertThat(database.value("INSERT INTO s (v) VALUES ('b') RETURNING id"))
                .isEqualTo("2");
    }
}
