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
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** What goes with a DROP … CASCADE of something without rows, by the catalog before and by the counters afterwards. */
@ExtendWith(PostgresExtension.class)
class RowlessCascadeTest {
    private TestDatabase database;
    private Connection connection;
    private GuardedSession session;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "DROP EXTENSION IF EXISTS pgcrypto, citext CASCADE",
                "CREATE EXTENSION pgcrypto",
                "CREATE EXTENSION citext",
                "CREATE TABLE kept (id int, name text, mail citext)",
                "INSERT INTO kept VALUES (1, 'one', 'a@b.c')",
                "CREATE TABLE other (kept_id int)",
                "CREATE UNIQUE INDEX kept_id_idx ON kept (id)",
                "ALTER TABLE other ADD FOREIGN KEY (kept_id) REFERENCES kept (id)",
                "CREATE SEQUENCE alone",
                "CREATE SEQUENCE owned OWNED BY kept.id",
                "CREATE SEQUENCE used",
                "CREATE TABLE numbered (id int DEFAULT nextval('used'), mine serial)",
                "CREATE TYPE mood AS ENUM ('sad')",
                "CREATE TYPE pair AS (a int, b int)",
                "CREATE TYPE span AS RANGE (subtype = int)",
                "CREATE DOMAIN small AS int CHECK (VALUE < 9)",
                "CREATE FUNCTION of_mood(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION of_pair(pair) RETURNS small LANGUAGE sql AS 'SELECT 1::small'",
                "CREATE TYPE shown AS ENUM ('a')",
                "CREATE VIEW showing AS SELECT 'a'::shown AS s",
                "CREATE TYPE stored AS ENUM ('a')",
                "CREATE TABLE storing (s stored)",
                "CREATE TYPE arrayed AS ENUM ('a')",
                "CREATE TABLE arrays (a arrayed[])",
                "CREATE DOMAIN narrow AS int",
                "CREATE DOMAIN narrower AS narrow",
                "CREATE TABLE narrows (n narrower)",
                "CREATE TYPE point_of AS (x int)",
                "CREATE TYPE line_of AS (p point_of)",
                "CREATE TABLE lines (l line_of)",
                "CREATE TYPE row_of AS (x int)",
                "CREATE TABLE typed OF row_of",
                "CREATE TYPE counted_in AS ENUM ('a')",
                "CREATE MATERIALIZED VIEW counted AS SELECT 'a'::counted_in AS s",
                "CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                "CREATE TRIGGER fires BEFORE INSERT ON other EXECUTE FUNCTION fires()",
                "CREATE FUNCTION allowed(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'",
                "ALTER TABLE other ADD CONSTRAINT allowed CHECK (allowed(kept_id))",
                "CREATE INDEX allowed_idx ON other (allowed(kept_id))",
                "CREATE POLICY allowed ON other USING (allowed(kept_id))",
                "CREATE FUNCTION seen() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE VIEW sees AS SELECT seen()",
                "CREATE FUNCTION filled() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE TABLE filling (n int DEFAULT filled())",
                "CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1'",
                "CREATE TABLE generated (n int, m int GENERATED ALWAYS AS (twice(n)) STORED)",
                "CREATE FUNCTION kept_by() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE MATERIALIZED VIEW kept_rows AS SELECT kept_by()",
                "CREATE FUNCTION plus(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'",
                "CREATE OPERATOR +~+ (FUNCTION = plus, LEFTARG = int, RIGHTARG = int)",
                "CREATE AGGREGATE total(int) (SFUNC = plus, STYPE = int)",
                "CREATE PROCEDURE nothing() LANGUAGE sql AS ''",
                "CREATE CAST (mood AS int) WITH FUNCTION of_mood(mood)",
                "CREATE COLLATION plain FROM \"C\"",
                "CREATE COLLATION sorting FROM \"C\"",
                "CREATE TABLE sorted (t text COLLATE sorting)",
                "CREATE STATISTICS guessed ON id, name FROM kept",
                "CREATE TEXT SEARCH CONFIGURATION words (COPY = simple)",
                "CREATE FOREIGN DATA WRAPPER wrapper",
                "CREATE SERVER away FOREIGN DATA WRAPPER wrapper",
                "CREATE USER MAPPING FOR PUBLIC SERVER away",
                "CREATE FOREIGN DATA WRAPPER wrapper2",
                "CREATE SERVER far FOREIGN DATA WRAPPER wrapper2",
                "CREATE FOREIGN TABLE elsewhere (n int) SERVER far",
                "CREATE TABLE parts (n int) PARTITION BY RANGE (n)",
                "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (9)",
                "CREATE INDEX parts_idx ON parts (n)");
        open();
    }

    private void open() throws SQLException {
        connection = database.connect();
        session = new GuardedSession(connection, () -> Optional.of(database.connect()), "here/test", "agent");
        session.beginTurn();
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.run("DROP FOREIGN DATA WRAPPER IF EXISTS wrapper, wrapper2 CASCADE");
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
                "DROP SEQUENCE alone CASCADE",
                "drop sequence if exists public.alone cascade",
                "DROP TYPE mood CASCADE",
                "DROP TYPE mood, pair, span CASCADE",
                "DROP TYPE IF EXISTS pair CASCADE",
                "DROP DOMAIN small CASCADE",
                "DROP FUNCTION of_mood(mood) CASCADE",
                "DROP FUNCTION IF EXISTS fires CASCADE",
                "DROP FUNCTION allowed(int) CASCADE",
                "DROP ROUTINE of_pair CASCADE",
                "DROP PROCEDURE nothing() CASCADE",
                "DROP FUNCTION plus(int, int) CASCADE",
                "DROP AGGREGATE total(int) CASCADE",
                "DROP OPERATOR +~+ (int, int) CASCADE",
                "DROP CAST (mood AS int) CASCADE",
                "DROP INDEX kept_id_idx CASCADE",
                "DROP INDEX parts_idx CASCADE",
                "DROP COLLATION plain CASCADE",
                "DROP STATISTICS guessed CASCADE",
                "DROP TEXT SEARCH CONFIGURATION words CASCADE",
                "DROP TRIGGER fires ON other CASCADE",
                "DROP POLICY allowed ON other CASCADE",
                "DROP SERVER away CASCADE",
                "DROP FOREIGN DATA WRAPPER wrapper CASCADE",
                "DROP EXTENSION pgcrypto",
                "DROP EXTENSION IF EXISTS pgcrypto CASCADE"
            })
    void what_takes_nothing_with_rows_is_kept(String sql) throws SQLException {
        String rows = rows();
        HarmlessDrop drop = find(sql).orElseThrow();
        assertThat(drop.rule()).isEqualTo(HarmlessDrop.ROWLESS);
        assertThat(drop.risk()).isEqualTo(RiskLevel.HIGH);
        assertThat(run(drop, sql)).isTrue();
        assertThat(rows()).isEqualTo(rows);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP SEQUENCE owned CASCADE",
                "DROP SEQUENCE used CASCADE",
                "DROP SEQUENCE alone, used CASCADE",
                "DROP SEQUENCE numbered_mine_seq CASCADE",
                "DROP TYPE shown CASCADE",
                "DROP TYPE stored CASCADE",
                "DROP TYPE arrayed CASCADE",
                "DROP TYPE point_of CASCADE",
                "DROP TYPE row_of CASCADE",
                "DROP TYPE counted_in CASCADE",
                "DROP DOMAIN narrow CASCADE",
                "DROP COLLATION sorting CASCADE",
                "DROP FUNCTION seen() CASCADE",
                "DROP FUNCTION filled CASCADE",
                "DROP FUNCTION twice(int) CASCADE",
                "DROP ROUTINE kept_by CASCADE",
                "DROP EXTENSION citext CASCADE"
            })
    void what_takes_something_with_rows_by_the_catalog_is_not_tried(String sql) throws SQLException {
        assertThat(find(sql)).isEmpty();
    }

    /** The rule of a view belongs to it, and takes it along, with what hangs on it. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE MATERIALIZED VIEW mine AS SELECT id FROM kept WHERE (row(1, 2)::pair).a = 1|DROP TYPE pair CASCADE",
                "CREATE MATERIALIZED VIEW mine AS SELECT id FROM kept WHERE (row(1, 2)::pair).a = 1"
                        + "|DROP TYPE IF EXISTS pair, public.pair CASCADE",
                "CREATE VIEW mine AS SELECT 1 AS id WHERE (row(1, 2)::pair).a = 1"
                        + "|DROP TYPE pair, public.pair, point_free, public.point_free CASCADE",
                "CREATE VIEW mine AS SELECT 1 AS id WHERE 1::small < 2|DROP DOMAIN small, public.small CASCADE",
                "CREATE MATERIALIZED VIEW mine AS SELECT id FROM kept WHERE 'sad'::mood = 'sad'|DROP TYPE mood CASCADE"
            })
    void what_goes_with_a_rule_is_not_taken(String made, String sql) throws SQLException {
        database.run(
                "CREATE TYPE point_free AS (a int, b int)",
                made,
                "CREATE FUNCTION keyed(mine, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $2'",
                "CREATE TABLE keyed (id int) PARTITION BY RANGE (keyed(NULL, id))",
                "CREATE TABLE keyed_1 PARTITION OF keyed FOR VALUES FROM (1) TO (9)");
        for (boolean autoCommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autoCommit);
            session.beginTurn();
            String rows = rows();
            Optional<HarmlessDrop> drop = find(sql);
            if (drop.isPresent()) {
                assertThat(run(drop.get(), sql)).isFalse();
            }
            connection.setAutoCommit(true);
            assertThat(rows()).isEqualTo(rows).contains("mine.id", "keyed_1.id");
            connection.close();
            open();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"DROP SERVER far CASCADE", "DROP FOREIGN DATA WRAPPER wrapper2 CASCADE"})
    void what_took_something_with_rows_by_the_counters_is_undone(String sql) throws SQLException {
        for (boolean autoCommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autoCommit);
            session.beginTurn();
            String rows = rows();
            HarmlessDrop drop = find(sql).orElseThrow();
            assertThat(run(drop, sql)).as("auto-commit %s", autoCommit).isFalse();
            connection.setAutoCommit(true);
            assertThat(rows()).isEqualTo(rows);
            connection.close();
            open();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "TRUNCATE kept, other",
                "DROP TABLE other",
                "ALTER TABLE kept DROP COLUMN name",
                "DELETE FROM kept"
            })
    void what_an_event_trigger_takes_is_undone(String code) throws SQLException {
        String sql = "DROP SEQUENCE alone CASCADE";
        HarmlessDrop seen = find(sql).orElseThrow();
        database.run(
                "CREATE FUNCTION public.takes() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN"
                        + " IF tg_tag = 'DROP SEQUENCE' THEN " + code + "; END IF; END$$",
                "CREATE EVENT TRIGGER takes ON sql_drop EXECUTE FUNCTION public.takes()");
        try {
            String rows = rows();
            assertThat(find(sql)).isEmpty(); // and not tried again
            assertThat(run(seen, sql)).isFalse();
            assertThat(rows()).isEqualTo(rows);
            assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("1");
        } finally {
            database.run("DROP EVENT TRIGGER takes");
        }
    }

    /** Every relation, column and default, but for indexes, sequences and composite types. */
    private String rows() throws SQLException {
        return database.value(
                "SELECT string_agg(c.relname || '.' || a.attname || coalesce(pg_get_expr(d.adbin, d.adrelid), ''), ' '"
                        + " ORDER BY c.oid, a.attnum)"
                        + " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped"
                        + " LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum"
                        + " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'f', 'v')");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP INDEX CONCURRENTLY kept_id_idx CASCADE",
                "DROP SEQUENCE alone",
                "DROP SEQUENCE alone CASCADE; DROP TABLE kept",
                "DROP OWNED BY CURRENT_USER CASCADE",
                "DROP TABLE kept CASCADE",
                "DROP VIEW showing CASCADE",
                "DROP MATERIALIZED VIEW counted CASCADE",
                "DROP SCHEMA public CASCADE",
                "DROP SUBSCRIPTION nosuch CASCADE"
            })
    void other_statements_are_judged_by_their_text(String sql) throws SQLException {
        assertThat(find(sql)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DROP SEQUENCE alone CASCADE|ALTER TABLE kept ALTER id SET DEFAULT nextval('alone')",
                "DROP TYPE mood CASCADE|ALTER TABLE kept ADD COLUMN m mood",
                "DROP TYPE pair CASCADE|CREATE TABLE of_pairs OF pair",
                "DROP TYPE pair CASCADE|CREATE VIEW of_pairs AS SELECT NULL::pair",
                "DROP TYPE span CASCADE|CREATE MATERIALIZED VIEW spans AS SELECT NULL::span",
                "DROP DOMAIN small CASCADE|ALTER TABLE kept ADD COLUMN s small[]",
                "DROP FUNCTION of_mood(mood) CASCADE|ALTER TABLE kept ALTER id SET DEFAULT of_mood('sad')",
                "DROP FUNCTION plus CASCADE|CREATE VIEW sums AS SELECT plus(1, 2)",
                "DROP COLLATION plain CASCADE|ALTER TABLE kept ADD COLUMN c text COLLATE plain",
                "DROP SERVER away CASCADE|CREATE FOREIGN TABLE farther (n int) SERVER away",
                "DROP EXTENSION pgcrypto CASCADE|CREATE VIEW ids AS SELECT digest('', 'md5')"
            })
    void what_depends_on_it_before_the_statement_runs_is_there_afterwards(String sql, String meanwhile)
            throws SQLException {
        for (boolean autoCommit : new boolean[] {true, false}) {
            close();
            connect(database);
            connection.setAutoCommit(autoCommit);
            session.beginTurn();
            HarmlessDrop drop = find(sql).orElseThrow();
            database.run(meanwhile);
            String rows = rows();
            assertThat(run(drop, sql)).as("auto-commit %s", autoCommit).isFalse();
            connection.setAutoCommit(true);
            assertThat(rows()).isEqualTo(rows);
        }
    }
}
