package io.backstop.story;

import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Statements and names that were found to get around the guard or to mislead a recovery, once. */
class HostileStoriesTest extends GuardedStory {
    @Test
    void a_temporary_table_called_like_a_catalog_hides_no_column() throws Exception {
        try (Backstop backstop = protecting("t");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "CREATE TEMPORARY TABLE pg_attribute AS SELECT attrelid, attname, atttypid, attstattarget,"
                            + " attlen, attnum, attndims, atttypmod, attbyval, attalign, attstorage, attcompression, attnotnull,"
                            + " atthasdef, atthasmissing, attidentity, attgenerated, attisdropped, attislocal, attinhcount,"
                            + " attcollation, attacl, attoptions, attfdwoptions FROM pg_catalog.pg_attribute WHERE attname <> 'v'");
            statement.execute("DELETE FROM t WHERE id = 2");
            statement.execute("DELETE FROM t");
        }
        for (SnapshotManifest manifest : archive.list("public", "t")) {
            assertThat(manifest.columns())
                    .extracting(SnapshotManifest.Column::name)
                    .containsExactly("id", "k", "v");
        }
    }

    @Test
    void a_temporary_table_called_like_a_catalog_hides_no_constraint() throws Exception {
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMPORARY TABLE pg_constraint (LIKE pg_catalog.pg_constraint)");
            statement.execute("DROP TABLE t");
        }
        recoverAndCopyBack("t");
        assertThat(database.rows("SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'p'"))
                .containsExactly("t_pkey");
    }

    @Test
    void a_temporary_type_called_like_one_of_the_servers_stops_nothing() throws Exception {
        try (Backstop backstop = protecting("t");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMPORARY TABLE text (x int)");
            assertThat(outcome(statement, "DELETE FROM t WHERE id = 2")).isEqualTo("ok 1");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BEGIN; DELETE FROM t WHERE k < 5; COMMIT",
                "DELETE FROM t WHERE k < 5; COMMIT",
                "COMMIT; DELETE FROM t WHERE k < 5",
                "ROLLBACK; DELETE FROM t WHERE k < 5",
                "DELETE FROM t WHERE k < 5; END",
                "DO 'BEGIN DELETE FROM t WHERE k < 5; END'; COMMIT"
            })
    void what_is_reported_as_rolled_back_was_rolled_back(String text) throws Exception {
        String outcome;
        try (Backstop backstop = backstop("\"max_write_rows_without_critical\": 50")) {
            outcome = outcome(backstop, text);
        }
        assertThat(database.value("SELECT count(*) FROM t")).as(outcome).isEqualTo("1000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"DELETE FROM t WHERE k < 5; COMMIT", "DELETE FROM t WHERE k < 5; SAVEPOINT backstop_statement"})
    void what_is_reported_as_rolled_back_in_a_transaction_was_rolled_back(String text) throws Exception {
        String outcome;
        try (Backstop backstop = backstop("\"max_write_rows_without_critical\": 50");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT 1");
            outcome = outcome(statement, text);
            commitQuietly(connection);
        }
        assertThat(database.value("SELECT count(*) FROM t")).as(outcome).isEqualTo("1000");
    }

    @Test
    void a_batch_that_is_reported_as_rolled_back_was_rolled_back() throws Exception {
        String outcome = "ok";
        try (Backstop backstop = backstop("\"max_write_rows_without_critical\": 50");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.addBatch("DELETE FROM t WHERE k < 5");
            statement.addBatch("COMMIT");
            try {
                statement.executeBatch();
            } catch (SQLException e) {
                outcome = String.valueOf(e.getMessage());
            }
        }
        assertThat(database.value("SELECT count(*) FROM t")).as(outcome).isEqualTo("1000");
    }

    private static void commitQuietly(Connection connection) {
        try {
            connection.commit();
        } catch (SQLException e) {
            // A text that ended the transaction may leave none to be committed.
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM t WHERE k < 5; COMMENT ON TABLE t IS 'x'",
                "CREATE TABLE gone AS WITH x AS (DELETE FROM t WHERE k < 5 RETURNING *) SELECT * FROM x",
                "WITH x AS (DELETE FROM t WHERE k < 5 RETURNING *) SELECT pg_reload_conf() FROM x LIMIT 1"
            })
    void more_rows_than_the_policy_lets_pass_are_saved_whatever_stands_beside(String text) throws Exception {
        try (Backstop backstop = backstop("\"max_write_rows_without_critical\": 50")) {
            String outcome = outcome(backstop, text);
            boolean kept = database.value("SELECT count(*) FROM t").equals("1000");
            assertThat(kept || !archive.list("public", "t").isEmpty())
                    .as("refused or saved, but: " + outcome)
                    .isTrue();
        }
    }

    @Test
    void what_a_deferred_trigger_deletes_is_counted() throws Exception {
        database.run(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF pg_trigger_depth() = 1 THEN"
                        + " DELETE FROM public.t WHERE k < 5; END IF; RETURN NULL; END$$",
                "CREATE CONSTRAINT TRIGGER later AFTER DELETE ON t DEFERRABLE INITIALLY DEFERRED"
                        + " FOR EACH ROW EXECUTE FUNCTION f()");
        try (Backstop backstop = backstop("\"max_write_rows_without_critical\": 50")) {
            String outcome = outcome(backstop, "DELETE FROM t WHERE id = 9");
            boolean kept = Integer.parseInt(database.value("SELECT count(*) FROM t")) >= 950;
            assertThat(kept || !archive.list("public", "t").isEmpty())
                    .as("refused or saved, but: " + outcome)
                    .isTrue();
        }
    }

    @Test
    void a_name_does_not_become_sql_in_the_script() throws Exception {
        String name = "\"x\nDROP TABLE IF EXISTS precious;\n--\"";
        database.run(
                "CREATE TABLE precious (id int)",
                "CREATE TABLE " + name + " (id int PRIMARY KEY)",
                "INSERT INTO " + name + " VALUES (1), (2)");
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "DELETE FROM " + name)).isEqualTo("ok 2");
        }
        recoverAndCopyBack(name);
        assertThat(database.value("SELECT to_regclass('precious')")).isEqualTo("precious");
    }

    @Test
    void a_companions_name_does_not_become_sql_in_the_notes() throws Exception {
        String name = "\"x\nDROP TABLE IF EXISTS precious;\n--\"";
        database.run(
                "CREATE TABLE precious (id int)", "CREATE TABLE " + name + " (id int REFERENCES t ON DELETE CASCADE)");
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "DELETE FROM t")).isEqualTo("ok 1000");
        }
        recoverAndCopyBack("t");
        assertThat(database.value("SELECT to_regclass('precious')")).isEqualTo("precious");
    }

    @Test
    void a_name_like_a_placeholder_of_the_script_stays_a_name() {
        CommandRun run =
                CommandRun.of("restore-copyback-plan", "--source-table", "\"a b\"", "--target-table", "\"{source}\"");
        assertThat(run.output()).contains("target_name CONSTANT text := '{source}'");
    }

    @Test
    void another_databases_rows_are_not_restored() throws Exception {
        String here = database.value("SELECT current_database()");
        String there = here + "_b";
        database.run("CREATE DATABASE " + there);
        try {
            TestDatabase other = new TestDatabase(database.url().replace("/" + here + "?", "/" + there + "?"));
            other.run(
                    "CREATE TABLE t (id int PRIMARY KEY, k int, v text)",
                    "INSERT INTO t VALUES (1, 1, 'of the other database')");
            try (Backstop backstop = backstop("")) {
                assertThat(outcome(backstop, "DROP TABLE t")).isEqualTo("ok 0");
                try (Connection connection = backstop.guard(other.connect());
                        Statement statement = connection.createStatement()) {
                    assertThat(outcome(statement, "DELETE FROM t")).isEqualTo("ok 1");
                }
            }
            recoverAndCopyBack("t");
            assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
        } finally {
            database.run("DROP DATABASE " + there + " WITH (FORCE)");
        }
    }

    @Test
    void another_databases_snapshot_is_not_planned_by() throws Exception {
        String here = database.value("SELECT current_database()");
        String there = here + "_c";
        database.run("CREATE DATABASE " + there);
        try {
            TestDatabase other = new TestDatabase(database.url().replace("/" + here + "?", "/" + there + "?"));
            other.run("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)");
            try (Backstop backstop = backstop("");
                    Connection connection = backstop.guard(other.connect());
                    Statement statement = connection.createStatement()) {
                assertThat(outcome(backstop, "DELETE FROM t")).isEqualTo("ok 1000");
                assertThat(outcome(statement, "DELETE FROM t")).isEqualTo("ok 1");
            }
            assertThat(recover("t").exitCode()).isZero();
            CommandRun plan = command("restore-copyback-plan", "--source-table", "t_recovered", "--target-table", "t");
            assertThat(plan.exitCode()).as(plan.errors()).isZero();
            assertThat(plan.errors())
                    .isEqualTo("note: 1 snapshots of tables of that name in other databases were passed over\n");
            database.run(plan.output());
            assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
        } finally {
            database.run("DROP DATABASE " + there + " WITH (FORCE)");
        }
    }

    @ParameterizedTest
    @EnumSource(value = Step.class, names = "COMMITTED", mode = EnumSource.Mode.EXCLUDE)
    void a_capture_that_breaks_is_a_refusal_and_the_session_goes_on(Step at) throws Exception {
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            meanwhile = step -> {
                if (step == at) {
                    throw new SQLException("listener");
                }
            };
            String refusal = "ZB007 the rows could not be " + (at == Step.COPYING ? "stored" : "secured");
            assertThat(outcome(statement, "DELETE FROM t")).startsWith(refusal);
            assertThat(connection.getAutoCommit()).isTrue();
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO t VALUES (0, 0, 'mine')");
            assertThat(outcome(statement, "DELETE FROM t")).startsWith(refusal);
            connection.commit();
            assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1001");
            assertThat(archive.list()).isEmpty();
        }
    }

    @Test
    void a_statement_that_was_undone_leaves_no_snapshot_that_recovery_takes() throws Exception {
        database.run(
                "CREATE TABLE other (id int)",
                "INSERT INTO other VALUES (1)",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$BEGIN DELETE FROM public.other; RETURN OLD; END$$");
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "DELETE FROM t")).isEqualTo("ok 1000");
            database.run(
                    "CREATE TRIGGER f BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()",
                    "INSERT INTO t VALUES (7, 7, 'new')");
            assertThat(outcome(backstop, "DELETE FROM t")).startsWith("ZB007");
        }
        recoverAndCopyBack("t");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
    }

    @Test
    void a_statement_that_the_server_refused_leaves_no_snapshot_that_recovery_takes() throws Exception {
        List<String> before = database.rows("SELECT * FROM t ORDER BY id");
        try (Backstop backstop = protecting("t")) {
            assertThat(outcome(backstop, "DELETE FROM t WHERE id <= 10")).isEqualTo("ok 10");
            assertThat(outcome(backstop, "UPDATE t SET id = 600 WHERE id = 500"))
                    .startsWith("23505");
        }
        recoverAndCopyBack("t");
        assertThat(database.rows("SELECT * FROM t ORDER BY id")).isEqualTo(before);
    }

    @Test
    void a_few_rows_do_not_take_the_place_of_the_table() throws Exception {
        try (Backstop backstop = protecting("t")) {
            assertThat(outcome(backstop, "DELETE FROM t WHERE id <= 10")).isEqualTo("ok 10");
        }
        database.run("ALTER TABLE t ALTER COLUMN k TYPE bigint");
        CommandRun run = recover("t");
        if (run.exitCode() == 0) {
            database.run(run.output());
        }
        assertThat(Integer.parseInt(database.value("SELECT count(*) FROM t"))).isGreaterThanOrEqualTo(990);
    }

    @Test
    void what_a_few_rows_took_along_is_told() throws Exception {
        database.run("CREATE TABLE child (id int REFERENCES t ON DELETE CASCADE)", "INSERT INTO child VALUES (1), (2)");
        try (Backstop backstop = protecting("t")) {
            assertThat(outcome(backstop, "DELETE FROM t WHERE id = 1")).isEqualTo("ok 1");
        }
        assertThat(archive.list("public", "t").get(0).rowCount()).isEqualTo(1);
        assertThat(recover("t").output()).contains("public.child was stored in the same recovery group");
    }

    private void partitions() throws SQLException {
        database.run(
                "CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
                "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)",
                "INSERT INTO p SELECT i, 1 + i % 2, 'old' || i FROM generate_series(1, 100) i");
    }

    @Test
    void rows_of_a_partitioned_table_come_back_by_its_name() throws Exception {
        partitions();
        List<String> before = database.rows("SELECT * FROM p ORDER BY id, k");
        try (Backstop backstop = protecting("p")) {
            assertThat(outcome(backstop, "DELETE FROM p WHERE id < 20")).isEqualTo("ok 19");
        }
        recoverAndCopyBack("p");
        assertThat(database.rows("SELECT * FROM p ORDER BY id, k")).isEqualTo(before);
    }

    @Test
    void an_older_snapshot_of_a_partitioned_table_is_not_taken_for_the_newest() throws Exception {
        partitions();
        try (Backstop backstop = protecting("p")) {
            assertThat(outcome(backstop, "UPDATE p SET v = 'new' || id")).isEqualTo("ok 100");
            List<String> before = database.rows("SELECT * FROM p ORDER BY id, k");
            assertThat(outcome(backstop, "DELETE FROM p WHERE id < 20")).isEqualTo("ok 19");
            recoverAndCopyBack("p");
            assertThat(database.rows("SELECT * FROM p ORDER BY id, k")).isEqualTo(before);
        }
    }

    @Test
    void a_row_that_moved_to_another_partition_does_not_come_back_twice_unsaid() throws Exception {
        partitions();
        try (Backstop backstop = protecting("p")) {
            assertThat(outcome(backstop, "UPDATE p SET k = 2 WHERE k = 1 AND id > 0"))
                    .isEqualTo("ok 50");
        }
        CommandRun run = recover("p1");
        database.run(run.output());
        assertThat(database.value("SELECT count(*) - count(DISTINCT id) FROM p").equals("0")
                        || run.output().contains("they are there twice"))
                .isTrue();
    }

    @Test
    void a_partitions_trigger_stays_disabled() throws Exception {
        partitions();
        database.run(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE TRIGGER f BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION f()",
                "ALTER TABLE p1 DISABLE TRIGGER f");
        String triggers = "SELECT tgrelid::regclass, tgenabled FROM pg_trigger WHERE tgname = 'f' ORDER BY 1";
        List<String> before = database.rows(triggers);
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "DELETE FROM p")).isEqualTo("ok 100");
        }
        recoverAndCopyBack("p");
        assertThat(database.rows(triggers)).isEqualTo(before);
    }

    @Test
    void an_advisory_lock_is_taken_once() throws Exception {
        try (Backstop backstop = protecting("t");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            assertThat(outcome(statement, "DELETE FROM t WHERE id = 1 AND pg_try_advisory_lock(id)"))
                    .isEqualTo("ok 1");
            statement.execute("SELECT pg_advisory_unlock(1)");
            assertThat(database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
                    .isEqualTo("0");
        }
    }

    @Test
    void a_statement_that_lets_go_of_an_advisory_lock_takes_its_row() throws Exception {
        try (Backstop backstop = protecting("t");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(7)");
            assertThat(outcome(statement, "DELETE FROM t WHERE id = 7 AND pg_advisory_unlock(id)"))
                    .isEqualTo("ok 1");
        }
    }

    @Test
    void a_listener_that_fails_after_the_commit_does_not_make_it_a_failure() throws Exception {
        meanwhile = step -> {
            if (step == Step.COMMITTED) {
                throw new SQLException("listener");
            }
        };
        try (Backstop backstop = protecting("t")) {
            assertThat(outcome(backstop, "DELETE FROM t WHERE id = 1")).isEqualTo("ok 1");
        }
    }
}
