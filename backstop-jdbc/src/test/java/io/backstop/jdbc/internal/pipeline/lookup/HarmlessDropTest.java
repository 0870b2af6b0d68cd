package io.backstop.jdbc.internal.pipeline.lookup;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.PlainText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** What the catalog says of DROP … IF EXISTS, and what is left where that changes before the statement runs. */
@ExtendWith(PostgresExtension.class)
class HarmlessDropTest {
    private TestDatabase database;
    private Connection connection;
    private GuardedSession session;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "DROP SCHEMA IF EXISTS other, nosuch CASCADE",
                "CREATE SCHEMA other",
                "CREATE TABLE other.there (id int)",
                "CREATE TABLE kept (id int)",
                "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE TYPE color AS ENUM ('red')",
                "CREATE CAST (varchar AS color) WITH INOUT AS IMPLICIT",
                "CREATE CAST (color AS varchar) WITH INOUT AS IMPLICIT",
                "CREATE TYPE used AS ENUM ('a')",
                "CREATE TABLE users (kind used)");
        connection = database.connect();
        session = new GuardedSession(connection, () -> Optional.of(database.connect()), "here/test", "agent");
        session.beginTurn();
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
    }

    private Optional<HarmlessDrop> find(String sql) throws SQLException {
        AssessedText text = new AssessedText(sql, SqlAnalyzer.create().assess(sql), true);
        return HarmlessDrop.find(session, ReviewedStatement.of(new PlainText(sql), text, text.assessment()));
    }

    private boolean run(HarmlessDrop drop, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return CheckedDrop.run(session, drop, new Sent(statement, sql)).harmless();
        }
    }

    private record Sent(Statement statement, String sql) implements Execution<Boolean> {
        @Override
        public Boolean run() throws SQLException {
            return statement.execute(sql);
        }

        @Override
        public long[] batchCounts(Boolean result) {
            return new long[0];
        }

        @Override
        public boolean repeatable() {
            return true;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP TABLE IF EXISTS nosuch CASCADE",
                "DROP TABLE IF EXISTS there, nowhere.kept",
                "drop view if exists nosuch",
                "DROP MATERIALIZED VIEW IF EXISTS nosuch CASCADE",
                "DROP FOREIGN TABLE IF EXISTS nosuch",
                "DROP SEQUENCE IF EXISTS nosuch_seq",
                "DROP INDEX IF EXISTS nosuch_idx",
                "DROP TYPE IF EXISTS nosuch CASCADE",
                "DROP DOMAIN IF EXISTS \"Nosuch\" CASCADE",
                "DROP FUNCTION IF EXISTS nosuch(int, text) CASCADE",
                "DROP PROCEDURE IF EXISTS nosuch",
                "DROP AGGREGATE IF EXISTS nosuch(*)",
                "DROP SCHEMA IF EXISTS nosuch CASCADE",
                "DROP EXTENSION IF EXISTS nosuch CASCADE",
                "DROP TRIGGER IF EXISTS nosuch ON kept",
                "DROP POLICY IF EXISTS nosuch ON kept",
                "DROP RULE IF EXISTS nosuch ON kept CASCADE",
                "DROP CAST IF EXISTS (varchar AS nosuch)",
                "DROP COLLATION IF EXISTS nosuch"
            })
    void what_does_not_exist_is_dropped_without_harm(String sql) throws SQLException {
        HarmlessDrop drop = find(sql).orElseThrow();
        assertThat(drop.rule()).isEqualTo(HarmlessDrop.ABSENT);
        assertThat(drop.risk()).isEqualTo(RiskLevel.WRITE);
        assertThat(run(drop, sql)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP TABLE IF EXISTS kept",
                "DROP TABLE IF EXISTS nosuch, kept",
                "DROP TABLE IF EXISTS other.there",
                "DROP TABLE IF EXISTS U&\"\\006bept\"",
                "DROP TABLE nosuch",
                "DROP FUNCTION IF EXISTS f(text)",
                "DROP SCHEMA IF EXISTS other",
                "DROP SCHEMA IF EXISTS nosuch, other CASCADE",
                "DROP TYPE IF EXISTS used CASCADE",
                "DROP CAST IF EXISTS (varchar AS color)",
                "DROP INDEX CONCURRENTLY IF EXISTS nosuch",
                "DROP DATABASE IF EXISTS nosuch",
                "DROP ROLE IF EXISTS nosuch",
                "DROP TABLE IF EXISTS nosuch; DROP TABLE kept"
            })
    void what_may_take_something_away_is_not_harmless(String sql) throws SQLException {
        assertThat(find(sql)).isEmpty();
    }

    @Test
    void a_temporary_table_is_found_too() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMP TABLE passing (a int)");
        }
        assertThat(find("DROP TABLE IF EXISTS passing")).isEmpty();
        assertThat(find("DROP TABLE IF EXISTS pg_temp.passing")).isEmpty();
    }

    @Test
    void an_enum_that_no_table_uses_goes_with_its_casts() throws SQLException {
        String sql = "drop type if exists color cascade";
        HarmlessDrop drop = find(sql).orElseThrow();
        assertThat(drop.rule()).isEqualTo(HarmlessDrop.UNUSED);
        assertThat(drop.risk()).isEqualTo(RiskLevel.HIGH);
        assertThat(run(drop, sql)).isTrue();
        assertThat(database.value("SELECT to_regtype('color') IS NULL")).isEqualTo("t");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DROP TABLE IF EXISTS nosuch|CREATE TABLE nosuch (id int)|SELECT to_regclass('nosuch') IS NOT NULL",
                "DROP FUNCTION IF EXISTS g|CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'|"
                        + "SELECT to_regproc('g') IS NOT NULL",
                "DROP SCHEMA IF EXISTS nosuch CASCADE|CREATE SCHEMA nosuch CREATE TABLE t (id int)|"
                        + "SELECT to_regclass('nosuch.t') IS NOT NULL",
                "DROP TYPE IF EXISTS color CASCADE|ALTER TABLE kept ADD COLUMN paint color|SELECT count(paint) = 0 FROM kept",
                "DROP TYPE IF EXISTS color CASCADE|CREATE FUNCTION h(color) RETURNS int LANGUAGE sql AS 'SELECT 1'|"
                        + "SELECT to_regproc('h') IS NOT NULL"
            })
    void what_appears_before_the_statement_runs_is_there_afterwards(String sql, String meanwhile, String there)
            throws SQLException {
        for (boolean autoCommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autoCommit);
            session.beginTurn();
            HarmlessDrop drop = find(sql).orElseThrow();
            database.run(meanwhile);
            assertThat(run(drop, sql)).as("auto-commit %s", autoCommit).isFalse();
            assertThat(database.value(there)).isEqualTo("t");
            connection.setAutoCommit(true);
            connect(database);
        }
    }

    @Test
    void nothing_is_harmless_where_a_trigger_on_ddl_may_run_anything() throws SQLException {
        database.run(
                "CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
                "CREATE EVENT TRIGGER noted ON ddl_command_start EXECUTE FUNCTION noted()");
        try {
            assertThat(find("DROP TABLE IF EXISTS nosuch")).isEmpty();
        } finally {
            database.run("DROP EVENT TRIGGER noted");
        }
    }
}
