package io.backstop.jdbc;

import io.backstop.api.error.StatementBlockedException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * Every query here empties a table when it is sent around the guard, by code that only the catalog knows; where nothing but
 * SAFE statements may run, none of them does.
 */
@ExtendWith(PostgresExtension.class)
@TestInstance(Lifecycle.PER_CLASS)
class NamesThatRunCodeTest {
    private static final String WIPE = "LANGUAGE plpgsql AS 'BEGIN DELETE FROM kept; RETURN $$; END'";

    private static final AtomicInteger AGENTS = new AtomicInteger();

    private TestDatabase database;
    private Backstop backstop;

    @BeforeAll
    void create(TestDatabase testDatabase, @TempDir Path folder) throws SQLException {
        database = testDatabase;
        database.run(
                "CREATE TABLE kept (id int)",
                "CREATE TABLE t (a int, b text)",
                "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
                "CREATE FUNCTION wipe() RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION \"left\"(bigint) RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION \"current_user\"(int) RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION \"o.f\"\"(\"() RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION of_row(t) RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION of_any(anyelement) RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION rows_of() RETURNS SETOF int LANGUAGE sql AS 'DELETE FROM kept RETURNING id'",
                "CREATE FUNCTION same(text, text) RETURNS boolean " + WIPE.replace("$$", "true"),
                "CREATE OPERATOR <~?~> (FUNCTION = same, LEFTARG = text, RIGHTARG = text)",
                "CREATE FUNCTION step(int, int) RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE AGGREGATE gather(int) (SFUNC = step, STYPE = int, INITCOND = '0')",
                "CREATE AGGREGATE pick(ORDER BY int) (SFUNC = step, STYPE = int, INITCOND = '0')",
                "CREATE TYPE pair AS (p int, q int)",
                "CREATE FUNCTION pair(text) RETURNS pair " + WIPE.replace("$$", "NULL"),
                "CREATE CAST (text AS pair) WITH FUNCTION pair(text)",
                "CREATE DOMAIN checked AS int CHECK (VALUE <> wipe() + 100)",
                "CREATE TYPE holder AS (h checked, i int)",
                "CREATE TYPE outer_holder AS (o holder[])",
                "CREATE TYPE span AS RANGE (SUBTYPE = checked, SUBTYPE_OPCLASS = int4_ops)",
                "CREATE TABLE stored (s checked)",
                "CREATE VIEW seen AS SELECT wipe() AS w",
                "CREATE VIEW twice AS SELECT * FROM seen",
                "CREATE MATERIALIZED VIEW kept_once AS SELECT 1 AS w",
                "CREATE VIEW through_a_builtin AS SELECT lo_unlink(9999) AS w",
                "CREATE TABLE ruled (id int)",
                "INSERT INTO ruled VALUES (1)",
                "ALTER TABLE ruled ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE ruled FORCE ROW LEVEL SECURITY",
                "CREATE POLICY looks ON ruled FOR SELECT USING (wipe() = 1)",
                "CREATE VIEW over_rules AS SELECT * FROM ruled",
                "CREATE ROLE reader_of_rules",
                "GRANT SELECT ON ruled, over_rules TO reader_of_rules",
                "GRANT SELECT, DELETE ON kept TO reader_of_rules",
                "CREATE FUNCTION spaced() RETURNS int STABLE LANGUAGE sql AS 'SELECT wipe/**/()'",
                "CREATE FUNCTION escaped() RETURNS int STABLE LANGUAGE sql AS 'SELECT U&\"\\0077ipe\"()'",
                "CREATE FUNCTION built() RETURNS int STABLE LANGUAGE plpgsql AS"
                        + " $b$ DECLARE n int; BEGIN EXECUTE 'SELECT wi' || 'pe()' INTO n; RETURN n; END $b$",
                "CREATE FUNCTION atomic() RETURNS int STABLE LANGUAGE sql BEGIN ATOMIC SELECT wipe(); END",
                "CREATE FUNCTION defaulted(n int DEFAULT wipe()) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN n; END'",
                "CREATE FUNCTION folded() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN wipe(); END'",
                "CREATE FUNCTION by_attribute() RETURNS int STABLE LANGUAGE sql AS 'SELECT max(t.of_row) FROM t'",
                "CREATE FUNCTION through_view() RETURNS int STABLE LANGUAGE sql AS 'SELECT w FROM \"seen\"'",
                "CREATE FUNCTION information_schema.hidden() RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION pg_catalog.hidden_here() RETURNS int " + WIPE.replace("$$", "1"),
                "CREATE FUNCTION of_extension() RETURNS int " + WIPE.replace("$$", "1"),
                "ALTER EXTENSION plpgsql ADD FUNCTION of_extension()",
                "CREATE FUNCTION in_extension() RETURNS int STABLE LANGUAGE sql AS 'SELECT wipe()'",
                "ALTER EXTENSION plpgsql ADD FUNCTION in_extension()");
        backstop = Backstop.builder()
                .policy("read-only")
                .control(folder.resolve("backstop.db"))
                .build();
    }

    @AfterAll
    void close() throws SQLException {
        backstop.close();
        database.run("DROP OWNED BY reader_of_rules", "DROP ROLE reader_of_rules");
    }

    @BeforeEach
    void fill() throws SQLException {
        database.run("TRUNCATE kept", "INSERT INTO kept VALUES (1)");
    }

