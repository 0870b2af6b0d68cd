package io.backstop.story;

import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** DROP … CASCADE of schemas and views takes more than tables: it comes back, or nothing goes. */
class DroppedSchemaTest extends GuardedStory {
    /** What stands in the schema, but what PostgreSQL makes along with it. */
    private static final String CONTENTS = """
            SELECT pg_describe_object(d.classid, d.objid, 0) || coalesce(pg_get_functiondef(f.oid), '')
            || coalesce(' at ' || pg_sequence_last_value(s.oid), '')
            FROM pg_depend d LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid AND f.prokind <> 'a'
            LEFT JOIN pg_class s ON d.classid = 'pg_class'::regclass AND s.oid = d.objid AND s.relkind = 'S'
            WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'app'::regnamespace ORDER BY 1""";

    @BeforeEach
    void createSchema() throws SQLException {
        database.run("CREATE SCHEMA app");
    }

    private String drop(String sql) throws SQLException, IOException {
        try (Backstop backstop = backstop("\"block_operations\": []")) {
            return outcome(backstop, sql);
        }
    }

    @Test
    void what_stands_in_a_schema_by_itself_comes_back_with_its_tables() throws Exception {
        database.run(
                "CREATE TABLE app.x (id int PRIMARY KEY, v text)",
                "INSERT INTO app.x VALUES (1, 'a')",
                "CREATE VIEW app.on_table AS SELECT id FROM app.x",
                "CREATE TYPE app.mood AS ENUM ('sad', 'ok')",
                "CREATE DOMAIN app.short AS text CHECK (length(VALUE) < 5)",
                "CREATE TYPE app.pair AS (m app.mood, s app.short)",
                "CREATE TYPE app.span AS RANGE (subtype = date)",
                "CREATE COLLATION app.plain FROM \"C\"",
                "CREATE SEQUENCE app.numbers",
                "SELECT setval('app.numbers', 4711)",
                "CREATE FUNCTION app.add1(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1'",
                "CREATE FUNCTION app.next() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''app.numbers'')'",
                "CREATE FUNCTION app.of_pair(app.pair) RETURNS app.mood LANGUAGE sql AS 'SELECT $1.m'",
                "CREATE PROCEDURE app.nothing() LANGUAGE sql AS 'SELECT 1'",
                "CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int)",
                "CREATE OPERATOR app.### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)",
                "CREATE SEQUENCE app.unused START 7",
                "CREATE TYPE app.page AS (items app.x[], total int)",
                "CREATE FUNCTION app.list() RETURNS app.page LANGUAGE sql AS 'SELECT NULL::app.page'",
                "CREATE DOMAIN app.fine AS app.x CHECK ((VALUE).id > 0)",
                "CREATE FUNCTION app.paged(app.fine) RETURNS app.page LANGUAGE sql AS 'SELECT NULL::app.page'",
                "CREATE OPERATOR CLASS app.ints FOR TYPE int USING hash AS OPERATOR 1 pg_catalog.=, FUNCTION 1 hashint4(int)");
        List<String> before = database.rows(CONTENTS);
        assertThat(drop("DROP SCHEMA app CASCADE")).isEqualTo("ok 0");
        recoverAndCopyBack("app.x");
        assertThat(database.rows(CONTENTS)).isEqualTo(before);
        assertThat(database.value("SELECT app.next()")).isEqualTo("4712");
        assertThat(database.value("SELECT nextval('app.unused')")).isEqualTo("7");
    }

