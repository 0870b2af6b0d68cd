package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What code of the user's does where nobody approved it: counted, and told from what others do and what harms nobody. */
@Sampled
@ExtendWith(PostgresExtension.class)
class UnseenCodeTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private ApplicationGuard guard;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE other (id int, gone int, v text)",
                "ALTER TABLE other DROP COLUMN gone",
                "INSERT INTO other SELECT i, 'v' FROM generate_series(1, 50) i",
                "CREATE FUNCTION any_number() RETURNS int LANGUAGE sql AS 'SELECT 1'");
        guard = new ApplicationGuard(database, folder);
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT query_to_xml('SELECT wipe()', true, true, '')",
                "SELECT query_to_xml('SELECT wi' || 'pe()', true, true, '')",
                "SELECT ts_stat('SELECT to_tsvector(wipe()::text)')",
                "SELECT table_to_xml('wipes', true, true, '')",
                "SELECT schema_to_xml('public', true, true, '')",
                "SELECT * FROM crosstab('SELECT wipe(), 1, 1') AS (a int, b int)",
                "SELECT brin_summarize_new_values('summarized')",
                "SELECT brin_summarize_range('summarized', 5)"
            })
    void what_a_built_in_function_runs_by_text_or_name_is_counted(String sql) throws SQLException {
        database.run(
                "CREATE EXTENSION IF NOT EXISTS tablefunc",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.users; RETURN 1; END'",
                "CREATE VIEW wipes AS SELECT wipe()",
                "CREATE FUNCTION code(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
                // else the server's own VACUUM may summarize it first
                "CREATE TABLE summarized (id int) WITH (autovacuum_enabled = false)",
                "CREATE INDEX summarized_id ON summarized USING brin (code(id)) WITH (pages_per_range = 1)",
                "INSERT INTO summarized SELECT generate_series(1, 5000)",
                "CREATE OR REPLACE FUNCTION code(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN public.wipe(); END'");
        String call = sql.replace("'summarized'", "'summarized_id'");
        assertThatThrownBy(() -> guard.execute(call)).isInstanceOf(ImpactLimitException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT query_to_xml('SELECT dblink_exec(''%s'', ''DELETE FROM users'')', true, true, '')",
                "SELECT * FROM crosstab('SELECT dblink_exec(''%s'', ''DELETE FROM users''), 1, 1') AS (a text, b int)"
            })
    void text_that_leaves_its_transaction_is_not_run(String sql) throws SQLException {
        database.run(
                "CREATE EXTENSION IF NOT EXISTS tablefunc",
                "CREATE EXTENSION IF NOT EXISTS dblink",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id");
        String place = database.url().replaceFirst("^jdbc:", "");
        assertThatThrownBy(() -> guard.execute(sql.formatted(place))).isInstanceOf(ImpactLimitException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT query_to_xml('SELECT 1', true, true, '')",
                "SELECT table_to_xml('other', true, true, '')",
                "SELECT pg_stat_reset_shared('bgwriter')",
                "SELECT pg_switch_wal()"
            })
    void what_changes_no_rows_is_no_hindrance(String sql) throws SQLException {
        for (boolean open : new boolean[] {false, true}) {
            guard.connection().setAutoCommit(!open);
            guard.execute(sql);
        }
        guard.connection().commit();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "it emptied or rewrote table other: TRUNCATE other",
                "it dropped table other: DROP TABLE other",
                "it dropped a column of other: ALTER TABLE other DROP COLUMN v"
            })
    void what_takes_no_row_by_row_is_found_and_rolled_back(String reasonAndDeed) throws SQLException {
        String[] parts = reasonAndDeed.split(": ", 2);
        for (boolean open : new boolean[] {false, true}) {
            guard.connection().setAutoCommit(!open);
            assertThatThrownBy(() -> guard.execute("DO 'BEGIN " + parts[1] + "; END'"))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageStartingWith("the write was rolled back: " + parts[0]);
            guard.execute("SELECT v FROM other");
        }
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("50");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DO 'BEGIN ALTER TABLE other ADD COLUMN w int; END'",
                "DO 'BEGIN CREATE TEMP TABLE passing (a int, b int); TRUNCATE passing;"
                        + " ALTER TABLE passing DROP COLUMN a; DROP TABLE passing; END'",
                "DO 'BEGIN CREATE TABLE made (a int); DROP TABLE made; END'",
                "DO 'BEGIN LOCK TABLE other; END'",
                "ALTER TABLE other ADD COLUMN w int DEFAULT any_number()"
            })
    void what_takes_nothing_away_runs(String sql) throws SQLException {
        guard.execute(sql);
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("50");
    }

    /** A table that the text alters, and code that empties it or another of its tree. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE other ADD COLUMN z int; DO 'BEGIN TRUNCATE other; END'",
                "DO 'BEGIN TRUNCATE other; END'; ALTER TABLE other ADD COLUMN z int",
                "ALTER TABLE other ADD COLUMN z int; SELECT empty_other()",
                "ALTER TABLE other SET UNLOGGED; SELECT empty_other()",
                "ALTER TABLE other RENAME TO o2; DO 'BEGIN TRUNCATE o2; END'; ALTER TABLE o2 RENAME TO other",
                "CREATE INDEX i ON other (v); CLUSTER other USING i; SELECT empty_other()",
                "ALTER TABLE other ADD COLUMN z int; UPDATE setting_off SET a = 2 WHERE a = 1",
                "ALTER TABLE dummy ADD COLUMN z int; DO 'BEGIN TRUNCATE other; ALTER TABLE dummy RENAME TO d2;"
                        + " ALTER TABLE other RENAME TO dummy; END'",
                "ALTER TABLE parent ADD COLUMN z int; DO 'BEGIN TRUNCATE other; END'",
                "ALTER TABLE parent ADD CHECK (empty_other() = 1)",
                "ALTER TABLE parted ADD COLUMN q int DEFAULT empty_part()"
            })
    void an_altered_table_is_not_emptied_beside(String sql) throws SQLException {
        database.run(
                "CREATE TABLE dummy (v int)",
                "CREATE TABLE parent (v text)",
                "INSERT INTO parent VALUES ('p')",
                "CREATE TABLE setting_off (a int)",
                "INSERT INTO setting_off VALUES (1), (2), (3)",
                "CREATE TABLE parted (k int) PARTITION BY LIST (k)",
                "CREATE TABLE part1 PARTITION OF parted FOR VALUES IN (1)",
                "CREATE TABLE part2 PARTITION OF parted FOR VALUES IN (2)",
                "INSERT INTO parted SELECT 2 FROM generate_series(1, 50)",
                "INSERT INTO parted VALUES (1)",
                "CREATE FUNCTION empty_other() RETURNS int LANGUAGE plpgsql AS 'BEGIN TRUNCATE public.other;"
                        + " RETURN 1; END'",
                "CREATE FUNCTION empty_part() RETURNS int LANGUAGE plpgsql AS 'BEGIN TRUNCATE public.part2;"
                        + " RETURN 1; END'",
                "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE public.other;"
                        + " RETURN NEW; END'",
                "CREATE TRIGGER fired BEFORE UPDATE ON setting_off FOR EACH ROW EXECUTE FUNCTION fired()");
        if (sql.contains(" parent ")) {
            database.run("ALTER TABLE other INHERIT parent");
        }
        assertThatThrownBy(() -> guard.execute(sql))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the write was rolled back: it emptied or rewrote table ");
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("50");
        assertThat(database.value("SELECT count(*) FROM part2")).isEqualTo("50");
    }

    @Test
    void what_the_transaction_took_before_is_not_held_against_the_statement() throws SQLException {
        guard.connection().setAutoCommit(false);
        guard.execute("ALTER TABLE other DROP COLUMN v");
        guard.execute("TRUNCATE other");
        guard.execute("DO 'BEGIN CREATE TEMP TABLE passing (a int); END'");
        guard.connection().commit();
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("0");
    }

    @Test
    void what_others_do_meanwhile_is_not_held_against_the_statement() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Connection elsewhere = database.connect();
                Statement other = elsewhere.createStatement()) {
            other.execute("SELECT pg_advisory_lock(1)");
            Future<?> block = threads.submit(() -> {
                guard.execute("DO 'BEGIN CREATE TEMP TABLE passing (a int); PERFORM pg_advisory_xact_lock(1); END'");
                return null;
            });
            while (!block.isDone()
                    && database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                            .equals("0")) {
                Thread.onSpinWait();
            }
            other.execute("TRUNCATE other");
            other.execute("SELECT pg_advisory_unlock(1)");
            block.get();
        } finally {
            threads.shutdownNow();
        }
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("0");
    }

    /** An extension's owner, who need be no superuser, makes any function a member of it; only one in C is the extension's. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT uuid_generate_v4(1)",
                "SELECT uuid_nil()",
                "INSERT INTO logged VALUES (1)",
                "INSERT INTO triggered VALUES (1)"
            })
    void a_function_that_was_made_a_member_of_an_extension_is_the_users(String sql) throws SQLException {
        String wiping = "LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.users; RETURN NULL; END'";
        database.run(
                "DROP EXTENSION IF EXISTS \"uuid-ossp\" CASCADE",
                "CREATE EXTENSION \"uuid-ossp\"",
                "ALTER EXTENSION \"uuid-ossp\" DROP FUNCTION uuid_nil()",
                "DROP FUNCTION uuid_nil()",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE FUNCTION uuid_generate_v4(int) RETURNS uuid " + wiping,
                "CREATE FUNCTION uuid_nil() RETURNS uuid STABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN uuid_generate_v4(1); END'",
                "CREATE FUNCTION wipe() RETURNS trigger " + wiping,
                "ALTER EXTENSION \"uuid-ossp\" ADD FUNCTION uuid_generate_v4(int)",
                "ALTER EXTENSION \"uuid-ossp\" ADD FUNCTION uuid_nil()",
                "ALTER EXTENSION \"uuid-ossp\" ADD FUNCTION wipe()",
                "CREATE TABLE logged (id int, made uuid DEFAULT uuid_generate_v4(1))",
                "CREATE TABLE triggered (id int)",
                "CREATE TRIGGER t AFTER INSERT ON triggered EXECUTE FUNCTION wipe()");
        assertThatThrownBy(() -> guard.execute(sql)).isInstanceOf(ImpactLimitException.class);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
        database.run("DROP EXTENSION \"uuid-ossp\" CASCADE");
    }

    @Test
    void a_function_of_an_extension_in_c_is_the_extensions() throws SQLException {
        database.run("CREATE EXTENSION IF NOT EXISTS pgcrypto");
        read("SELECT digest('a', 'sha256'), gen_salt('md5')");
    }

    @Test
    void a_cursor_over_code_of_the_users_is_refused_and_another_is_not() throws SQLException {
        guard.connection().setAutoCommit(false);
        assertThatThrownBy(() -> guard.execute("DECLARE c CURSOR FOR SELECT any_number()"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("DECLARE CURSOR of a query that runs code of the user's");
        guard.execute("DECLARE c CURSOR FOR SELECT id FROM other");
        guard.execute("FETCH ALL FROM c");
    }

    @ParameterizedTest
    @ValueSource(strings = {"EXPLAIN ANALYZE EXECUTE p(0)", "EXPLAIN (ANALYZE) EXECUTE p(0)"})
    void a_prepared_statement_that_is_explained_is_counted(String sql) throws SQLException {
        database.run("INSERT INTO other SELECT i, 'v' FROM generate_series(51, 5000) i");
        guard.execute("PREPARE p(int) AS DELETE FROM other WHERE id > $1");
        assertThatThrownBy(() -> guard.execute(sql))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the write was rolled back: it changed 5000 rows");
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"COMMIT", "ROLLBACK"})
    void a_block_that_ends_its_transaction_is_refused_in_plain_words(String end) throws SQLException {
        assertThatThrownBy(() -> guard.execute("DO 'BEGIN INSERT INTO other VALUES (51); " + end + "; END'"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the code ends its own transaction (COMMIT or ROLLBACK), so what it changes")
                .hasMessageContaining("HINT: take COMMIT and ROLLBACK out of it");
        assertThat(database.value("SELECT count(*) FROM other")).isEqualTo("50");
        guard.execute("SELECT 1");
    }

    /** Runs it where nothing but SAFE statements may. */
    private void read(String sql) throws SQLException {
        try (Backstop reading = Backstop.builder()
                        .policy("read-only")
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection reader = reading.guard(database.connect());
                Statement statement = reader.createStatement()) {
            statement.execute(sql);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT wrapped_twice()",
                "SELECT \"Dynamic\"()",
                "SELECT in_standard_sql()",
                "SELECT * FROM over_a_wrapper",
                "SELECT 1 WHERE '(1,2)'::pair IN ('(1,2)'::pair)",
                "SELECT array_agg(v::fine_words) FROM other"
            })
    void what_leads_to_code_that_may_change_anything_is_no_safe_query(String sql) throws SQLException {
        database.run(
                "CREATE FUNCTION wrapped() RETURNS int STABLE LANGUAGE sql AS 'SELECT Public . any_number ()'",
                "CREATE FUNCTION wrapped_twice() RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN \"wrapped\"(); END'",
                "CREATE VIEW over_a_wrapper AS SELECT wrapped_twice()",
                "CREATE FUNCTION \"Dynamic\"() RETURNS int STABLE LANGUAGE plpgsql AS"
                        + " 'DECLARE n int; BEGIN EXECUTE ''SELECT any_'' || ''number()'' INTO n; RETURN n; END'",
                "CREATE FUNCTION in_standard_sql() RETURNS int STABLE LANGUAGE sql RETURN any_number()",
                "CREATE TYPE pair AS (a int, b int)",
                "CREATE FUNCTION same(pair, pair) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
                "CREATE DOMAIN fine_words AS text CHECK (VALUE <> any_number()::text)");
        if (sql.contains(" IN ")) {
            database.run("CREATE OPERATOR = (FUNCTION = same, LEFTARG = pair, RIGHTARG = pair)");
        }
        assertThatThrownBy(() -> read(sql))
                .isInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("[read-only-policy]");
    }

    @Test
    void code_that_only_reads_is_a_safe_query() throws SQLException {
        database.run(
                "CREATE FUNCTION how_many() RETURNS bigint STABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN (SELECT count(*) FROM public.other); END'",
                "CREATE FUNCTION plus(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2'",
                "CREATE OPERATOR #+# (FUNCTION = plus, LEFTARG = int, RIGHTARG = int)",
                "CREATE DOMAIN short AS text CHECK (length(VALUE) < 10)",
                "CREATE VIEW counted AS SELECT how_many(), 1 #+# 2 AS three, 'x'::short AS word");
        read("SELECT how_many(), 1 #+# 2, CAST('x' AS short), * FROM counted WHERE three IN (3)");
    }
}
