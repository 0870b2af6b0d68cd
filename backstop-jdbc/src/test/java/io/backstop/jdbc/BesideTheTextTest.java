package io.backstop.jdbc;

import io.backstop.api.error.ImpactLimitException;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a definition's text does to tables that it does not name, or beside what it asks for. */
@ExtendWith(PostgresExtension.class)
class BesideTheTextTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "DROP SCHEMA IF EXISTS freed, billing CASCADE",
                "CREATE SCHEMA public",
                "CREATE SCHEMA freed",
                "CREATE SCHEMA billing",
                "CREATE TABLE t (id int, v text)",
                "INSERT INTO t SELECT i, 'v' FROM generate_series(1, 3000) AS i",
                "CREATE TABLE par (id int, bal int)",
                "CREATE TABLE acc () INHERITS (par)",
                "INSERT INTO acc VALUES (1, 100)",
                "CREATE TYPE acct AS (id int, bal int)",
                "CREATE TABLE typed OF acct",
                "INSERT INTO typed VALUES (1, 100)");
    }

    @AfterEach
    void removeWhatIsTheDatabases() throws SQLException {
        database.run("DROP EVENT TRIGGER IF EXISTS ev", "DROP EXTENSION IF EXISTS citext CASCADE");
    }

    private void guarded(String rules, boolean autoCommit, String sql) throws Exception {
        try (Backstop backstop = Backstop.builder()
                        .policy(new PolicyReader()
                                .read(
                                        "{\"require_approval_for_risks\": [\"CRITICAL\"], \"write_budget\": \"none\""
                                                + rules + "}",
                                        "p"))
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(autoCommit);
            statement.execute(sql);
            if (!autoCommit) {
                connection.commit();
            }
        }
    }

    /** An ALTER TABLE may give its own table another file; its event triggers may not. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ddl_command_end | TRUNCATE t | ALTER TABLE t ADD COLUMN z int",
                "ddl_command_end | TRUNCATE t | ALTER TABLE t ADD COLUMN z float DEFAULT random()",
                "ddl_command_end | TRUNCATE t | ALTER TABLE t SET UNLOGGED",
                "ddl_command_end | TRUNCATE t | ALTER TABLE t RENAME COLUMN v TO w",
                "ddl_command_start | TRUNCATE t | ALTER TABLE t ALTER COLUMN v SET STORAGE external",
                "ddl_command_end | ALTER TABLE t ALTER v TYPE int USING 0 | ALTER TABLE t ADD COLUMN z int",
                "ddl_command_end | DELETE FROM t | ALTER TABLE t ADD COLUMN z int",
            })
    void an_event_trigger_does_not_hide_behind_the_command(String event, String deed, String sql) throws Exception {
        database.run(
                "CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN IF pg_trigger_depth() = 0 AND current_setting('et.done', true) IS DISTINCT FROM 'y'"
                        + " AND tg_tag = 'ALTER TABLE' THEN PERFORM set_config('et.done', 'y', true); " + deed
                        + "; END IF; END $$",
                "CREATE EVENT TRIGGER ev ON " + event + " EXECUTE FUNCTION et()");
        for (boolean autoCommit : new boolean[] {true, false}) {
            assertThatThrownBy(() -> guarded("", autoCommit, sql))
                    .as("%s, auto-commit %s", sql, autoCommit)
                    .isInstanceOf(ImpactLimitException.class);
            assertThat(database.value("SELECT count(*) FROM t WHERE v::text = 'v'"))
                    .isEqualTo("3000");
        }
    }

    @Test
    void an_event_trigger_that_takes_nothing_away_is_not_in_the_way_of_a_command_that_rewrites_nothing()
            throws Exception {
        database.run(
                "CREATE TABLE log (tag text)",
                "CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN INSERT INTO log VALUES (tg_tag); END $$",
                "CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION et()");
        guarded("", true, "ALTER TABLE t ADD COLUMN z int");
        assertThat(database.rows("SELECT tag FROM log")).containsExactly("ALTER TABLE");
    }

    /** The policy knows a column by its name alone. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE par RENAME bal TO b2",
                "ALTER TABLE par RENAME COLUMN bal TO b2",
                "/* x */ ALTER TABLE IF EXISTS par* RENAME \"bal\" TO b2",
                "ALTER TYPE acct RENAME ATTRIBUTE bal TO b2 CASCADE",
                "ALTER TABLE par RENAME bal TO \"rename\"",
                "ALTER TYPE acct RENAME ATTRIBUTE bal TO \"rename\" CASCADE",
                "ALTER TABLE par ADD x int; ALTER TABLE par RENAME bal TO b2"
            })
    void a_protected_column_keeps_its_name_whatever_leads_to_it(String sql) throws Exception {
        for (boolean autoCommit : new boolean[] {true, false}) {
            assertThatThrownBy(() -> guarded(
                            ", \"protected_columns\": {\"acc\": [\"bal\"], \"typed\": [\"bal\"]}", autoCommit, sql))
                    .as(sql)
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageContaining("it renamed column bal, which the policy protects");
            assertThat(database.rows("SELECT bal FROM acc UNION ALL SELECT bal FROM typed"))
                    .containsExactly("100", "100");
        }
    }

    /** Its rows would be rows of the protected table. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE loose INHERIT acc",
                "DO 'BEGIN ALTER TABLE loose INHERIT acc; END'",
                "ALTER TABLE mid ATTACH PARTITION own FOR VALUES FROM (10) TO (20)",
                "DO 'BEGIN ALTER TABLE mid ATTACH PARTITION own FOR VALUES FROM (10) TO (20); END'"
            })
    void a_table_does_not_come_under_a_protected_one_unseen(String sql) throws Exception {
        database.run(
                "CREATE TABLE loose (LIKE acc)",
                "CREATE TABLE parted (id int) PARTITION BY RANGE (id)",
                "CREATE TABLE mid PARTITION OF parted FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id)",
                "CREATE TABLE own (id int)");
        for (String protection : new String[] {
            "\"protected_tables\": [\"par\", \"parted\"]",
            "\"protected_columns\": {\"par\": [\"bal\"], \"parted\": [\"id\"]}"
        }) {
            assertThatThrownBy(() -> guarded(", " + protection, true, sql))
                    .as(sql)
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageMatching("(?s).*it took table \\w+ into table par(ted)?, which the policy protects.*");
            assertThat(database.value("SELECT count(*) FROM pg_inherits WHERE inhrelid IN ('loose'::regclass,"
                            + " 'own'::regclass)"))
                    .isEqualTo("0");
        }
    }

    /** The policy knows it by the table that is over it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE acc NO INHERIT par",
                "ALTER TABLE acc ADD \"inherit\" int, NO INHERIT par",
                "ALTER TABLE grandchild NO INHERIT acc",
                "DO 'BEGIN ALTER TABLE acc NO INHERIT par; END'",
                "DO 'BEGIN ALTER TABLE grandchild NO INHERIT acc; END'",
                "DO 'BEGIN ALTER TABLE parted DETACH PARTITION part; END'",
                "DO 'BEGIN ALTER TABLE mid DETACH PARTITION leaf; END'",
                "ALTER TABLE mid DETACH PARTITION leaf"
            })
    void a_partition_or_child_does_not_leave_a_protected_table_unseen(String sql) throws Exception {
        database.run(
                "CREATE TABLE grandchild () INHERITS (acc)",
                "CREATE TABLE parted (id int) PARTITION BY RANGE (id)",
                "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE mid PARTITION OF parted FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id)",
                "CREATE TABLE leaf PARTITION OF mid FOR VALUES FROM (10) TO (20)");
        for (String protection : new String[] {
            "\"protected_tables\": [\"par\", \"parted\"]",
            "\"protected_columns\": {\"par\": [\"bal\"], \"parted\": [\"id\"]}"
        }) {
            assertThatThrownBy(() -> guarded(", " + protection, true, sql))
                    .as(sql)
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageMatching("(?s).*it took table \\w+ out of table par(ted)?, which the policy protects.*");
            assertThat(database.value("SELECT count(*) FROM pg_inherits WHERE inhrelid::regclass::text IN"
                            + " ('acc', 'grandchild', 'part', 'mid', 'leaf')"))
                    .isEqualTo("5");
        }
    }

    @Test
    void a_protected_table_does_not_leave_its_schema_with_an_extension() throws Exception {
        database.run(
                "CREATE TABLE billing.invoices (id int)",
                "CREATE EXTENSION citext SCHEMA billing",
                "ALTER EXTENSION citext ADD TABLE billing.invoices");
        assertThatThrownBy(() -> guarded(
                        ", \"protected_tables\": [\"billing.invoices\"]",
                        true,
                        "ALTER EXTENSION citext SET SCHEMA freed"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("it renamed table billing.invoices, which the policy protects");
        assertThat(database.value("SELECT to_regclass('billing.invoices') IS NOT NULL"))
                .isEqualTo("t");
    }

    /** Other names are nobody's concern. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE t RENAME v TO w",
                "ALTER TABLE t RENAME TO u",
                "ALTER TABLE t SET SCHEMA freed",
                "ALTER TYPE acct RENAME TO acct2",
                "CREATE SCHEMA more",
                "COMMENT ON SCHEMA freed IS 'x'",
                "ALTER TABLE par RENAME id TO id2",
                "ALTER TABLE typed NOT OF",
                "DO 'BEGIN CREATE TABLE kid () INHERITS (t); ALTER TABLE kid NO INHERIT t; END'"
            })
    void what_renames_nothing_protected_runs(String sql) throws Exception {
        guarded(
                ", \"protected_columns\": {\"acc\": [\"bal\"]}, \"protected_tables\": [\"acc\"], \"block_operations\": []",
                true,
                sql);
        database.run("DROP SCHEMA IF EXISTS more");
    }
}