    /** A table's rows come from an older snapshot; what the schema had besides is stored with the younger one. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM app.x",
                "TRUNCATE app.x",
                "ALTER TABLE app.x DROP COLUMN v",
                "DROP TABLE app.x CASCADE"
            })
    void what_stands_in_a_schema_by_itself_comes_back_though_its_tables_were_lost_before(String loss) throws Exception {
        database.run(
                "CREATE TABLE app.x (id serial PRIMARY KEY, v text)",
                "CREATE TABLE app.y (id int PRIMARY KEY DEFAULT nextval('app.x_id_seq'), n int)",
                "INSERT INTO app.x (v) VALUES ('a'), ('b')",
                "INSERT INTO app.y (n) VALUES (3)",
                "CREATE TYPE app.mood AS ENUM ('sad', 'ok')",
                "CREATE SEQUENCE app.numbers",
                "SELECT setval('app.numbers', 4711)",
                "CREATE FUNCTION app.alone() RETURNS app.mood LANGUAGE sql AS 'SELECT ''ok''::app.mood'",
                "CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
                "CREATE VIEW app.v AS SELECT id FROM app.y",
                "CREATE TRIGGER touched INSTEAD OF INSERT ON app.v FOR EACH ROW EXECUTE FUNCTION app.touch()",
                "CREATE FUNCTION app.of_view(app.v) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION app.standard(int) RETURNS int LANGUAGE sql RETURN $1 + 1",
                "CREATE PROCEDURE app.nothing() LANGUAGE sql AS 'SELECT 1'",
                "CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int)");
        List<String> before = database.rows(CONTENTS);
        List<String> rows = database.rows("SELECT * FROM app.y");
        Instant moment = Instant.now();
        if (loss.startsWith("DROP TABLE")) {
            database.run("ALTER TABLE app.y ALTER id DROP DEFAULT");
            before = database.rows(CONTENTS);
            moment = Instant.now();
        }
        assertThat(drop(loss)).startsWith("ok ");
        assertThat(drop("DROP SCHEMA app CASCADE")).isEqualTo("ok 0");
        CommandRun run = command("recover", "--schema", "app", "--before", moment.toString());
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        database.run(run.output());
        assertThat(database.rows(CONTENTS)).isEqualTo(before);
        assertThat(database.rows("SELECT * FROM app.y")).isEqualTo(rows);
        assertThat(database.value("SELECT nextval('app.numbers')")).isEqualTo("4712");
    }

    @ParameterizedTest
    @ValueSource(strings = {"app.p", "app.p_1", "app.x"})
    void a_key_to_a_partitioned_table_is_made_once_whichever_table_comes_first(String table) throws Exception {
        database.run(
                "CREATE TABLE app.p (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                "CREATE TABLE app.p_1 PARTITION OF app.p FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE app.p_2 PARTITION OF app.p FOR VALUES FROM (10) TO (20)",
                "CREATE TABLE app.x (id int PRIMARY KEY, p int REFERENCES app.p)",
                "ALTER TABLE t ADD CONSTRAINT to_p FOREIGN KEY (k) REFERENCES app.p NOT VALID",
                "INSERT INTO app.p VALUES (1), (11)",
                "INSERT INTO app.x VALUES (1, 11)");
        assertThat(drop("DROP SCHEMA app CASCADE")).isEqualTo("ok 0");
        recoverAndCopyBack(table, "--group");
        assertThat(database.rows(
                        "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' AND conparentid = 0"
                                + " ORDER BY 1"))
                .containsExactly("to_p|f", "x_p_fkey|t");
    }

    @Test
    void what_is_not_kept_and_not_worth_a_refusal_is_told() throws Exception {
        assumeTrue(database.majorVersion() >= 15, "publications of schemas came with 15");
        database.run(
                "CREATE TABLE app.x (id int PRIMARY KEY)", "CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA app");
        assertThat(drop("DROP SCHEMA app CASCADE")).isEqualTo("ok 0");
        CommandRun recovery = recover("app.x");
        database.run("DROP PUBLICATION of_schema");
        assertThat(recovery.exitCode()).as(recovery.errors()).isZero();
        assertThat(recovery.output() + recovery.errors()).contains("of_schema went with the schema and is not kept");
    }

    /** Emptied first, a schema goes by DROP SCHEMA alone; what made it again may have made some of its contents, too. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DROP SCHEMA app CASCADE | --table app.x",
                "DROP SCHEMA app CASCADE | --schema app",
                "DROP FUNCTION app.f(); DROP TABLE app.x CASCADE; DROP SCHEMA app | --schema app",
                "DROP SCHEMA app CASCADE; CREATE SCHEMA app | --schema app",
            })
    void what_new_objects_are_granted_comes_back_and_goes_to_nothing_that_does(String losses, String what)
            throws Exception {
        String defaults = "SELECT defaclrole::regrole, defaclobjtype, x.* FROM pg_default_acl, aclexplode(defaclacl) x"
                + " WHERE defaclnamespace = to_regnamespace('app') ORDER BY 2, 4, 5";
        String rights =
                "SELECT 'x', relacl::text FROM pg_class WHERE oid = to_regclass('app.x') UNION ALL SELECT 'v', relacl::text FROM"
                        + " pg_class WHERE oid = to_regclass('app.v') UNION ALL SELECT 'f', proacl::text FROM pg_proc WHERE"
                        + " oid = to_regproc('app.f') ORDER BY 1";
        database.run(
                "CREATE TABLE app.x (id int PRIMARY KEY)",
                "INSERT INTO app.x VALUES (1)",
                "CREATE VIEW app.v AS SELECT id FROM app.x",
                "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "REVOKE ALL ON FUNCTION app.f() FROM PUBLIC",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT, INSERT ON TABLES TO PUBLIC",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO pg_monitor WITH GRANT OPTION",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON SEQUENCES TO pg_monitor",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT EXECUTE ON FUNCTIONS TO pg_monitor");
        List<String> before = database.rows(defaults);
        List<String> beforeRights = database.rows(rights);
        Instant moment = Instant.now();
        for (String loss : losses.split("; ", -1)) {
            if (loss.startsWith("CREATE")) {
                database.run(loss);
            } else {
                assertThat(drop(loss)).isEqualTo("ok 0");
            }
        }
        CommandRun run =
                command("recover", what.split(" ", -1)[0], what.split(" ", -1)[1], "--before", moment.toString());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        database.run(run.output());
        assertThat(database.rows(defaults)).isEqualTo(before);
        assertThat(database.rows(rights)).isEqualTo(beforeRights);
    }

    @Test
    void what_new_objects_are_not_granted_any_more_is_only_offered() throws Exception {
        database.run(
                "CREATE TABLE app.x (id int PRIMARY KEY)",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC");
        assertThat(drop("DROP TABLE app.x")).isEqualTo("ok 0");
        database.run("ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON TABLES FROM PUBLIC");
        CommandRun run = recover("app.x");
        database.run(run.output());
        assertThat(run.output()).contains("-- ALTER DEFAULT PRIVILEGES FOR ROLE ");
        assertThat(database.rows("SELECT FROM pg_default_acl WHERE defaclnamespace = 'app'::regnamespace"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            CREATE SEQUENCE app.numbers                                              | sequence app.numbers
            CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'            | function app.f()
            CREATE VIEW app.alone AS SELECT 1 AS one                                  | view app.alone
            CREATE VIEW app.on_public AS SELECT id FROM t                             | view app.on_public
            CREATE TEXT SEARCH CONFIGURATION app.en (COPY = english)                  | text search configuration app.en
            """)
    void a_schema_is_not_dropped_with_what_no_table_brings_back(String create, String what) throws Exception {
        database.run(create);
        List<String> before = database.rows(CONTENTS);
        assertThat(drop("DROP SCHEMA app CASCADE"))
                .startsWith("ZB007 the statement would also drop ")
                .contains(what);
        assertThat(database.rows(CONTENTS)).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ALTER TABLE t ALTER k SET DEFAULT app.f()                                | default value for column k of table public.t
            ALTER TABLE t ADD CONSTRAINT fine CHECK (app.f() = 1)                    | constraint fine on table public.t
            CREATE INDEX found ON t ((k + app.f()))                                  | index public.found
            CREATE POLICY mine ON t USING (k = app.f())                              | policy mine on table public.t
            CREATE TRIGGER tells AFTER INSERT ON t EXECUTE FUNCTION app.tr()         | trigger tells on table public.t
            """)
    void a_schema_is_not_dropped_with_parts_of_tables_that_stay(String create, String what) throws Exception {
        database.run(
                "CREATE TABLE app.x (id int PRIMARY KEY)",
                "CREATE FUNCTION app.f() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION app.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                create);
        assertThat(drop("DROP SCHEMA app CASCADE"))
                .startsWith("ZB007 the statement would also drop ")
                .contains(what);
        assertThat(database.value("SELECT to_regclass('app.x') IS NOT NULL")).isEqualTo("t");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DROP MATERIALIZED VIEW made CASCADE", "DROP VIEW seen CASCADE"})
    void a_view_is_not_dropped_with_what_is_made_of_it(String sql) throws Exception {
        database.run(
                "CREATE MATERIALIZED VIEW made AS SELECT k, count(*) AS n FROM t GROUP BY k",
                "CREATE UNIQUE INDEX ON made (k)",
                "CREATE VIEW on_made AS SELECT n FROM made",
                "CREATE VIEW seen AS SELECT id, k FROM t",
                "CREATE FUNCTION of_seen(seen) RETURNS int LANGUAGE sql AS 'SELECT $1.k'");
        assertThat(drop(sql)).startsWith("ZB007 the statement would also drop ");
        assertThat(database.rows("SELECT count(*) FROM on_made UNION ALL SELECT count(*) FROM seen"))
                .containsExactly("10", "1000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP SCHEMA app CASCADE",
                "DROP MATERIALIZED VIEW made CASCADE",
                "DROP VIEW seen CASCADE",
                "DROP VIEW seen, on_seen CASCADE"
            })
    void what_was_named_and_its_own_parts_may_go(String sql) throws Exception {
        database.run(
                "CREATE MATERIALIZED VIEW made AS SELECT k, count(*) AS n FROM t GROUP BY k",
                "CREATE UNIQUE INDEX ON made (k)",
                "CREATE VIEW seen AS SELECT id, k FROM t");
        if (sql.contains("on_seen")) {
            database.run("CREATE VIEW on_seen AS SELECT id FROM seen");
        }
        assertThat(drop(sql)).isEqualTo("ok 0");
    }
}
