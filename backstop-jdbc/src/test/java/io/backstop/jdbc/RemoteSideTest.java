package io.backstop.jdbc;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
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
import java.time.Clock;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * The other side of a foreign table may run anything: here it is the guarded database itself, with a view that empties a table
 * and a table whose trigger does. Neither the read fence nor a count sees it.
 */
@Sampled
@ExtendWith(PostgresExtension.class)
class RemoteSideTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
        LoopbackServer.create(database);
        database.run(
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE TABLE log (id int, v text)",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.users; RETURN 1; END'",
                "CREATE VIEW wiping AS SELECT public.wipe() AS a",
                "CREATE FOREIGN TABLE far (a int) SERVER loop OPTIONS (table_name 'wiping')",
                "CREATE TABLE target (a int)",
                "INSERT INTO target VALUES (1)",
                "CREATE FUNCTION wiped() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM public.users; RETURN NULL; END'",
                "CREATE TRIGGER wiped AFTER INSERT OR UPDATE OR DELETE ON target EXECUTE FUNCTION wiped()",
                "CREATE FOREIGN TABLE far_target (a int) SERVER loop OPTIONS (table_name 'target')");
    }

    @AfterEach
    void close() throws SQLException {
        database.run("DROP EVENT TRIGGER IF EXISTS e");
    }

    private Backstop guard(String policy) throws SQLException {
        return Backstop.builder()
                .policy(policy)
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .control(folder.resolve("backstop.db"))
                .build();
    }

    private void run(String policy, String sql) throws SQLException {
        try (Backstop backstop = guard(policy);
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void define(String definitions) throws SQLException {
        database.run(definitions.split("; (?=CREATE|ALTER|INSERT)", -1));
    }

    private String users() throws SQLException {
        return database.value("SELECT count(*) FROM users");
    }

    private void assertHeldEverywhere(String sql, String reason) throws SQLException {
        assertThatThrownBy(() -> run("strict", sql))
                .as("strict")
                .isInstanceOfAny(ApprovalRequiredException.class, ImpactLimitException.class)
                .hasMessageContaining(sql.startsWith("DO") ? "a block of code" : reason);
        assertThatThrownBy(() -> run("application", sql))
                .as("application")
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining(reason)
                .hasCauseInstanceOf(ApprovalRequiredException.class);
        assertThat(users()).isEqualTo("5000");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "SELECT 1 ~ SELECT a FROM far",
                "SELECT 1 ~ TABLE far",
                "SELECT 1 ~ SELECT 1 WHERE EXISTS (SELECT FROM public.\"far\")",
                "SELECT 1 ~ WITH w AS (SELECT a FROM far) SELECT count(*) FROM w",
                "SELECT 1 ~ COPY far TO STDOUT",
                "SELECT 1 ~ COPY (SELECT a FROM far) TO STDOUT",
                "SELECT 1 ~ ANALYZE far",
                "SELECT 1 ~ VACUUM (ANALYZE) far",
                "ALTER SERVER loop OPTIONS (use_remote_estimate 'true');"
                        + " ALTER FUNCTION wipe() IMMUTABLE ~ EXPLAIN SELECT a FROM far",
                "SELECT 1 ~ EXPLAIN ANALYZE SELECT a FROM far",
                "CREATE VIEW over_far AS SELECT a FROM far; CREATE VIEW over_it AS SELECT a FROM over_far"
                        + " ~ SELECT a FROM over_it",
                "CREATE TABLE parted (a int) PARTITION BY LIST (a);"
                        + " ALTER TABLE parted ATTACH PARTITION far DEFAULT ~ SELECT a FROM parted",
                "CREATE TABLE parted (a int) PARTITION BY LIST (a); ALTER TABLE parted ATTACH PARTITION far DEFAULT;"
                        + " CREATE VIEW over_parted AS SELECT a FROM parted ~ SELECT a FROM over_parted",
                "CREATE TABLE parted (a int) PARTITION BY LIST (a);"
                        + " ALTER TABLE parted ATTACH PARTITION far DEFAULT ~ ANALYZE parted",
                "CREATE TABLE parent (a int); ALTER FOREIGN TABLE far INHERIT parent ~ SELECT a FROM parent",
                "CREATE TABLE parent (a int); ALTER FOREIGN TABLE far INHERIT parent ~ ANALYZE",
                "CREATE FUNCTION reads() RETURNS int STABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN (SELECT a FROM far); END' ~ SELECT reads()",
                "CREATE FUNCTION reads() RETURNS int STABLE LANGUAGE sql BEGIN ATOMIC SELECT a FROM far; END"
                        + " ~ SELECT reads()",
                "CREATE FUNCTION reads() RETURNS int STABLE LANGUAGE sql AS 'SELECT a FROM far';"
                        + " CREATE FUNCTION calls(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT $1 + reads()';"
                        + " CREATE VIEW through AS SELECT calls(1) AS a ~ SELECT a FROM through",
                "CREATE FUNCTION reads(int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT $1 = (SELECT a FROM far)';"
                        + " CREATE DOMAIN number AS int CHECK (reads(VALUE)) ~ SELECT 1::number",
                "CREATE FUNCTION reads(int, int) RETURNS boolean STABLE LANGUAGE sql AS"
                        + " 'SELECT $1 = (SELECT a FROM far)';"
                        + " CREATE OPERATOR <%> (FUNCTION = reads, LEFTARG = int, RIGHTARG = int) ~ SELECT 1 <%> 2",
                "CREATE MATERIALIZED VIEW stored AS SELECT a FROM far WITH NO DATA ~ REFRESH MATERIALIZED VIEW stored",
                "CREATE FUNCTION vol() RETURNS int LANGUAGE sql AS 'SELECT a FROM far' ~ SELECT vol()",
                "CREATE FUNCTION vol() RETURNS int LANGUAGE sql AS 'SELECT a FROM far';"
                        + " CREATE VIEW through AS SELECT vol() AS a ~ SELECT a FROM through"
            })
    void reading_a_foreign_table_is_held(String definitions, String sql) throws SQLException {
        define(definitions);
        assertHeldEverywhere(sql, sql.contains("far") ? "foreign table far" : "foreign table");
        assertThatThrownBy(() -> run("read-only", sql)).isInstanceOf(StatementBlockedException.class);
        assertThat(users()).isEqualTo("5000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO far_target VALUES (2)",
                "UPDATE far_target SET a = 2 WHERE a = 1",
                "DELETE FROM far_target WHERE a = 1",
                "MERGE INTO log USING far_target AS f ON f.a = log.id WHEN MATCHED THEN UPDATE SET v = 'x'",
                "INSERT INTO log SELECT a FROM far_target",
                "DELETE FROM log WHERE id IN (SELECT a FROM far_target)",
                "DO 'BEGIN INSERT INTO far_target VALUES (2); END'",
                "DO 'BEGIN PERFORM a FROM far_target; END'",
                "CREATE TEMP TABLE made AS SELECT a FROM far_target",
                "CREATE TABLE made AS SELECT a FROM far_target",
                "SELECT a INTO made FROM far_target"
            })
    void a_write_that_reaches_a_foreign_table_is_held(String sql) throws SQLException {
        if (sql.startsWith("MERGE") && database.majorVersion() < 15) {
            return;
        }
        assertHeldEverywhere(sql, "foreign table far_target");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM a FROM far; RETURN NEW; END';"
                        + " CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION fired()"
                        + " ~ INSERT INTO log VALUES (1, 'x')",
                "CREATE FUNCTION step() RETURNS int LANGUAGE sql AS 'SELECT a FROM far';"
                        + " CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN PERFORM step(); RETURN NEW; END';"
                        + " CREATE TRIGGER t BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION fired()"
                        + " ~ INSERT INTO log VALUES (1, 'x')",
                "CREATE RULE r AS ON INSERT TO log DO ALSO INSERT INTO far SELECT 1 ~ INSERT INTO log VALUES (1, 'x')",
                "CREATE FUNCTION step() RETURNS int LANGUAGE sql AS 'SELECT a FROM far';"
                        + " ALTER TABLE log ADD d int DEFAULT step() ~ INSERT INTO log (id) VALUES (1)",
                "CREATE FUNCTION step(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT a = $1 FROM far';"
                        + " ALTER TABLE log ADD CHECK (step(id)) ~ INSERT INTO log (id) VALUES (1)",
                "CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1), (2), (3);"
                        + " CREATE TABLE children (id int REFERENCES parents ON DELETE CASCADE);"
                        + " INSERT INTO children VALUES (1); CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql"
                        + " AS 'BEGIN PERFORM a FROM far; RETURN OLD; END';"
                        + " CREATE TRIGGER t BEFORE DELETE ON children FOR EACH ROW EXECUTE FUNCTION fired()"
                        + " ~ DELETE FROM parents WHERE id = 1"
            })
    void a_write_that_sets_off_code_which_reaches_a_foreign_table_is_held(String definitions, String sql)
            throws SQLException {
        define(definitions);
        assertHeldEverywhere(sql, "foreign table");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT query_to_xml('SELECT a FROM far', true, false, '')",
                "SELECT table_to_xml('far', true, false, '')",
                "SELECT schema_to_xml('public', true, false, '')",
                "SELECT database_to_xml(true, false, '')",
                "DO $$ DECLARE n int; BEGIN EXECUTE 'SELECT a FROM f' || 'ar' INTO n; END $$"
            })
    void a_foreign_table_that_a_text_names_or_leads_to_is_not_used_uncounted(String sql) throws SQLException {
        assertThatThrownBy(() -> run("application", sql)).isInstanceOf(ImpactLimitException.class);
        assertThat(users()).isEqualTo("5000");
    }

    @Test
    void a_prepared_statement_is_judged_by_what_it_reaches_when_it_is_executed() throws SQLException {
        database.run("CREATE TABLE parted (a int) PARTITION BY LIST (a)");
        try (Backstop backstop = guard("application");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("PREPARE p AS SELECT a FROM parted");
            statement.execute("EXECUTE p");
            statement.execute("ALTER TABLE parted ATTACH PARTITION far DEFAULT");
            for (String sql : List.of("EXECUTE p", "EXPLAIN ANALYZE EXECUTE p")) {
                assertThatThrownBy(() -> statement.execute(sql))
                        .isInstanceOf(ImpactLimitException.class)
                        .hasMessageContaining("foreign table far");
            }
            connection.setAutoCommit(false);
            assertThatThrownBy(() -> statement.execute("DECLARE c CURSOR FOR SELECT a FROM far"))
                    .isInstanceOf(ImpactLimitException.class);
        }
        assertThat(users()).isEqualTo("5000");
    }

    /** The share of a table is that of its partitioned table, whose rows are looked through for it. */
    @ParameterizedTest
    @CsvSource({
        "application, DELETE FROM here WHERE a < 3",
        "strict, DELETE FROM here WHERE a < 3",
        "strict, INSERT INTO here VALUES (4)"
    })
    void the_guard_reads_no_foreign_partition_itself(String policy, String sql) throws SQLException {
        database.run(
                "CREATE TABLE parted (a int) PARTITION BY RANGE (a)",
                "CREATE TABLE here PARTITION OF parted FOR VALUES FROM (1) TO (10)",
                "INSERT INTO here VALUES (1), (2), (3)",
                "ALTER TABLE parted ATTACH PARTITION far DEFAULT");
        try {
            run(policy, sql);
        } catch (ImpactLimitException e) {
            assertThat(e.getMessage()).contains("50 percent of parted");
        }
        assertThat(users()).isEqualTo("5000");
    }

    /** A snapshot holds what the statement deletes here, and nothing of the other side. */
    @Test
    void a_statement_behind_a_snapshot_is_held_for_the_foreign_table_that_it_reads() throws SQLException {
        database.run("INSERT INTO log VALUES (1, 'x')");
        assertThatThrownBy(() -> run("application", "DELETE FROM log WHERE true OR EXISTS (SELECT FROM far)"))
                .isInstanceOf(ApprovalRequiredException.class)
                .hasMessageContaining("foreign table far");
        assertThat(users()).isEqualTo("5000");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "strict ~ SELECT id FROM far_users WHERE id < 3",
                "strict ~ UPDATE far_users SET id = 6000 WHERE id = 1",
                "application ~ SELECT id FROM far_users WHERE id < 3",
                "application ~ UPDATE far_users SET id = 6000 WHERE id = 1"
            })
    void an_operator_may_let_it_run(String policy, String sql) throws SQLException {
        database.run("CREATE FOREIGN TABLE far_users (id int) SERVER loop OPTIONS (table_name 'users')");
        assertThatThrownBy(() -> run(policy, sql)).isInstanceOf(SQLException.class);
        try (SqlControlStore store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC())) {
            List<Approval> held = store.approvals().list(ApprovalState.PENDING);
            assertThat(held).hasSize(1);
            store.approvals().decide(held.get(0).id(), true, "ops");
        }
        run(policy, sql);
        assertThat(database.value("SELECT count(*) FROM users WHERE id = 6000"))
                .isEqualTo(sql.startsWith("UPDATE") ? "1" : "0");
        assertThatThrownBy(() -> run(policy, sql)).as("once").isInstanceOf(SQLException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE VIEW over_far AS SELECT a FROM far",
                "CREATE FOREIGN TABLE another (a int) SERVER loop",
                "ALTER TABLE parted ADD COLUMN b int DEFAULT 1",
                "ALTER FOREIGN TABLE far ADD COLUMN b int",
                "COMMENT ON FOREIGN TABLE far IS 'far away'",
                "GRANT SELECT ON far TO PUBLIC",
                "ALTER TABLE parted DETACH PARTITION part",
                "VACUUM parted",
                "ANALYZE log",
                "VACUUM",
                "SELECT id FROM users WHERE id = 1",
                "INSERT INTO log VALUES (1, 'x')",
                "UPDATE log SET v = 'y' WHERE id = 1",
                "SELECT 1 + 1, now()"
            })
    void what_only_defines_or_stays_here_runs(String sql) throws SQLException {
        database.run(
                "CREATE TABLE parted (a int) PARTITION BY LIST (a)",
                "CREATE FOREIGN TABLE part PARTITION OF parted DEFAULT SERVER loop");
        run("application", sql);
    }

    @Test
    void a_foreign_table_over_a_file_is_read_as_any_other() throws SQLException {
        database.run(
                "DROP EXTENSION IF EXISTS file_fdw CASCADE",
                "CREATE EXTENSION file_fdw",
                "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
                "CREATE FOREIGN TABLE from_file (line text) SERVER files OPTIONS (filename '/dev/null')",
                "CREATE FOREIGN TABLE from_program (line text) SERVER files OPTIONS (program 'echo run')");
        run("read-only", "SELECT line FROM from_file");
        assertHeldEverywhere("SELECT line FROM from_program", "foreign table from_program");
        assertThatThrownBy(() -> run("application", "DO 'BEGIN DROP FOREIGN TABLE from_file; END'"))
                .as("its definition would be stored nowhere")
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("it dropped foreign table from_file");
        run("application", "DROP FOREIGN TABLE from_file");
    }

    @Test
    void a_foreign_table_that_a_client_around_the_guard_has_just_created_is_seen() throws SQLException {
        database.run("DROP FOREIGN TABLE far, far_target");
        try (Backstop backstop = guard("strict");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT id FROM users WHERE id = 1");
            database.run("CREATE FOREIGN TABLE far (a int) SERVER loop OPTIONS (table_name 'wiping')");
            assertThatThrownBy(() -> statement.execute("SELECT a FROM far"))
                    .isInstanceOf(ApprovalRequiredException.class);
        }
        assertThat(users()).isEqualTo("5000");
    }

    /** The texts reach the view on the other side by what their first statement makes. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE FOREIGN TABLE made (a int) SERVER loop OPTIONS (table_name 'wiping'); SELECT * FROM made",
                "CREATE TABLE par (a int) PARTITION BY LIST (a); ALTER TABLE par ATTACH PARTITION far DEFAULT;"
                        + " SELECT * FROM par",
                "ALTER FOREIGN TABLE far INHERIT parent; SELECT * FROM parent",
                "ALTER FOREIGN TABLE far RENAME TO renamed; SELECT * FROM renamed",
                "ALTER TABLE far RENAME TO renamed; ANALYZE renamed",
                "CREATE VIEW over_far AS SELECT * FROM far; SELECT * FROM over_far",
                "CREATE TEMP VIEW over_far AS SELECT * FROM far; SELECT * FROM over_far"
            })
    void a_way_to_a_foreign_table_that_the_text_makes_is_seen(String sql) throws SQLException {
        database.run("CREATE TABLE parent (a int)");
        for (String policy : List.of("application", "strict")) {
            assertThatThrownBy(() -> run(policy, sql)).as(policy).hasMessageContaining("foreign table");
            assertThat(users()).as(policy).isEqualTo("5000");
        }
    }

    @Test
    void truncate_reaches_a_foreign_table() throws SQLException {
        for (String sql : List.of("TRUNCATE far_target", "TRUNCATE far_target CASCADE")) {
            assertThatThrownBy(() -> run("application", sql)).hasMessageContaining("foreign table far_target");
            assertThat(users()).isEqualTo("5000");
        }
    }
}
