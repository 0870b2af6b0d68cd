package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;

/** Tables that were secured, and of which a recovery makes something else, or nothing. */
class HostileRecoveriesTest extends GuardedStory {
    /** Runs it behind Backstop, which has to let it run. */
    private void guarded(String sql) throws SQLException, IOException {
        try (Backstop backstop = backstop("\"block_operations\": []")) {
            execute(backstop, sql);
        }
    }

    /** Sets it for all new sessions, and back. */
    private void during(String setting, Action action) throws Exception {
        String alter = "ALTER DATABASE \"" + database.value("SELECT current_database()") + "\" ";
        database.run(alter + "SET " + setting);
        try {
            action.run();
        } finally {
            database.run(alter + "RESET ALL");
        }
    }

    interface Action {
        void run() throws Exception;
    }

    // A type that comes with a table.

    @Test
    void a_table_that_holds_rows_of_a_lost_tables_type_waits_for_that_table() throws Exception {
        database.run(
                "CREATE TABLE hist (id int PRIMARY KEY, old t)", "INSERT INTO hist SELECT 1, t FROM t WHERE id = 1");
        guarded("DROP TABLE t, hist");
        CommandRun early = recover("hist");
        assertThat(early.exitCode()).isNotZero();
        assertThat(early.errors())
                .contains("row type of table public.t is missing: bring that back first, and put it in its place");
        assertThat(database.value(
                        "SELECT to_regtype('public.t') IS NULL AND to_regclass('public.hist_recovered') IS NULL"))
                .isEqualTo("t");
        recoverAndCopyBack("t");
        recoverAndCopyBack("hist");
        assertThat(database.rows("SELECT (old).v FROM hist")).containsExactly("v1");
    }

    // What hangs on a table and cannot be made as it was.

    @Test
    void a_materialized_view_that_cannot_be_filled_keeps_nothing_else_away() throws Exception {
        database.run(
                "SET app.factor = 7",
                "CREATE MATERIALIZED VIEW \"100%\" AS SELECT id * current_setting('app.factor')::int AS n FROM t WHERE id = 2",
                "CREATE MATERIALIZED VIEW filled AS SELECT count(*) AS n FROM t");
        guarded("DROP TABLE t CASCADE");
        recoverAndCopyBack("t");
        assertThat(database.rows("SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1"))
                .containsExactly("100%|f", "filled|t");
        database.run("SET app.factor = 7", "REFRESH MATERIALIZED VIEW \"100%\"");
        assertThat(database.rows("SELECT * FROM \"100%\"")).containsExactly("14");
        assertThat(database.value("SELECT n FROM filled")).isEqualTo("1000");
    }

    // A sequence that several tables draw from.

    @Test
    void a_partitioned_table_with_a_serial_column_comes_back() throws Exception {
        database.run(
                "CREATE TABLE p (id serial, k int) PARTITION BY LIST (k)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
                "INSERT INTO p (k) VALUES (1), (1)");
        guarded("DROP TABLE p");
        recoverAndCopyBack("p");
        database.run("INSERT INTO p (k) VALUES (1)");
        assertThat(database.rows("SELECT id FROM p ORDER BY id")).containsExactly("1", "2", "3");
    }

