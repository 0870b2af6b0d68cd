package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Where a policy lets CRITICAL statements run, a protected table is stored before its rows get a name or place by which the
 * policy would not know them.
 */
class ReleasedTablesTest extends GuardedStory {
    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "DROP SCHEMA IF EXISTS s2 CASCADE",
                "DROP SCHEMA IF EXISTS s3 CASCADE",
                "CREATE SCHEMA s2",
                "CREATE TABLE p (id int PRIMARY KEY, x int)",
                "INSERT INTO p SELECT i, i FROM generate_series(1, 900) i",
                "CREATE TABLE parts (id int, x int) PARTITION BY RANGE (id)",
                "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (451)",
                "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (451) TO (901)",
                "INSERT INTO parts SELECT i, i FROM generate_series(1, 900) i",
                "CREATE TABLE child () INHERITS (p)",
                "INSERT INTO child SELECT i, i FROM generate_series(1001, 1010) i");
    }

    @AfterEach
    void nameTheSchemaBack() throws SQLException {
        if (database.value("SELECT to_regnamespace('public') IS NULL").equals("t")) {
            database.run("ALTER SCHEMA s3 RENAME TO public");
        }
    }

    private long stored(String... tables) throws Exception {
        assertThat(archive.contents().undecided()).isEmpty();
        return archive.list().stream()
                .filter(manifest -> List.of(tables).contains(manifest.table()))
                .mapToLong(SnapshotManifest::rowCount)
                .sum();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE p RENAME TO q",
                "ALTER TABLE public.p SET SCHEMA s2",
                "ALTER TABLE IF EXISTS p RENAME TO \"schema\"",
                "/* */ ALTER TABLE \"p\" /* x */ RENAME /* */ TO u",
                "ALTER SCHEMA public RENAME TO s3"
            })
    void a_table_is_stored_before_it_gets_another_name_or_place(String sql) throws Exception {
        try (Backstop backstop = protecting("public.p")) {
            assertThat(outcome(backstop, sql)).isEqualTo("ok 0");
        }
        assertThat(stored("p")).isEqualTo(900);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ALTER TABLE parts DETACH PARTITION parts_1", "ALTER TABLE parts RENAME TO q"})
    void a_partitioned_table_is_stored_with_its_partitions(String sql) throws Exception {
        try (Backstop backstop = protecting("parts")) {
            assertThat(outcome(backstop, sql)).isEqualTo("ok 0");
        }
        assertThat(stored("parts", "parts_1", "parts_2")).isEqualTo(900);
    }

    @Test
    void a_child_does_not_leave_it_by_its_own_name() throws Exception {
        try (Backstop backstop = protecting("p")) {
            assertThat(outcome(backstop, "ALTER TABLE child NO INHERIT p")).startsWith("ZB010 ");
        }
    }

    @Test
    void what_runs_in_no_transaction_does_not_run() throws Exception {
        try (Backstop backstop = protecting("parts")) {
            assertThat(outcome(backstop, "ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY"))
                    .doesNotStartWith("ok");
        }
        assertThat(database.value("SELECT count(*) FROM parts")).isEqualTo("900");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"ALTER TABLE p RENAME COLUMN x TO z", "ALTER TABLE p RENAME x TO z", "ALTER TABLE p RENAME TO q"
            })
    void a_table_with_protected_columns_is_stored_before_these_get_another_name(String sql) throws Exception {
        try (Backstop backstop = backstop("\"protected_columns\": {\"p\": [\"x\"]}")) {
            assertThat(outcome(backstop, sql)).isEqualTo("ok 0");
        }
        assertThat(stored("p")).isEqualTo(900);
    }

    @Test
    void rows_that_were_changed_under_another_name_are_stored() throws Exception {
        try (Backstop backstop = protecting("p");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String sql : List.of(
                    "ALTER TABLE p RENAME TO q",
                    "UPDATE q SET x = 0 WHERE id <= 300",
                    "DELETE FROM q WHERE id > 500",
                    "ALTER TABLE q RENAME TO p")) {
                statement.execute(sql);
            }
            connection.commit();
        }
        assertThat(stored("p")).isGreaterThanOrEqualTo(900);
    }

    @Test
    void nothing_is_stored_of_what_leaves_it_where_it_is() throws Exception {
        try (Backstop backstop = protecting("p")) {
            assertThat(outcome(backstop, "ALTER TABLE p ADD COLUMN y int")).isEqualTo("ok 0");
            assertThat(outcome(backstop, "COMMENT ON TABLE p IS 'x'")).isEqualTo("ok 0");
            assertThat(outcome(backstop, "ALTER TABLE t RENAME TO u")).isEqualTo("ok 0");
        }
        assertThat(archive.list()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE p RENAME TO q",
                "ALTER TABLE p SET SCHEMA s2",
                "ALTER SCHEMA public RENAME TO s3",
                "ALTER TABLE p RENAME COLUMN x TO z",
                "ALTER TABLE child NO INHERIT p"
            })
    void code_behind_the_snapshot_of_another_table_does_not_free_it(String move) throws Exception {
        database.run(
                "CREATE TABLE u (id int PRIMARY KEY, v text)",
                "INSERT INTO u VALUES (1, 'a')",
                "CREATE FUNCTION moving() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN EXECUTE 'alter ' || '"
                        + move.substring("ALTER ".length()) + "'; RETURN null; END $f$",
                "CREATE FUNCTION moved() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN EXECUTE 'alter ' || '"
                        + move.substring("ALTER ".length()) + "'; RETURN 1; END $f$",
                "CREATE TRIGGER a BEFORE TRUNCATE ON u FOR EACH STATEMENT EXECUTE FUNCTION moving()",
                "CREATE TRIGGER b AFTER UPDATE ON u FOR EACH STATEMENT EXECUTE FUNCTION moving()",
                "CREATE CONSTRAINT TRIGGER c AFTER DELETE ON u DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                        + " EXECUTE FUNCTION moving()");
        List<String> before = places();
        try (Backstop backstop =
                backstop("\"protected_tables\": [\"public.p\"], \"protected_columns\": {\"public.p\": [\"x\"]}")) {
            for (String sql : List.of(
                    "TRUNCATE u",
                    "UPDATE u SET v = 'b'",
                    "DELETE FROM u",
                    "ALTER TABLE u ALTER v TYPE int USING public.moved()",
                    "DELETE FROM u WHERE public.moved() = 1")) {
                assertThat(outcome(backstop, sql)).as(sql).startsWith("ZB0");
                assertThat(places()).as(sql).isEqualTo(before);
            }
        }
        assertThat(archive.list()).isEmpty();
    }

    private List<String> places() throws SQLException {
        return database.rows(
                "SELECT n.nspname, c.relname, string_agg(a.attname, ',' ORDER BY attnum), (SELECT count(*) FROM"
                        + " pg_inherits WHERE inhrelid = c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                        + " JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0"
                        + " WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_|^information' GROUP BY c.oid, 1, 2 ORDER BY 1, 2");
    }
}