    private void requireThatItWipes(String sql) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET LOCAL check_function_bodies = off");
            statement.execute(sql);
            try (var row = statement.executeQuery("SELECT count(*) FROM kept")) {
                row.next();
                assertThat(row.getInt(1)).as("it runs the code: " + sql).isZero();
            }
            connection.rollback();
        }
    }

    /** As an agent of its own, so that the refusals of other tests do not count. */
    private void read(String sql) throws Exception {
        try (Connection reader = backstop.guard(database.connect());
                Statement statement = reader.createStatement()) {
            Backstop.asAgent("agent " + AGENTS.incrementAndGet(), () -> statement.execute(sql));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT * FROM ((SELECT 1) UNION ALL SELECT wipe()) q",
                "SELECT 'a' LIKE (SELECT w::text FROM seen)",
                "SELECT 1 ORDER BY (SELECT w FROM twice)",
                "SELECT (SELECT x FROM (WITH seen AS (SELECT 1 AS x) SELECT x FROM seen) y), w FROM seen",
                "WITH q AS (WITH seen AS (SELECT 1 AS w) SELECT * FROM seen) SELECT * FROM q, seen",
                "SELECT o.of_row FROM t o",
                "SELECT (o).of_row FROM t o",
                "SELECT (SELECT t FROM t LIMIT 1).\"of_row\"",
                "SELECT o.of_any FROM t o",
                "SELECT (1).of_any",
                "SELECT \"WIPE\" FROM (SELECT 1) AS x(\"WIPE\"), LATERAL wipe/* */\n()",
                "SELECT PUBLIC . \"wipe\" -- so\n ()",
                "SELECT U&\"w!0069pe\" UESCAPE '!' ()",
                "SELECT \"left\"(1::bigint)",
                "SELECT left(1::bigint)",
                "SELECT public.left(1::bigint)",
                "SELECT public.current_user(1)",
                "SELECT \"o.f\"\"(\"()",
                "SELECT * FROM rows_of()",
                "SELECT * FROM ROWS FROM (generate_series(1, 2), wipe()) r",
                "SELECT 'a' OPERATOR(public.<~?~>) 'b'",
                "SELECT gather(a) FROM t",
                "SELECT gather(a) OVER (ORDER BY a) FROM t",
                "SELECT pick() WITHIN GROUP (ORDER BY a) FROM t",
                "SELECT 'x'::text::pair",
                "SELECT CAST(b AS pair) FROM t",
                "SELECT 1::checked",
                "SELECT checked '1'",
                "SELECT '(1,2)'::holder",
                "SELECT ROW(1, 2)::holder",
                "SELECT '{1}'::checked[]",
                "SELECT '(\"{\"\"(1,2)\"\"}\")'::outer_holder",
                "SELECT '[1,2]'::span",
                "SELECT '(1)'::stored",
                "SELECT * FROM json_populate_record(NULL::holder, '{\"h\": 1}')",
                "SELECT * FROM jsonb_to_record('{\"x\": 1}') AS r(x checked)",
                "SELECT coalesce(x, '(1)') FROM (SELECT NULL) n LEFT JOIN stored x ON false",
                "SELECT * FROM xmltable('/a' PASSING '<a>1</a>' COLUMNS c checked PATH '.')",
                "PREPARE p AS SELECT '(7,1)'::holder",
                "EXPLAIN SELECT 1 FROM t WHERE folded() = 1",
                "SELECT spaced()",
                "SELECT escaped()",
                "SELECT built()",
                "SELECT atomic()",
                "SELECT defaulted()",
                "SELECT by_attribute()",
                "SELECT through_view()",
                "SELECT information_schema.hidden()",
                "SELECT hidden_here()",
                "SELECT of_extension()",
                "SELECT in_extension()"
            })
    void a_query_that_empties_a_table_is_not_safe(String sql) throws SQLException {
        requireThatItWipes(sql);
        assertThatThrownBy(() -> read(sql))
                .isInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("[read-only-policy]");
        assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("1");
    }

    @Test
    void a_type_named_by_a_value_is_seen_too() throws SQLException {
        assumeTrue(database.majorVersion() >= 16, "pg_input_is_valid is of PostgreSQL 16");
        a_query_that_empties_a_table_is_not_safe("SELECT pg_input_is_valid('1', 'check' || 'ed')");
        a_query_that_empties_a_table_is_not_safe("SELECT message FROM pg_input_error_info('(1,2)', 'holder')");
    }

    /** Sent around the guard they would need a role, a file or a large object; what matters is that they are seen. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT * FROM ruled",
                "SELECT * FROM over_rules",
                "SELECT * FROM through_a_builtin",
                "SELECT zap(oid) FROM pg_class",
                "SELECT @@~ 5::oid",
                "SELECT unlinked(5)",
                "SELECT lifts()",
                "SELECT sets()"
            })
    void a_query_that_may_change_anything_is_not_safe(String sql) throws SQLException {
        database.run(
                "DROP AGGREGATE IF EXISTS zap(oid)",
                "CREATE AGGREGATE zap(oid) (SFUNC = oidlarger, STYPE = oid, FINALFUNC = lo_unlink)",
                "DROP OPERATOR IF EXISTS @@~ (NONE, oid)",
                "CREATE OPERATOR @@~ (FUNCTION = lo_unlink, RIGHTARG = oid)",
                "CREATE OR REPLACE FUNCTION unlinked(oid) RETURNS int IMMUTABLE LANGUAGE internal AS 'be_lo_unlink'",
                "CREATE OR REPLACE FUNCTION lifts() RETURNS int STABLE LANGUAGE sql SET default_transaction_read_only = off"
                        + " AS 'SELECT 1'",
                "CREATE OR REPLACE FUNCTION sets() RETURNS text STABLE LANGUAGE sql AS"
                        + " 'SELECT set_config(''default_transaction_'' || ''read_only'', ''off'', false)'");
        assertThatThrownBy(() -> read(sql))
                .isInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("[read-only-policy]");
    }
}
