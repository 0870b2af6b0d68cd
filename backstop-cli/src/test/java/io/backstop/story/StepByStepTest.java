package io.backstop.story;

import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A tool takes tables apart in many small steps, none of which takes rows but the last; all of it comes back. */
class StepByStepTest extends GuardedStory {
    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "CREATE SCHEMA app",
                "CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
                "CREATE FUNCTION app.is_mail(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 LIKE ''%@%'''",
                "CREATE TABLE app.users (id serial PRIMARY KEY, email text NOT NULL DEFAULT 'a@b'"
                        + " CONSTRAINT mail CHECK (app.is_mail(email)), name text NOT NULL DEFAULT 'nobody',"
                        + " born date, score int DEFAULT 7, CONSTRAINT users_email_key UNIQUE (email))",
                "CREATE TABLE app.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                        + " user_id int NOT NULL CONSTRAINT orders_user REFERENCES app.users ON DELETE CASCADE,"
                        + " total numeric(10,2) NOT NULL DEFAULT 0 CHECK (total >= 0), state text DEFAULT 'new',"
                        + " during int4range, EXCLUDE USING gist (during WITH &&))",
                "CREATE INDEX users_name ON app.users (lower(name)) WHERE score > 1",
                "CREATE UNIQUE INDEX users_born ON app.users (born, id)",
                "CREATE INDEX orders_user_id ON app.orders (user_id) INCLUDE (state)",
                "CREATE INDEX orders_state ON app.orders (state DESC)",
                "CREATE STATISTICS app.users_stats ON name, score FROM app.users",
                "CREATE TRIGGER touched BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.touch()",
                "CREATE TRIGGER seen AFTER INSERT ON app.orders FOR EACH ROW WHEN (new.total > 5)"
                        + " EXECUTE FUNCTION app.touch()",
                "CREATE POLICY mine ON app.users FOR SELECT USING (score > 0)",
                "CREATE POLICY new ON app.orders USING (state = 'new')",
                "ALTER TABLE app.users ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE app.users FORCE ROW LEVEL SECURITY",
                "ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY",
                "CREATE RULE quiet AS ON DELETE TO app.orders WHERE old.state = 'kept' DO INSTEAD NOTHING",
                "ALTER TABLE app.users SET (fillfactor = 70)",
                "ALTER TABLE app.users ALTER COLUMN name SET STATISTICS 300",
                "ALTER TABLE app.users ALTER COLUMN score SET (n_distinct = 5)",
                "ALTER TABLE app.users REPLICA IDENTITY USING INDEX users_email_key",
                "ALTER TABLE app.users CLUSTER ON users_born",
                "CREATE VIEW app.known AS SELECT id, name FROM app.users",
                "CREATE MATERIALIZED VIEW app.sums AS SELECT user_id, sum(total) FROM app.orders GROUP BY 1",
                "CREATE UNIQUE INDEX sums_user ON app.sums (user_id)",
                "CREATE VIEW app.both AS SELECT name FROM app.known WHERE id > 1",
                "COMMENT ON VIEW app.known IS 'by name'",
                "GRANT SELECT ON app.known TO PUBLIC",
                "COMMENT ON COLUMN app.users.name IS 'as it is spoken'",
                "COMMENT ON CONSTRAINT mail ON app.users IS 'one @'",
                "INSERT INTO app.users (email, name, born) SELECT i || '@x', 'u' || i, '2000-01-01'::date + i"
                        + " FROM generate_series(1, 20) i",
                "INSERT INTO app.orders (user_id, total) SELECT i, i FROM generate_series(1, 20) i");
    }

    @Test
    void comments_of_foreign_keys_between_tables_that_make_way_come_back() throws Exception {
        database.run(
                "CREATE TABLE app.chi (id int PRIMARY KEY, q int)",
                "CREATE TABLE app.par (id int PRIMARY KEY, v int, chi int, CONSTRAINT to_chi FOREIGN KEY (chi) REFERENCES"
                        + " app.chi, CONSTRAINT to_gone FOREIGN KEY (v) REFERENCES app.orders)",
                "ALTER TABLE app.chi ADD CONSTRAINT to_par FOREIGN KEY (q) REFERENCES app.par DEFERRABLE",
                "COMMENT ON CONSTRAINT to_chi ON app.par IS 'parent''s child'",
                "COMMENT ON CONSTRAINT to_par ON app.chi IS 'child''s parent'",
                "COMMENT ON CONSTRAINT to_gone ON app.par IS 'gone'",
                "INSERT INTO app.chi VALUES (1, NULL)",
                "INSERT INTO app.par VALUES (1, 1, 1)");
        String comments = "SELECT conname, obj_description(oid) FROM pg_constraint WHERE contype = 'f'"
                + " AND conname LIKE 'to\\_%' ORDER BY 1";
        List<String> before = database.rows(comments);
        Instant moment = Instant.now();
        try (Backstop backstop = backstop("")) {
            execute(backstop, "ALTER TABLE app.par DROP COLUMN v");
            execute(backstop, "ALTER TABLE app.chi DROP COLUMN q");
            CommandRun listed = command("snapshots", "list");
            assertThat(listed.output().lines().mapToInt(String::length).max().orElseThrow())
                    .as(listed.output())
                    .isLessThanOrEqualTo(80);
        }
        CommandRun run = command("recover", "--schema", "app", "--before", moment.toString());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        database.run(run.output());
        assertThat(database.rows(comments)).isEqualTo(before);
    }

    /** How tools take a schema apart; each statement is sent by itself. */
    @SuppressWarnings("ImmutableEnumChecker") // The list is an immutable copy.
    enum Tool {
        /** As {@code pg_dump --clean} writes it. */
        DUMP(
                false,
                "DROP VIEW app.both",
                "DROP MATERIALIZED VIEW app.sums",
                "DROP POLICY mine ON app.users",
                "DROP POLICY new ON app.orders",
                "DROP VIEW app.known",
                "ALTER TABLE ONLY app.orders DROP CONSTRAINT orders_user",
                "DROP TRIGGER touched ON app.users",
                "DROP TRIGGER seen ON app.orders",
                "DROP RULE quiet ON app.orders",
                "DROP INDEX app.users_name",
                "DROP INDEX app.orders_user_id",
                "DROP INDEX app.orders_state",
                "ALTER TABLE ONLY app.users DROP CONSTRAINT mail",
                "ALTER TABLE app.users REPLICA IDENTITY DEFAULT",
                "ALTER TABLE ONLY app.users DROP CONSTRAINT users_email_key",
                "DROP INDEX app.users_born",
                "ALTER TABLE ONLY app.orders DROP CONSTRAINT orders_pkey",
                "ALTER TABLE ONLY app.users DROP CONSTRAINT users_pkey",
                "DROP STATISTICS app.users_stats",
                "ALTER TABLE app.users ALTER COLUMN id DROP DEFAULT",
                "DROP SEQUENCE app.users_id_seq",
                "DROP TABLE app.orders",
                "DROP TABLE app.users",
                "DROP FUNCTION app.touch()",
                "DROP FUNCTION app.is_mail(text)"),
        /** As Liquibase drops all: keys first, then tables with CASCADE. */
        DROP_ALL(
                true,
                "DROP VIEW app.both",
                "DROP VIEW app.known",
                "ALTER TABLE app.orders DROP CONSTRAINT orders_user",
                "DROP TRIGGER seen ON app.orders",
                "DROP TRIGGER touched ON app.users",
                "DROP POLICY IF EXISTS mine ON app.users",
                "ALTER TABLE app.users DISABLE ROW LEVEL SECURITY",
                "ALTER TABLE app.orders DISABLE ROW LEVEL SECURITY, ALTER total DROP DEFAULT",
                "DROP INDEX IF EXISTS app.users_name, app.orders_state, app.missing",
                "DROP TABLE app.orders CASCADE",
                "DROP TABLE app.users CASCADE",
                "DROP FUNCTION app.touch()"),
        /** As a push of a changed model: the tables stay in the beginning. */
        PUSH(
                false,
                "ALTER TABLE app.users ALTER COLUMN name DROP NOT NULL, ALTER COLUMN name DROP DEFAULT",
                "ALTER TABLE app.users ALTER COLUMN score SET DEFAULT 8",
                "ALTER TABLE app.users ALTER COLUMN score RESET (n_distinct), ALTER name SET STATISTICS -1",
                "ALTER TABLE app.users NO FORCE ROW LEVEL SECURITY",
                "ALTER TABLE app.users SET WITHOUT CLUSTER",
                "ALTER TABLE app.users RESET (fillfactor)",
                "ALTER TABLE app.orders ALTER COLUMN state DROP DEFAULT",
                "ALTER TABLE app.orders ALTER COLUMN id DROP IDENTITY",
                "ALTER TABLE app.orders DROP CONSTRAINT orders_total_check, DROP CONSTRAINT orders_during_excl",
                "DROP RULE quiet ON app.orders",
                "DROP INDEX app.sums_user",
                "DROP VIEW app.both; DROP MATERIALIZED VIEW app.sums",
                "CREATE OR REPLACE VIEW app.known AS SELECT id, name, 1 AS one FROM app.users",
                "DROP VIEW app.known",
                "DROP TABLE app.orders",
                "DROP TABLE app.users");

        private final boolean oneTransaction;
        private final List<String> statements;

        Tool(boolean oneTransaction, String... statements) {
            this.oneTransaction = oneTransaction;
            this.statements = List.of(statements);
        }
    }

    private void send(boolean oneTransaction, List<String> statements) throws Exception {
        try (Backstop backstop = backstop("\"block_operations\": []");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(!oneTransaction);
            for (String sql : statements) {
                statement.execute(sql);
            }
            if (oneTransaction) {
                connection.commit();
            }
        }
    }

    private List<SnapshotManifest> oldestFirst() throws Exception {
        List<SnapshotManifest> manifests = new ArrayList<>(archive.list());
        manifests.sort(Comparator.comparing(SnapshotManifest::createdAt));
        return manifests;
    }

    private String beginning() throws Exception {
        return oldestFirst().get(0).createdAt().toString();
    }

    @ParameterizedTest
    @EnumSource
    void tables_that_a_tool_took_apart_come_back_as_they_were(Tool tool) throws Exception {
        List<String> before = database.rows(SchemaDefinitions.OF_TABLES);
        List<String> rows =
                database.rows("SELECT o::text || u::text FROM app.orders o JOIN app.users u ON u.id = user_id");
        send(tool.oneTransaction, tool.statements);
        String beginning = beginning();
        for (String table : List.of("app.users", "app.orders")) {
            recoverAndCopyBack(table, "--before", beginning);
        }
        assertComesBack(before, rows);
    }

    @ParameterizedTest
    @EnumSource
    void a_schema_that_a_tool_took_apart_comes_back_in_one_script(Tool tool) throws Exception {
        database.run("CREATE VIEW app.across AS SELECT name, sum FROM app.known JOIN app.sums ON id = user_id");
        List<String> before = database.rows(SchemaDefinitions.OF_TABLES);
        List<String> rows = rows();
        List<String> statements = new ArrayList<>(List.of("DROP VIEW app.across"));
        statements.addAll(tool.statements);
        send(tool.oneTransaction, statements);
        CommandRun run = command("recover", "--schema", "app", "--before", beginning());
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        database.run(run.output());
        assertComesBack(before, rows);
    }

    private List<String> rows() throws SQLException {
        return database.rows("SELECT o::text || u::text FROM app.orders o JOIN app.users u ON u.id = user_id");
    }

    private void assertComesBack(List<String> before, List<String> rows) throws SQLException {
        assertThat(database.rows(SchemaDefinitions.OF_TABLES)).containsExactlyElementsOf(before);
        assertThat(database.rows("SELECT o::text || u::text FROM app.orders o JOIN app.users u ON u.id = user_id"))
                .containsExactlyInAnyOrderElementsOf(rows);
        database.run("INSERT INTO app.users (email) VALUES ('new@x')", "INSERT INTO app.orders (user_id) VALUES (21)");
    }

    @Test
    void every_snapshot_of_a_step_holds_definitions_alone_and_is_final() throws Exception {
        send(false, List.of("DROP INDEX app.users_name", "ALTER TABLE app.users DROP CONSTRAINT mail"));
        assertThat(oldestFirst()).hasSize(2).allSatisfy(manifest -> {
            assertThat(manifest.coverage()).isEqualTo(SnapshotManifest.Coverage.DEFINITIONS);
            assertThat(manifest.chunks()).isEmpty();
            assertThat(manifest.table()).isEqualTo("users");
        });
        assertThat(archive.contents().undecided()).isEmpty();
        assertThat(CommandRun.of("snapshots", "show", oldestFirst().get(0).snapshotId(), "--storage", storage())
                        .output())
                .contains("the table's definitions alone", "index users_name", "trigger touched");
    }

    @Test
    void a_table_that_stays_gets_back_what_it_lost_and_no_row_of_it_is_touched() throws Exception {
        List<String> before = database.rows(SchemaDefinitions.OF_TABLES);
        send(
                false,
                List.of(
                        "DROP POLICY mine ON app.users",
                        "DROP TRIGGER touched ON app.users",
                        "ALTER TABLE app.users DROP CONSTRAINT mail",
                        "DROP INDEX app.users_name",
                        "ALTER TABLE app.users ALTER COLUMN name DROP DEFAULT, ALTER COLUMN born SET DEFAULT now()"));
        database.run(
                "ALTER TABLE app.users ALTER born DROP DEFAULT", "UPDATE app.users SET name = 'later' WHERE id = 1");
        String id = oldestFirst().get(0).snapshotId();
        recoverAndCopyBack("app.users", "--before", id);
        database.run("DROP TABLE app.users_recovered");
        assertThat(database.rows(SchemaDefinitions.OF_TABLES)).containsExactlyElementsOf(before);
        assertThat(database.value("SELECT name FROM app.users WHERE id = 1")).isEqualTo("later");
    }

    @Test
    void what_is_otherwise_by_now_stays_and_is_named() throws Exception {
        send(
                false,
                List.of(
                        "ALTER TABLE app.users ALTER COLUMN score SET DEFAULT 8",
                        "ALTER TABLE app.users RESET (fillfactor)",
                        "ALTER TABLE app.users ALTER COLUMN score RESET (n_distinct)"));
        CommandRun run = command(
                "recover",
                "--table",
                "app.users",
                "--before",
                oldestFirst().get(0).snapshotId());
        assertThat(run.output()).contains("default of column score is another by now, and stays as it is");
        database.run(run.output());
        assertThat(database.value("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef d JOIN pg_attribute a"
                        + " ON attrelid = adrelid AND attnum = adnum WHERE adrelid = 'app.users'::regclass"
                        + " AND attname = 'score'"))
                .isEqualTo("8");
        assertThat(database.value("SELECT reloptions::text FROM pg_class WHERE oid = 'app.users'::regclass"))
                .isEqualTo("{fillfactor=70}");
        assertThat(database.value("SELECT attoptions::text FROM pg_attribute WHERE attrelid = 'app.users'::regclass"
                        + " AND attname = 'score'"))
                .isEqualTo("{n_distinct=5}");
    }

    @Test
    void a_view_that_was_dropped_or_replaced_by_itself_is_brought_back_or_named() throws Exception {
        List<String> before = database.rows(SchemaDefinitions.OF_TABLES);
        send(false, List.of("DROP VIEW app.both", "DROP VIEW app.known"));
        recoverAndCopyBack("app.users", "--before", beginning());
        database.run("DROP TABLE app.users_recovered");
        assertThat(database.rows(SchemaDefinitions.OF_TABLES)).containsExactlyElementsOf(before);
        String now = Instant.now().toString();
        send(false, List.of("CREATE OR REPLACE VIEW app.known AS SELECT id, name, 2 AS two FROM app.users"));
        CommandRun run = command("recover", "--table", "app.users", "--before", now);
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output()).contains("view app.known is another by now, and stays as it is");
    }

    @Test
    void functions_types_and_sequences_that_went_by_themselves_come_back_with_their_schema() throws Exception {
        database.run(
                "CREATE TYPE app.mood AS ENUM ('sad', 'ok')",
                "CREATE DOMAIN app.short AS text CHECK (length(VALUE) < 5)",
                "CREATE TYPE app.pair AS (m app.mood, s app.short)",
                "CREATE SEQUENCE app.numbers INCREMENT 2 START 5",
                "SELECT setval('app.numbers', 4711)",
                "CREATE FUNCTION app.of_pair(app.pair) RETURNS app.mood LANGUAGE sql AS 'SELECT $1.m'",
                "CREATE FUNCTION app.add(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1'",
                "CREATE FUNCTION app.add(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2'",
                "CREATE PROCEDURE app.nothing() LANGUAGE sql AS 'SELECT 1'",
                "CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int)",
                "COMMENT ON TYPE app.mood IS 'how it goes'",
                "REVOKE ALL ON FUNCTION app.add(int) FROM PUBLIC");
        List<String> before = database.rows(SchemaDefinitions.OF_OBJECTS);
        send(
                false,
                List.of(
                        "DROP AGGREGATE app.total(int)",
                        "DROP PROCEDURE app.nothing()",
                        "DROP FUNCTION app.of_pair(app.pair), app.add(int)",
                        "DROP TYPE app.pair",
                        "DROP DOMAIN app.short",
                        "DROP TYPE IF EXISTS app.mood",
                        "CREATE OR REPLACE FUNCTION app.add(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 - $2'",
                        "SET search_path = app",
                        "DROP SEQUENCE numbers"));
        assertThat(oldestFirst()).extracting(SnapshotManifest::coverage).containsOnly(SnapshotManifest.Coverage.OBJECT);
        assertThat(archive.contents().undecided()).isEmpty();
        CommandRun run = command("recover", "--schema", "app", "--before", beginning());
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output()).contains("function app.add(integer,integer) is another by now, and stays as it is");
        database.run(run.output());
        assertThat(database.value("SELECT app.add(3, 1)")).isEqualTo("2");
        database.run("CREATE OR REPLACE FUNCTION app.add(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2'");
        assertThat(database.rows(SchemaDefinitions.OF_OBJECTS)).containsExactlyElementsOf(before);
        assertThat(database.value("SELECT nextval('app.numbers')")).isEqualTo("4713");
        CommandRun again = command("recover", "--schema", "app", "--before", beginning());
        assertThat(again.output()).doesNotContain("CREATE ");
    }

    /** Each leaves every row, and is given back or named. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "REVOKE SELECT ON app.known FROM PUBLIC|known",
                "REVOKE SELECT (name), UPDATE ON TABLE app.orders, app.users FROM reading|users",
                "COMMENT ON COLUMN app.users.name IS NULL|name",
                "COMMENT ON TABLE app.users IS NULL|comment",
                "COMMENT ON CONSTRAINT users_pkey ON app.users IS NULL|users_pkey",
                "ALTER TABLE app.users DISABLE TRIGGER ALL|trigger",
                "ALTER TABLE app.users ALTER score SET STATISTICS 7|score",
                "ALTER TABLE app.users ALTER name SET STORAGE MAIN|name",
                "ALTER TABLE app.heir NO INHERIT app.parent|inherits",
                "ALTER TABLE app.heir ALTER n SET GENERATED BY DEFAULT|identity"
            })
    void what_is_altered_by_itself_is_given_back_or_named(String sql, String word) throws Exception {
        database.run(
                "CREATE ROLE reading",
                "GRANT SELECT ON app.known TO PUBLIC",
                "GRANT SELECT (name), UPDATE ON app.users TO reading",
                "COMMENT ON TABLE app.users IS 'known'",
                "COMMENT ON COLUMN app.users.name IS 'whose'",
                "COMMENT ON CONSTRAINT users_pkey ON app.users IS 'the key'",
                "ALTER TABLE app.users ALTER score SET STATISTICS 300, ALTER name SET STORAGE EXTERNAL",
                "CREATE TABLE app.parent (id int)",
                "CREATE TABLE app.heir (n int GENERATED ALWAYS AS IDENTITY) INHERITS (app.parent)",
                "DROP TABLE app.orders CASCADE");
        try {
            List<String> before = database.rows(SchemaDefinitions.OF_TABLES);
            send(false, List.of(sql.replace("app.orders, ", "")));
            CommandRun run = command("recover", "--schema", "app", "--before", beginning());
            assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
            database.run(run.output());
            List<String> missing = new ArrayList<>(before);
            missing.removeAll(database.rows(SchemaDefinitions.OF_TABLES));
            if (!missing.isEmpty() || !run.output().contains("lacks ")) {
                assertThat(run.output().lines().filter(line -> line.startsWith("-- note: ") && line.contains(word)))
                        .as(missing + run.output())
                        .isNotEmpty();
            }
        } finally {
            database.run("DROP OWNED BY reading CASCADE", "DROP ROLE reading");
        }
    }

    @Test
    void what_alters_them_is_named_and_what_they_were_is_stored() throws Exception {
        database.run(
                "CREATE TYPE app.mood AS ENUM ('sad', 'ok')",
                "CREATE DOMAIN app.short AS text NOT NULL CONSTRAINT few CHECK (length(VALUE) < 5)",
                "CREATE SEQUENCE app.numbers INCREMENT 2 START 5",
                "CREATE FUNCTION app.add(int) RETURNS int STRICT LANGUAGE sql AS 'SELECT $1 + 1'",
                "CREATE PROCEDURE app.nothing() LANGUAGE sql AS 'SELECT 1'");
        send(
                false,
                List.of(
                        "ALTER TYPE app.mood RENAME VALUE 'sad' TO 'bad'",
                        "ALTER DOMAIN app.short DROP NOT NULL",
                        "ALTER DOMAIN app.short DROP CONSTRAINT few CASCADE",
                        "ALTER SEQUENCE app.numbers INCREMENT 7",
                        "ALTER FUNCTION app.add(int) CALLED ON NULL INPUT SET work_mem = '8MB'",
                        "ALTER ROUTINE app.nothing SECURITY DEFINER"));
        CommandRun run = command("recover", "--schema", "app", "--before", beginning());
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output())
                .contains(
                        "app.mood is another by now",
                        "app.short is another by now",
                        "app.numbers is another by now",
                        "function app.add(integer) is another by now",
                        "app.nothing() is another by now");
        String now = Instant.now().toString();
        send(
                false,
                List.of(
                        "ALTER TYPE app.mood ADD VALUE 'new'",
                        "ALTER DOMAIN app.short ADD CHECK (VALUE <> 'no')",
                        "ALTER FUNCTION app.add(int) RENAME TO more",
                        "ALTER SEQUENCE app.numbers RENAME TO digits"));
        assertThat(archive.list())
                .as("nothing was taken from anything")
                .noneMatch(manifest -> manifest.createdAt().isAfter(Instant.parse(now)));
    }

    @Test
    void a_snapshot_of_a_function_is_taken_for_no_table() throws Exception {
        database.run("CREATE FUNCTION app.users() RETURNS int LANGUAGE sql AS 'SELECT 1'");
        send(false, List.of("DROP FUNCTION app.users()"));
        String id = oldestFirst().get(0).snapshotId();
        assertThat(recover("app.users").exitCode()).isNotZero();
        CommandRun run = command("restore", "--snapshot-id", id, "--table", "app.users", "--target-table", "made");
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.errors()).contains("is of no table").contains("--schema app");
        assertThat(command("drill", "restore").output()).doesNotContain(id);
    }

    @Test
    void a_schema_needs_a_moment_and_says_what_it_does_not_know() throws Exception {
        assertThat(command("recover", "--schema", "app").exitCode()).isEqualTo(2);
        assertThat(command("recover", "--schema", "app", "--table", "t", "--before", "2026-01-01T00:00:00Z")
                        .exitCode())
                .isEqualTo(2);
        send(false, List.of("DROP INDEX app.users_name"));
        CommandRun none = command("recover", "--schema", "other", "--before", "2026-01-01T00:00:00Z");
        assertThat(none.errors()).contains("nothing of schema other was stored");
        CommandRun run = command(
                "recover", "--schema", "app", "--before", oldestFirst().get(0).snapshotId());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output())
                .contains("are not known")
                .contains("CREATE INDEX")
                .contains("users_name");
    }

    @Test
    void the_report_says_which_snapshot_rows_and_definitions_are_from() throws Exception {
        send(false, List.of("DROP INDEX app.orders_state", "DROP TABLE app.orders CASCADE"));
        List<SnapshotManifest> stored = oldestFirst();
        CommandRun run = command(
                "recover", "--table", "app.orders", "--before", stored.get(0).snapshotId());
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output())
                .contains("the rows of app.orders are from snapshot "
                        + stored.get(1).snapshotId())
                .contains("and its definitions from snapshot " + stored.get(0).snapshotId());
    }

    @Test
    void without_a_moment_the_older_definitions_are_named() throws Exception {
        send(false, List.of("DROP INDEX app.orders_state", "DROP TABLE app.orders CASCADE"));
        assertThat(recover("app.orders").output())
                .contains(oldestFirst().get(0).snapshotId() + ": its definitions")
                .contains("since then gone: index orders_state");
    }

    @Test
    void nothing_is_stored_of_a_step_that_is_rolled_back() throws Exception {
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("DROP INDEX app.users_name");
            connection.rollback();
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void nothing_is_stored_of_a_step_that_the_server_refuses() throws Exception {
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "ALTER TABLE app.users DROP CONSTRAINT missing"))
                    .startsWith("42704");
            assertThat(outcome(backstop, "DROP INDEX app.missing")).startsWith("42704");
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void a_step_is_refused_where_the_storage_is_down() throws Exception {
        try (Backstop backstop = Backstop.builder()
                .policy("application")
                .storage("s3://nowhere@http://127.0.0.1:1")
                .control(control())
                .build()) {
            assertThat(outcome(backstop, "DROP INDEX app.users_name")).startsWith("ZB007 ");
            assertThat(outcome(backstop, "CREATE INDEX more ON app.users (score)"))
                    .isEqualTo("ok 0");
            assertThat(outcome(backstop, "ALTER TABLE app.users ADD COLUMN more int"))
                    .isEqualTo("ok 0");
        }
        assertThat(database.value("SELECT to_regclass('app.users_name')")).isEqualTo("app.users_name");
    }

    @Test
    void what_runs_in_no_transaction_runs_as_before() throws Exception {
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "DROP INDEX CONCURRENTLY app.users_name"))
                    .isEqualTo("ok 0");
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void readers_and_writers_go_on_while_definitions_are_stored() throws Exception {
        meanwhile = step -> {
            if (step == Step.VERIFIED) {
                database.run("UPDATE app.users SET score = 9 WHERE id = 2");
            }
        };
        send(false, List.of("ALTER TABLE app.users ALTER COLUMN score SET DEFAULT 8"));
        assertThat(database.value("SELECT score FROM app.users WHERE id = 2")).isEqualTo("9");
    }

    @Test
    void many_steps_read_the_tables_that_they_touch_and_no_others() throws Exception {
        for (int i = 0; i < 30; i++) {
            database.run("CREATE TABLE app.many_" + i + " (id int CONSTRAINT c CHECK (id > 0))");
        }
        List<String> steps = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            steps.add("ALTER TABLE app.many_" + i + " DROP CONSTRAINT c");
        }
        send(false, steps);
        assertThat(oldestFirst())
                .hasSize(30)
                .allSatisfy(manifest -> assertThat(manifest.storedBytes()).isLessThan(20_000));
        assertThat(oldestFirst()).extracting(SnapshotManifest::table).doesNotHaveDuplicates();
    }
}