    @Test
    void a_partitioned_table_with_a_serial_column_comes_back_with_the_type_that_it_had() throws Exception {
        database.run(
                "CREATE TABLE p (id serial, k int) PARTITION BY LIST (k)",
                "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
                "INSERT INTO p (k) VALUES (1), (1)");
        guarded("ALTER TABLE p ALTER COLUMN id TYPE bigint");
        recoverAndCopyBack("p");
        assertThat(database.value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                        + " WHERE attrelid = 'p'::regclass AND attname = 'id'"))
                .isEqualTo("integer");
    }

    @Test
    void a_child_that_inherits_a_serial_column_comes_back_with_its_parent() throws Exception {
        database.run(
                "CREATE TABLE parent (id serial PRIMARY KEY, v text)",
                "CREATE TABLE child () INHERITS (parent)",
                "INSERT INTO parent (v) VALUES ('of the parent')",
                "INSERT INTO child (v) VALUES ('of the child')");
        guarded("DROP TABLE parent CASCADE");
        recoverAndCopyBack("parent", "--group");
        assertThat(database.rows("SELECT id FROM parent ORDER BY id")).containsExactly("1", "2");
    }

    @Test
    void a_table_made_like_another_with_its_defaults_comes_back_with_it() throws Exception {
        database.run(
                "CREATE TABLE a (id serial PRIMARY KEY)",
                "CREATE TABLE b (LIKE a INCLUDING DEFAULTS)",
                "INSERT INTO a DEFAULT VALUES",
                "INSERT INTO b DEFAULT VALUES");
        guarded("DROP TABLE a, b");
        recoverAndCopyBack("a", "--group");
        assertThat(database.rows("SELECT id FROM a UNION ALL SELECT id FROM b")).containsExactly("1", "2");
    }

    // What hangs on two relations is made once.

    @Test
    void a_view_that_is_written_through_a_rule_comes_back_with_its_table() throws Exception {
        database.run(
                "CREATE VIEW w AS SELECT id FROM t",
                "CREATE RULE into_t AS ON INSERT TO w DO INSTEAD INSERT INTO t VALUES (NEW.id)");
        guarded("DROP TABLE t CASCADE");
        recoverAndCopyBack("t");
        database.run("INSERT INTO w VALUES (5000)");
        assertThat(database.value("SELECT count(*) FROM w")).isEqualTo("1001");
    }

    @Test
    void a_policy_that_reads_another_table_comes_back_with_both() throws Exception {
        database.run(
                "CREATE TABLE member (id int PRIMARY KEY)",
                "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY mine ON t USING (EXISTS (SELECT FROM member WHERE member.id = k))");
        guarded("DROP TABLE t, member CASCADE");
        recoverAndCopyBack("t", "--group");
        assertThat(database.value("SELECT count(*) FROM pg_policies WHERE tablename = 't'"))
                .isEqualTo("1");
    }

    @Test
    void a_rule_that_writes_another_table_comes_back_with_both() throws Exception {
        database.run(
                "CREATE TABLE log (id int)", "CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO log VALUES (NEW.id)");
        guarded("DROP TABLE t, log CASCADE");
        recoverAndCopyBack("t", "--group");
        assertThat(database.value("SELECT count(*) FROM pg_rules WHERE tablename = 't'"))
                .isEqualTo("1");
    }

    @Test
    void a_constraint_trigger_that_refers_to_another_table_comes_back_with_both() throws Exception {
        database.run(
                "CREATE TABLE other (id int)",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t FROM other DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()");
        guarded("DROP TABLE t, other CASCADE");
        recoverAndCopyBack("t", "--group");
        assertThat(database.value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgname = 'c'"))
                .isEqualTo("1");
    }

    // What a table needs.

    @Test
    void a_function_with_a_body_in_standard_sql_is_made_again() throws Exception {
        database.run(
                "CREATE SCHEMA app",
                "CREATE FUNCTION app.positive(i int) RETURNS boolean LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT i > 0; END",
                "CREATE TABLE app.x (id int PRIMARY KEY CHECK (app.positive(id)))",
                "INSERT INTO app.x VALUES (1)");
        guarded("DROP SCHEMA app CASCADE");
        CommandRun recovery = recover("x");
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        assertThat(database.value("SELECT count(*) FROM app.x_recovered")).isEqualTo("1");
    }

    @Test
    void a_domain_whose_default_was_written_without_a_schema_is_made_again() throws Exception {
        database.run("CREATE SCHEMA app");
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = app");
            statement.execute("CREATE FUNCTION fortytwo() RETURNS int LANGUAGE sql AS 'SELECT 42'");
            statement.execute("CREATE DOMAIN number AS int DEFAULT fortytwo()");
            statement.execute("CREATE TABLE x (id int PRIMARY KEY, n number)");
            statement.execute("INSERT INTO x (id) VALUES (1)");
        }
        guarded("DROP SCHEMA app CASCADE");
        recoverAndCopyBack("x");
        database.run("INSERT INTO app.x (id) VALUES (2)");
        assertThat(database.rows("SELECT n FROM app.x ORDER BY id")).containsExactly("42", "42");
    }

    // Names.

    @Test
    void partitions_whose_long_names_begin_alike_come_back() throws Exception {
        String partition = "measurements_of_all_devices_in_the_northern_hemisphere_2024";
        database.run(
                "CREATE TABLE p (id int, k int) PARTITION BY LIST (k)",
                "CREATE TABLE " + partition + "_01 PARTITION OF p FOR VALUES IN (1)",
                "CREATE TABLE " + partition + "_02 PARTITION OF p FOR VALUES IN (2)",
                "INSERT INTO p SELECT i, 1 + i % 2 FROM generate_series(1, 100) i");
        guarded("DROP TABLE p");
        recoverAndCopyBack("p");
        assertThat(database.value("SELECT count(*) FROM p")).isEqualTo("100");
    }

    @Test
    void a_database_whose_name_ends_like_this_ones_is_another_one() throws Exception {
        String here = database.value("SELECT current_database()");
        database.run("CREATE DATABASE \"copy/" + here + "\"");
        try {
            TestDatabase other = new TestDatabase(database.url().replace("/" + here + "?", "/copy%2F" + here + "?"));
            other.run(
                    "CREATE TABLE t (id int PRIMARY KEY, k int, v text)",
                    "INSERT INTO t VALUES (1, 1, 'of the other')");
            guarded("DROP TABLE t");
            try (Backstop backstop = backstop("");
                    Connection connection = backstop.guard(other.connect());
                    Statement statement = connection.createStatement()) {
                statement.execute("DELETE FROM t");
            }
            recoverAndCopyBack("t");
            assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
        } finally {
            database.run("DROP DATABASE \"copy/" + here + "\" WITH (FORCE)");
        }
    }

    @Test
    void a_temporary_table_is_restored_under_the_name_that_is_asked_for() throws Exception {
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMPORARY TABLE passing (id int)");
            statement.execute("INSERT INTO passing VALUES (1)");
            statement.execute("DROP TABLE passing");
        }
        String id = archive.list().get(0).snapshotId();
        CommandRun run =
                command("restore", "--table", "passing", "--snapshot-id", id, "--target-table", "passing_recovered");
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(database.value("SELECT count(*) FROM public.passing_recovered"))
                .isEqualTo("1");
    }

    // Which snapshot.

    @Test
    void rows_are_not_forgotten_over_a_newer_snapshot_without_them() throws Exception {
        guarded("DELETE FROM t");
        String id = archive.list("public", "t").get(0).snapshotId();
        guarded("DELETE FROM t");
        CommandRun recovery = recover("t");
        assertThat(recovery.output() + recovery.errors())
                .as("the snapshot that holds the rows is taken, or told")
                .contains(id);
    }

    @Test
    void rows_that_were_never_committed_are_not_put_back() throws Exception {
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("INSERT INTO t VALUES (9999, 1, 'never committed')");
            statement.execute("DELETE FROM t");
            connection.rollback();
        }
        CommandRun recovery = recover("t");
        if (recovery.exitCode() == 0) {
            database.run(recovery.output());
        }
        assertThat(database.value("SELECT count(*) FROM t WHERE id = 9999")).isEqualTo("0");
    }

    @Test
    void a_storage_whose_folder_of_snapshots_is_a_link_is_read_as_it_is_written() throws Exception {
        Path root = Files.createDirectories(folder.resolve("snapshots"));
        Files.createSymbolicLink(root.resolve("snapshots"), Files.createDirectories(folder.resolve("large-disk")));
        guarded("DROP TABLE t");
        recoverAndCopyBack("t");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
    }

    // Settings of who restores.

    @Test
    void nulls_in_arrays_come_back_as_nulls() throws Exception {
        database.run(
                "CREATE TYPE pair AS (a int, b int)",
                "CREATE TABLE x (id int PRIMARY KEY, p pair, names text[])",
                "INSERT INTO x VALUES (1, ROW (1, 2), ARRAY['a', NULL])");
        guarded("DROP TABLE x");
        String id = archive.list("public", "x").get(0).snapshotId();
        during("array_nulls = off", () -> {
            CommandRun run = command("restore", "--table", "x", "--snapshot-id", id);
            assertThat(run.exitCode()).as(run.errors()).isZero();
        });
        assertThat(database.value("SELECT names[2] IS NULL FROM x_recovered")).isEqualTo("t");
    }

    @Test
    void a_number_that_differs_in_its_last_digit_is_put_back() throws Exception {
        database.run("CREATE TABLE x (id int PRIMARY KEY, n float8)", "INSERT INTO x VALUES (1, 0.1)");
        guarded("UPDATE x SET n = 0.10000000000000002");
        CommandRun recovery = recover("x");
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        during("extra_float_digits = 0", () -> database.run(recovery.output()));
        assertThat(database.value("SELECT n = 0.1 FROM x")).isEqualTo("t");
    }

    @Test
    void a_restore_may_take_longer_than_a_transaction_of_the_application() throws Exception {
        Assumptions.assumeTrue(database.majorVersion() >= 17, "there is no transaction_timeout before");
        database.run(
                "CREATE TABLE x AS SELECT i AS id, repeat(md5(i::text), 4) AS v FROM generate_series(1, 200000) i",
                "ALTER TABLE x ADD PRIMARY KEY (id)");
        guarded("DROP TABLE x");
        during("transaction_timeout = '300ms'", () -> {
            CommandRun run = recover("x");
            assertThat(run.exitCode()).as(run.errors()).isZero();
        });
    }

    @Test
    void values_of_a_unique_column_that_moved_up_by_one_are_put_back() throws Exception {
        database.run(
                "CREATE TABLE x (id int PRIMARY KEY, place int UNIQUE)",
                "INSERT INTO x SELECT i, 1001 - i FROM generate_series(1, 1000) i");
        guarded("UPDATE x SET place = place + 1");
        recoverAndCopyBack("x");
        assertThat(database.value("SELECT count(*) FROM x WHERE place = 1001 - id"))
                .isEqualTo("1000");
    }

    @Test
    void nobody_needs_a_look_at_a_sequence_that_an_identity_column_owns() throws Exception {
        database.run(
                "CREATE TABLE x (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)",
                "INSERT INTO x (v) VALUES ('a'), ('b')",
                "DROP ROLE IF EXISTS writer_of_x",
                "CREATE ROLE writer_of_x LOGIN",
                "GRANT USAGE ON SCHEMA public TO writer_of_x",
                "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON x TO writer_of_x");
        String url = database.url().replaceFirst("user=[^&]*", "user=writer_of_x");
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(DriverManager.getConnection(url));
                Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO x (v) VALUES ('c')");
            assertThat(statement.executeUpdate("DELETE FROM x")).isEqualTo(3);
        } finally {
            database.run("DROP OWNED BY writer_of_x", "DROP ROLE writer_of_x");
        }
    }
}
