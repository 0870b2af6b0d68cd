package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** What hangs between the tables of a schema, of which some are gone, some are there and some have other columns, comes back. */
class WholeSchemaTest extends GuardedStory {
    private Instant moment = Instant.EPOCH;

    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "CREATE SCHEMA app",
                "CREATE TABLE app.a (id int PRIMARY KEY, v int CONSTRAINT small CHECK (v < 1000), w int)",
                "CREATE TABLE app.b (id int PRIMARY KEY, a int CONSTRAINT b_a REFERENCES app.a, v text, w int)",
                "CREATE TABLE app.loose (v int, w text)",
                "CREATE TABLE app.parts (id int, kind int, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind)",
                "CREATE TABLE app.parts_0 PARTITION OF app.parts FOR VALUES IN (0)",
                "CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES IN (1)",
                "CREATE INDEX parts_id ON app.parts (id)",
                "CREATE VIEW app.both AS SELECT a.id, b.v FROM app.a JOIN app.b ON b.a = a.id",
                "CREATE VIEW app.above AS SELECT id FROM app.both",
                "INSERT INTO app.a SELECT i, i FROM generate_series(1, 20) i",
                "INSERT INTO app.b SELECT i, i, 'v' || i FROM generate_series(1, 20) i",
                "INSERT INTO app.loose SELECT i, 'w' || i FROM generate_series(1, 20) i",
                "INSERT INTO app.parts SELECT i, i % 2 FROM generate_series(1, 20) i");
        moment = Instant.now();
    }

    private void send(String... statements) throws Exception {
        try (Backstop backstop = backstop("\"block_operations\": []");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private CommandRun recover() {
        return command("recover", "--schema", "app", "--before", moment.toString());
    }

    private List<String> definitions() throws SQLException {
        return database.rows(SchemaDefinitions.OF_TABLES);
    }

    private void assertAllComesBack(String... statements) throws Exception {
        List<String> before = definitions();
        send(statements);
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        database.run(run.output());
        for (String line : run.output().lines().toList()) {
            if (line.startsWith("-- DROP TABLE ")) {
                database.run(line.substring(3));
            }
        }
        assertThat(definitions()).containsExactlyElementsOf(before);
        for (String table : List.of("a", "b", "loose", "parts")) {
            assertThat(database.value("SELECT count(*) FROM app." + table)).isEqualTo("20");
        }
    }

    @Test
    void a_foreign_key_between_a_table_that_is_there_and_one_that_is_gone() throws Exception {
        assertAllComesBack("ALTER TABLE app.a DROP CONSTRAINT small", "DROP TABLE app.b CASCADE");
    }

    @Test
    void a_foreign_key_between_a_table_that_is_there_and_one_that_has_other_columns() throws Exception {
        assertAllComesBack("ALTER TABLE app.b DROP CONSTRAINT b_a", "ALTER TABLE app.a DROP COLUMN w");
    }

    @Test
    void a_foreign_key_whose_two_tables_have_other_columns() throws Exception {
        assertAllComesBack("ALTER TABLE app.b DROP COLUMN w", "ALTER TABLE app.a DROP COLUMN w");
    }

    @Test
    void a_foreign_key_and_the_key_that_it_needs() throws Exception {
        assertAllComesBack("ALTER TABLE app.b DROP CONSTRAINT b_a", "ALTER TABLE app.a DROP CONSTRAINT a_pkey");
    }

    @Test
    void views_over_two_tables_that_are_there() throws Exception {
        assertAllComesBack("DROP VIEW app.above", "DROP VIEW app.both", "ALTER TABLE app.a DROP CONSTRAINT small");
    }

    @Test
    void views_over_two_tables_that_have_other_columns() throws Exception {
        assertAllComesBack("ALTER TABLE app.b DROP COLUMN w", "ALTER TABLE app.a DROP COLUMN w, DROP CONSTRAINT small");
    }

    @Test
    void keys_and_indexes_of_a_partitioned_table_and_its_partitions() throws Exception {
        assertAllComesBack("ALTER TABLE app.parts DROP CONSTRAINT parts_pkey", "DROP INDEX app.parts_id");
    }

    @Test
    void one_of_two_indexes_that_are_made_alike() throws Exception {
        database.run("CREATE INDEX twin ON app.parts (id)");
        moment = Instant.now();
        assertAllComesBack("DROP INDEX app.parts_id");
    }

    @Test
    void a_table_whose_rows_cannot_be_told_apart_keeps_no_other_from_its_own() throws Exception {
        send("UPDATE app.loose SET v = 0", "DELETE FROM app.b");
        database.run("UPDATE app.loose SET w = 'later'");
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output())
                .contains("no row of table app.loose is put back: ")
                .contains("app.loose: 20 stored rows: 20 are missing and are NOT PUT BACK")
                .contains("-- keep app.loose_recovered until");
        database.run(run.output());
        assertThat(database.value("SELECT count(*) FROM app.b")).isEqualTo("20");
        assertThat(database.value("SELECT count(*) FROM app.loose_recovered")).isEqualTo("20");
    }

    @Test
    void what_the_rows_of_today_do_not_allow_is_offered_and_named() throws Exception {
        send("ALTER TABLE app.a DROP CONSTRAINT small", "DROP VIEW app.above");
        database.run("UPDATE app.a SET v = 4711 WHERE id = 1");
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output())
                .contains(
                        "-- note: constraint small cannot be made now: check constraint \"small\" of relation \"a\" is"
                                + " violated by some row")
                .contains("-- ALTER TABLE \"app\".\"a\" ADD CONSTRAINT \"small\"");
        database.run(run.output());
        assertThat(database.value("SELECT count(*) FROM app.above")).isEqualTo("20");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE app.b DROP COLUMN v CASCADE",
                "DROP DOMAIN app.words CASCADE",
                "DROP TYPE app.mood CASCADE",
                "DROP SCHEMA other CASCADE",
            })
    void rows_of_one_statement_wait_for_the_columns_that_a_later_one_took(String loss) throws Exception {
        database.run(
                "CREATE DOMAIN app.words AS text",
                "CREATE TYPE app.mood AS ENUM ('ok')",
                "DROP SCHEMA IF EXISTS other CASCADE",
                "CREATE SCHEMA other",
                "CREATE TABLE other.x (id int)",
                "CREATE DOMAIN other.words AS text",
                "ALTER TABLE app.b ADD word app.words DEFAULT 'w', ADD mood app.mood DEFAULT 'ok', ADD more other.words"
                        + " DEFAULT 'm'");
        List<String> all = database.rows("SELECT * FROM app.b ORDER BY id");
        moment = Instant.now();
        send("DELETE FROM app.a WHERE id > 40", "DELETE FROM app.b WHERE id > 4", loss);
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        String command = run.output()
                .lines()
                .filter(line -> line.contains("put these back by `backstop recover "))
                .filter(line -> line.contains("--table app.b "))
                .map(line -> line.substring(line.indexOf("--table"), line.lastIndexOf('`')))
                .findFirst()
                .orElseThrow();
        database.run(run.output(), "DROP TABLE app.b_set_aside");
        List<String> words = List.of(command.split(" ", -1));
        CommandRun rows = command("recover", words.get(0), words.get(1), words.get(2), words.get(3));
        assertThat(rows.exitCode()).as(rows.errors()).isZero();
        database.run(rows.output());
        assertThat(database.rows("SELECT * FROM app.b ORDER BY id")).isEqualTo(all);
    }

    /** As a tool does that drops a schema and makes it again before its migrations run. */
    @Test
    void a_schema_that_was_made_again_gets_its_comment_and_grants() throws Exception {
        database.run(
                "COMMENT ON SCHEMA app IS 'it''s ours'",
                "GRANT USAGE ON SCHEMA app TO PUBLIC",
                "CREATE TABLE app.last (id int)");
        String schema =
                "SELECT nspacl::text || obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'app'";
        String before = database.value(schema);
        moment = Instant.now();
        assertAllComesBack("DROP SCHEMA app CASCADE", "CREATE SCHEMA app");
        assertThat(database.value(schema)).isEqualTo(before);
        assertThat(recover().output()).as("it is as it was").doesNotContain("GRANT USAGE ON SCHEMA");
    }

    @Test
    void nothing_is_said_to_stay_away_that_comes_with_it() throws Exception {
        send("DROP SCHEMA app CASCADE");
        assertThat(recover().output()).contains("app.parts_1 of ").doesNotContain("is not restored by this");
    }

    @Test
    void a_table_that_cannot_be_made_keeps_no_other_from_coming_back() throws Exception {
        database.run(
                "CREATE TABLE app.of_row (id int PRIMARY KEY, r app.a)",
                "CREATE TABLE app.split (id int, r app.a) PARTITION BY RANGE (id)",
                "CREATE TABLE app.split_1 PARTITION OF app.split FOR VALUES FROM (0) TO (9)",
                "INSERT INTO app.of_row VALUES (1, (1, 2, 3))");
        moment = Instant.now();
        send("DROP SCHEMA app CASCADE");
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output())
                .contains(
                        "note: app.of_row is left out: ",
                        "note: app.split is left out: ",
                        "note: app.split_1 is left out: ")
                .contains("row type of table app.a is missing: bring that back first");
        database.run(run.output());
        assertThat(database.value("SELECT count(*) FROM app.a")).isEqualTo("20");
        CommandRun rest = command("recover", "--table", "app.of_row");
        assertThat(rest.exitCode()).as(rest.errors()).isZero();
        database.run(rest.output());
        assertThat(database.value("SELECT r FROM app.of_row")).isEqualTo("(1,2,3)");
    }

    @Test
    void a_sequence_that_was_made_again_gives_no_number_twice() throws Exception {
        database.run(
                "CREATE SEQUENCE app.down INCREMENT -5 START -5",
                "CREATE SEQUENCE app.numbers",
                "CREATE TABLE app.counted (id bigint PRIMARY KEY DEFAULT nextval('app.numbers'), v text)",
                "INSERT INTO app.counted (v) SELECT 'x' FROM generate_series(1, 9)",
                "SELECT nextval('app.down')",
                "SELECT nextval('app.down')");
        moment = Instant.now();
        send(
                "DROP TABLE app.counted",
                "DROP SEQUENCE app.numbers",
                "DROP SEQUENCE app.down",
                "CREATE SEQUENCE app.numbers",
                "CREATE SEQUENCE app.down INCREMENT -5 START -5",
                "CREATE TABLE app.counted (id bigint PRIMARY KEY DEFAULT nextval('app.numbers'), v text)");
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(database.value("SELECT last_value FROM app.numbers"))
                .as("the rehearsal moves nothing")
                .isEqualTo("1");
        database.run(run.output());
        database.run("INSERT INTO app.counted (v) VALUES ('y')");
        assertThat(database.value("SELECT max(id) FROM app.counted")).isEqualTo("10");
        assertThat(database.value("SELECT nextval('app.down')")).isEqualTo("-15");
        database.run("SELECT setval('app.numbers', 50)");
        assertThat(command("recover", "--schema", "app", "--before", moment.toString(), "--replace-recovered")
                        .output())
                .doesNotContain("goes on after");
    }

    @Test
    void a_function_that_computes_a_column_comes_back_with_it() throws Exception {
        database.run(
                "CREATE FUNCTION app.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'",
                "CREATE TABLE app.made (id int PRIMARY KEY, d int GENERATED ALWAYS AS (app.twice(id)) STORED)",
                "INSERT INTO app.made VALUES (7)");
        moment = Instant.now();
        assertAllComesBack("DROP SCHEMA app CASCADE");
        assertThat(database.value("SELECT d FROM app.made")).isEqualTo("14");
    }

    @Test
    void an_identity_of_another_type_than_its_column_comes_back() throws Exception {
        database.run(
                "CREATE TABLE app.counted (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)",
                "ALTER SEQUENCE app.counted_id_seq AS bigint MAXVALUE 5000000000",
                "CREATE TABLE app.tiny (id bigint GENERATED BY DEFAULT AS IDENTITY)",
                "ALTER SEQUENCE app.tiny_id_seq AS smallint INCREMENT 3",
                "INSERT INTO app.tiny DEFAULT VALUES");
        moment = Instant.now();
        assertAllComesBack("DROP TABLE app.counted", "DROP TABLE app.tiny");
        assertThat(database.value(
                        "SELECT string_agg(seqtypid::regtype::text || seqmax || seqincrement, ',' ORDER BY seqmax)"
                                + " FROM pg_sequence WHERE seqrelid::regclass::text LIKE 'app.%'"))
                .isEqualTo("smallint327673,bigint50000000001");
    }

    @Test
    void rights_of_roles_that_are_gone_are_left_out_and_named() throws Exception {
        database.run(
                "CREATE ROLE passing",
                "CREATE FUNCTION app.of_policy(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'",
                "CREATE POLICY few ON app.loose USING (app.of_policy(v))",
                "GRANT USAGE ON SCHEMA app TO passing",
                "GRANT EXECUTE ON FUNCTION app.of_policy(int) TO passing");
        moment = Instant.now();
        send("DROP SCHEMA app CASCADE");
        database.run("DROP OWNED BY passing", "DROP ROLE passing");
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output()).contains("role \"passing\" does not exist");
        database.run(run.output());
        assertThat(database.value("SELECT count(*) FROM app.loose")).isEqualTo("20");
    }

    @Test
    void a_key_that_both_tables_have_is_made_once() throws Exception {
        send(
                "DROP TABLE app.a CASCADE",
                "CREATE TABLE app.a (id int PRIMARY KEY)",
                "DROP TABLE app.b CASCADE",
                "CREATE TABLE app.b (id int PRIMARY KEY, a int, v text, w int)",
                "ALTER TABLE app.b ADD CONSTRAINT b_a FOREIGN KEY (a) REFERENCES app.a");
        CommandRun run = command("recover", "--schema", "app", "--before", moment.toString(), "--present", "replace");
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        database.run(run.output());
        assertThat(database.value("SELECT count(*) FROM pg_constraint WHERE conname = 'b_a'"
                        + " AND conrelid = 'app.b'::regclass"))
                .isEqualTo("1");
    }

    /** Who owns it by now, and whom it lets in, is for the one to say who made it. */
    @Test
    void a_schema_that_was_made_again_loses_no_right() throws Exception {
        database.run("CREATE ROLE keeping", "ALTER SCHEMA app OWNER TO keeping", "GRANT USAGE ON SCHEMA app TO PUBLIC");
        try {
            moment = Instant.now();
            send("DROP SCHEMA app CASCADE", "CREATE SCHEMA app", "GRANT USAGE ON SCHEMA app TO PUBLIC");
            CommandRun run = recover();
            assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
            assertThat(run.output()).contains("schema app has another owner by now, and keeps it");
            database.run(run.output());
            assertThat(database.value("SELECT has_schema_privilege('keeping', 'app', 'USAGE')"))
                    .isEqualTo("t");
        } finally {
            database.run("DROP OWNED BY keeping CASCADE", "DROP ROLE keeping");
        }
    }

    @Test
    void a_function_with_its_owners_rights_is_not_made_for_another_owner() throws Exception {
        database.run(
                "CREATE ROLE passing",
                "CREATE FUNCTION app.secret(int) RETURNS boolean SECURITY DEFINER LANGUAGE sql AS 'SELECT true'",
                "REVOKE ALL ON FUNCTION app.secret(int) FROM PUBLIC",
                "ALTER FUNCTION app.secret(int) OWNER TO passing",
                "CREATE FUNCTION app.open(int) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
                "REVOKE ALL ON FUNCTION app.open(int) FROM PUBLIC",
                "ALTER FUNCTION app.open(int) OWNER TO passing");
        moment = Instant.now();
        send("DROP FUNCTION app.secret(int)", "DROP FUNCTION app.open(int)");
        database.run("DROP OWNED BY passing", "DROP ROLE passing");
        CommandRun run = recover();
        assertThat(run.exitCode()).as("it is no script that works").isEqualTo(1);
        assertThat(run.output()).contains("NOT READY", "role \"passing\" does not exist");
        database.run("CREATE ROLE passing");
        try {
            database.run(recover().output());
            assertThat(database.value(
                            "SELECT string_agg(pg_get_userbyid(proowner) || has_function_privilege('public', oid,"
                                    + " 'EXECUTE')::text, ',') FROM pg_proc WHERE proname IN ('secret', 'open')"))
                    .isEqualTo("passingfalse,passingfalse");
        } finally {
            database.run("DROP OWNED BY passing CASCADE", "DROP ROLE passing");
        }
    }

    @Test
    void an_identity_that_begins_elsewhere_is_given_back() throws Exception {
        database.run(
                "CREATE TABLE app.high (id int GENERATED ALWAYS AS IDENTITY (START 100 MINVALUE 100) PRIMARY KEY, v text)",
                "CREATE TABLE app.down (id int GENERATED ALWAYS AS IDENTITY (INCREMENT -1) PRIMARY KEY, v text)",
                "ALTER SEQUENCE app.down_id_seq AS bigint MAXVALUE -1",
                "INSERT INTO app.high (v) VALUES ('x')");
        moment = Instant.now();
        assertAllComesBack(
                "ALTER TABLE app.high ALTER id DROP IDENTITY", "ALTER TABLE app.down ALTER id DROP IDENTITY");
        database.run("INSERT INTO app.high (v) VALUES ('y')", "INSERT INTO app.down (v) VALUES ('y')");
        assertThat(database.value("SELECT (SELECT max(id) FROM app.high) || '|' || (SELECT max(id) FROM app.down)"))
                .isEqualTo("101|-1");
    }

    @Test
    void a_sequence_that_has_no_room_for_its_last_number_is_named() throws Exception {
        database.run("CREATE SEQUENCE app.wide", "SELECT setval('app.wide', 40000)");
        moment = Instant.now();
        send("DROP SEQUENCE app.wide", "CREATE SEQUENCE app.wide AS smallint");
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output()).contains("sequence app.wide gave numbers up to 40000");
        database.run(run.output());
    }

    @Test
    void a_damaged_partition_leaves_out_its_whole_table() throws Exception {
        send("DROP SCHEMA app CASCADE");
        SnapshotManifest damaged = archive.list().stream()
                .filter(manifest -> manifest.table().equals("parts_1"))
                .findFirst()
                .orElseThrow();
        Path chunk = Path.of(URI.create(storage()))
                .resolve("snapshots/app.parts_1/" + damaged.snapshotId() + "/"
                        + damaged.chunks().get(0).name());
        Files.write(chunk, new byte[] {1});
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output())
                .contains(
                        "note: app.parts is left out: ", "note: app.parts_0 is left out: ", "app.parts_1 is left out: ")
                .contains("is damaged")
                .doesNotContain("restored as app.parts");
        database.run(run.output());
        assertThat(database.value("SELECT count(*) FROM app.a")).isEqualTo("20");
    }

    @ParameterizedTest
    @ValueSource(strings = {"twice", "b"})
    void one_damaged_description_keeps_nothing_else_from_coming_back(String damaged) throws Exception {
        database.run(
                "CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2'",
                "CREATE FUNCTION app.thrice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 3'");
        moment = Instant.now();
        send("DELETE FROM app.b", "DROP FUNCTION app.twice(int)", "DROP SCHEMA app CASCADE");
        SnapshotManifest manifest = archive.list().stream() // newest first
                .filter(each -> each.table().startsWith(damaged))
                .findFirst()
                .orElseThrow();
        Path description = Path.of(URI.create(storage()))
                .resolve("snapshots/app." + manifest.table() + "/" + manifest.snapshotId() + "/schema.json");
        Files.write(description, new byte[] {1});
        CommandRun run = recover();
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        assertThat(run.output()).contains(manifest.snapshotId()).contains("is damaged");
        database.run(run.output());
        assertThat(database.value("SELECT count(*) FROM app.loose")).isEqualTo("20");
        assertThat(database.value("SELECT app.thrice(2)")).isEqualTo("6");
    }
}
