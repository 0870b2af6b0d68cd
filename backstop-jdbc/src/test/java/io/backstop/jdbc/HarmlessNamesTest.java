package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** In a database with code that may change anything, what does not run it stays SAFE. */
@ExtendWith(PostgresExtension.class)
class HarmlessNamesTest {
    private TestDatabase database;
    private Backstop backstop;

    @BeforeEach
    void create(TestDatabase testDatabase, @TempDir Path folder) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE t (a int, b text)",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION of_row(t) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                "CREATE TRIGGER fires AFTER INSERT ON t EXECUTE FUNCTION fires()",
                "CREATE VIEW seen AS SELECT wipe() AS w",
                "CREATE MATERIALIZED VIEW kept_once AS SELECT wipe() AS w",
                "CREATE VIEW over_kept AS SELECT * FROM kept_once",
                "CREATE EXTENSION pgcrypto",
                "CREATE EXTENSION \"uuid-ossp\"",
                "CREATE EXTENSION pg_trgm",
                "CREATE EXTENSION citext",
                "CREATE EXTENSION hstore",
                "CREATE EXTENSION ltree",
                "CREATE EXTENSION btree_gist",
                "CREATE FUNCTION how_many() RETURNS bigint STABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN (SELECT count(*) FROM public.t); END'",
                "CREATE FUNCTION plus(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2'",
                "CREATE FUNCTION words(text) RETURNS int IMMUTABLE LANGUAGE internal AS 'textlen'",
                "CREATE FUNCTION tuned() RETURNS text STABLE LANGUAGE sql SET work_mem = '8MB' AS"
                        + " $$ SELECT set_config('work_mem', '4MB', true) $$",
                "CREATE OPERATOR +~+ (FUNCTION = plus, LEFTARG = int, RIGHTARG = int)",
                "CREATE AGGREGATE total(int) (SFUNC = plus, STYPE = int, INITCOND = '0')",
                "CREATE DOMAIN small AS int CHECK (VALUE < plus(5, 5))",
                "CREATE TYPE mood AS ENUM ('sad', 'ok')",
                "CREATE VIEW plain_view AS SELECT how_many() AS n");
        backstop = Backstop.builder()
                .policy("read-only")
                .control(folder.resolve("backstop.db"))
                .build();
    }

    @AfterEach
    void close() throws SQLException {
        backstop.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT a AS wipe, b AS of_row, t.a FROM t",
                "WITH wipe (x) AS (SELECT 1) SELECT x FROM wipe",
                "SELECT * FROM kept_once, over_kept",
                "SELECT lower(b), count(*), gen_random_uuid() FROM t GROUP BY b",
                "SELECT 'wipe()', $$ seen $$ -- seen",
                "SELECT * FROM pg_class, information_schema.tables, pg_stat_activity, pg_locks LIMIT 0",
                "SELECT how_many(), '1'::small, 1 +~+ 2, total(1), words('x'), tuned(), 'ok'::mood, * FROM plain_view GROUP BY n",
                "SELECT uuid_generate_v4(), encode(gen_random_bytes(4), 'hex'), show_limit(), similarity('a', 'b')",
                "SELECT crypt('x', gen_salt('bf')), digest('x', 'sha256'), set_limit(0.3)",
                "SELECT 'a'::citext = 'A', 'a=>1'::hstore -> 'a', '1.2'::ltree",
                "LISTEN wipe"
            })
    void is_a_safe_query(String sql) throws SQLException {
        try (Connection reader = backstop.guard(database.connect());
                Statement statement = reader.createStatement()) {
            assertThatCode(() -> statement.execute(sql)).doesNotThrowAnyException();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"COPY plain (a) FROM STDIN", "COPY public.plain(a) TO STDOUT"})
    void nor_is_that_of_a_copy(String sql, @TempDir Path folder) throws SQLException {
        database.run("CREATE TABLE plain (a int)");
        try (Backstop strict = Backstop.builder()
                        .policy("strict")
                        .control(folder.resolve("strict.db"))
                        .build();
                Connection writer = strict.guard(database.connect());
                Statement statement = writer.createStatement()) {
            statement.execute("BEGIN");
            statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            assertThatThrownBy(() -> statement.execute(sql)).isExactlyInstanceOf(PSQLException.class);
            statement.execute("ROLLBACK");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"INSERT INTO plain (a) VALUES (1)", "INSERT INTO public . \"plain\" (a) SELECT 2"})
    void the_table_of_an_insert_is_no_function_in_a_transaction_that_sees_an_older_catalog(
            String sql, @TempDir Path folder) throws SQLException {
        database.run("CREATE TABLE plain (a int)");
        try (Backstop strict = Backstop.builder()
                        .policy("strict")
                        .control(folder.resolve("strict.db"))
                        .build();
                Connection writer = strict.guard(database.connect());
                Statement statement = writer.createStatement()) {
            statement.execute("BEGIN");
            statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            assertThatCode(() -> statement.execute(sql)).doesNotThrowAnyException();
            statement.execute("COMMIT");
        }
    }
}
