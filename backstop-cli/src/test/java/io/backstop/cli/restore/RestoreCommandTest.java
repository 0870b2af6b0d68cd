package io.backstop.cli.restore;

import io.backstop.cli.BackstopCommand;
import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(PostgresExtension.class)
class RestoreCommandTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private String storage;
    private String snapshot;

    @BeforeEach
    void snapshotOfUsers(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        storage = folder.resolve("snapshots").toUri().toString();
        database.run(
                "DROP TABLE IF EXISTS users, users_recovered, \"it's\nhere\", \"Users\", log CASCADE",
                "DROP TABLE IF EXISTS " + "界".repeat(21),
                "DROP TYPE IF EXISTS mood",
                "CREATE TYPE mood AS ENUM ('sad', 'glad')",
                "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, mood mood,"
                        + " twice text GENERATED ALWAYS AS (name || name) STORED)",
                "INSERT INTO users (name, mood) SELECT 'user ' || n, 'glad' FROM generate_series(1, 100) AS n",
                "CREATE TABLE log (id int)",
                "CREATE OR REPLACE FUNCTION write_log() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END'",
                "CREATE TRIGGER log AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION write_log()");
        JsonNode taken = json(CommandRun.of(
                "snapshots", "create", "--db", url(), "--storage", storage, "--table", "users", "--json"));
        snapshot = taken.get(0).get("snapshot_id").asString();
    }

    private String url() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private static JsonNode json(CommandRun run) {
        assertThat(run.exitCode()).as(run.errors()).isZero();
        return JsonMapper.shared().readTree(run.output());
    }

    private CommandRun run(String command, String... more) {
        List<String> arguments = new ArrayList<>(
                List.of(command, "--db", url(), "--storage", storage, "--snapshot-id", snapshot, "--table", "users"));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private CommandRun planByName(String source, String target) {
        return CommandRun.of("restore-copyback-plan", "--source-table", source, "--target-table", target);
    }

    private List<String> rows(String table) throws SQLException {
        return database.rows("SELECT * FROM " + table + " ORDER BY id");
    }

    @Test
    void a_dry_run_verifies_and_tells_and_writes_nothing() throws SQLException {
        database.run("DROP TABLE users CASCADE", "DROP TYPE mood");
        List<String> before = database.rows("SELECT relname FROM pg_class ORDER BY 1");
        CommandRun dry = run("restore", "--dry-run");
        assertThat(dry.exitCode()).as(dry.errors()).isZero();
        assertThat(dry.output())
                .contains(
                        "dry run: nothing was written",
                        snapshot,
                        "table:      public.users",
                        "rows:       100",
                        "target:     public.users_recovered, which is free",
                        "to create:  type public.mood is missing and would be created");
        JsonNode report = json(run("restore", "--dry-run", "--json"));
        assertThat(report.get("verified").asBoolean()).isTrue();
        assertThat(report.get("obstacle").isNull()).isTrue();
        assertThat(report.get("rows").asInt()).isEqualTo(100);
        assertThat(database.rows("SELECT relname FROM pg_class ORDER BY 1")).isEqualTo(before);
    }

    @Test
    void a_dry_run_is_refused_where_the_restore_would_be() throws SQLException, IOException {
        CommandRun taken = run("restore", "--dry-run", "--target-table", "users");
        assertThat(taken.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(taken.output()).contains("target:     public.users, table public.users exists already");
        assertThat(taken.errors()).contains("table public.users exists already", "HINT:");
        assertThat(JsonMapper.shared()
                        .readTree(run("restore", "--dry-run", "--json", "--target-table", "users")
                                .output())
                        .get("obstacle")
                        .asString())
                .isEqualTo("table public.users exists already");
        CommandRun nowhere = run("restore", "--dry-run", "--target-table", "nowhere.users");
        assertThat(nowhere.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(nowhere.errors()).contains("schema nowhere does not exist");
        Path chunk;
        try (Stream<Path> files = Files.walk(folder.resolve("snapshots"))) {
            chunk = files.filter(file -> file.getFileName().toString().startsWith("data-"))
                    .findFirst()
                    .orElseThrow();
        }
        Files.write(chunk, new byte[3]);
        CommandRun damaged = run("restore", "--dry-run");
        assertThat(damaged.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(damaged.errors()).contains(chunk.getFileName() + " of " + snapshot + " has 3 bytes instead of");
        assertThat(database.value("SELECT to_regclass('users_recovered')")).isEqualTo("null");
    }

    @Test
    void restores_beside_the_original_once() throws SQLException {
        CommandRun restored = run("restore");
        assertThat(restored.exitCode()).as(restored.errors()).isZero();
        assertThat(restored.output()).contains("restored 100 rows of public.users", "as public.users_recovered");
        assertThat(rows("users_recovered")).isEqualTo(rows("users"));
        CommandRun again = run("restore", "--target-table", "users_recovered");
        assertThat(again.exitCode()).as(again.errors()).isZero();
        assertThat(again.output()).contains("restored already: 100 rows of public.users", "as public.users_recovered");
        JsonNode other = json(run("restore", "--json", "--target-table", "\"Users\""));
        assertThat(other.get("restored_as").asString()).isEqualTo("public.Users");
        assertThat(other.get("valid").asBoolean()).isTrue();
        assertThat(rows("\"Users\"")).isEqualTo(rows("users"));
    }

    @Test
    void the_steps_of_the_runbook_work_in_their_order() throws SQLException {
        database.run("DELETE FROM users WHERE id > 20");
        CommandRun recovered = CommandRun.of("recover", "--db", url(), "--storage", storage, "--table", "users");
        assertThat(recovered.exitCode()).as(recovered.errors()).isZero();
        CommandRun listed = CommandRun.of("snapshots", "list", "--db", url(), "--storage", storage, "--table", "users");
        assertThat(listed.output()).contains(snapshot);

        CommandRun dry = run("restore", "--dry-run");
        assertThat(dry.exitCode()).as(dry.errors()).isZero();
        assertThat(dry.output())
                .contains(
                        "target:     public.users_recovered, table public.users_recovered exists already: it was restored"
                                + " from " + snapshot + " and still is what that holds, so that nothing would be done");
        assertThat(json(run("restore", "--dry-run", "--json"))
                        .get("restored_already")
                        .asBoolean())
                .isTrue();
        CommandRun restored = run("restore", "--target-table", "users_recovered");
        assertThat(restored.exitCode()).as(restored.errors()).isZero();
        assertThat(restored.output()).contains("restored already: 100 rows");
        assertThat(json(run("restore", "--json")).get("restored_already").asBoolean())
                .isTrue();
        assertThat(run("restore-validate", "--target-table", "users_recovered").exitCode())
                .isZero();

        database.run(planByName("users_recovered", "users").output());
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("100");
    }

    @Test
    void a_copy_that_was_changed_is_replaced_only_on_demand() throws SQLException {
        run("restore");
        database.run("DELETE FROM users_recovered WHERE id > 20");
        for (String dry : List.of("--dry-run", "--read-back")) {
            CommandRun refused = run("restore", dry);
            assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(refused.errors())
                    .contains("it was restored from " + snapshot + ", and is not what that holds any more (")
                    .contains("HINT: --replace-recovered drops it and restores it anew; or restore under another name");
        }
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("20");
        assertThat(run("restore", "--dry-run", "--replace-recovered").output()).contains("; it would be replaced");
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("20");
        CommandRun replaced = run("restore", "--replace-recovered");
        assertThat(replaced.exitCode()).as(replaced.errors()).isZero();
        assertThat(database.value("SELECT count(*) FROM users_recovered")).isEqualTo("100");
    }

    @Test
    void a_target_that_no_table_can_be_called_is_refused_before_anything_is_looked_at() {
        String longest = "界".repeat(21);
        for (String name : List.of(longest + "x", "public." + longest + "x", longest + "x.users")) {
            for (List<String> more : List.of(List.<String>of(), List.of("--dry-run"))) {
                List<String> arguments = new ArrayList<>(
                        List.of("restore", "--db", "postgresql://localhost:1/shop", "--storage", "file:///nowhere"));
                arguments.addAll(List.of("--snapshot-id", snapshot, "--table", "users", "--target-table", name));
                arguments.addAll(more);
                CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
                assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
                assertThat(run.errors())
                        .contains("\"" + longest + "x\" is longer than the 63 bytes that a name can have");
            }
        }
        CommandRun fits = run("restore", "--target-table", longest);
        assertThat(fits.exitCode()).as(fits.errors()).isZero();
        assertThat(fits.output()).contains(" as public." + longest);
    }

    @Test
    void a_snapshot_of_another_database_is_restored_with_a_note() throws SQLException {
        assertThat(run("restore", "--dry-run").errors()).isEmpty();
        TestDatabase own = database;
        String here = own.value("SELECT current_database()");
        String there = here + "_b";
        own.run("CREATE DATABASE " + there);
        try {
            database = new TestDatabase(own.url().replace("/" + here + "?", "/" + there + "?"));
            CommandRun rehearsal = run("restore", "--dry-run");
            CommandRun restore = run("restore");
            CommandRun plan = CommandRun.of(
                    "restore-copyback-plan",
                    "--source-table",
                    "users_recovered",
                    "--target-table",
                    "users",
                    "--db",
                    url(),
                    "--storage",
                    storage,
                    "--snapshot-id",
                    snapshot);
            for (CommandRun run : List.of(rehearsal, restore, plan)) {
                assertThat(run.exitCode()).as(run.errors()).isZero();
                assertThat(run.errors().lines().filter(line -> !line.contains(" is not authenticated: ")))
                        .singleElement()
                        .asString()
                        .matches("note: " + snapshot + " was taken in \\S+/" + here + ", not in database " + there);
            }
        } finally {
            own.run("DROP DATABASE " + there + " WITH (FORCE)");
        }
    }

    @Test
    void a_snapshot_of_another_table_is_refused() {
        CommandRun other = CommandRun.of(
                "restore", "--db", url(), "--storage", storage, "--snapshot-id", snapshot, "--table", "log");
        assertThat(other.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(other.output()).isEmpty();
        assertThat(other.errors()).contains("snapshot " + snapshot + " is of table public.users, not of log");
        CommandRun unknown = CommandRun.of(
                "restore", "--db", url(), "--storage", storage, "--snapshot-id", "snap_0", "--table", "users");
        assertThat(unknown.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(unknown.errors()).contains("there is no snapshot snap_0 in ");
    }

    @Test
    void validates_a_restored_table_and_notices_when_it_changed() throws SQLException {
        CommandRun early = run("restore-validate");
        assertThat(early.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(early.errors()).contains("table public.users_recovered does not exist");
        run("restore");
        CommandRun valid = run("restore-validate");
        assertThat(valid.exitCode()).as(valid.errors()).isZero();
        assertThat(valid.output())
                .contains("ok       rows: 100", "public.users_recovered is what " + snapshot + " holds");
        database.run("UPDATE users_recovered SET mood = 'sad' WHERE id = 7");
        CommandRun changed = run("restore-validate", "--target-table", "users_recovered");
        assertThat(changed.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(changed.output())
                .contains("DIFFERS  row checksum", "public.users_recovered is NOT what " + snapshot + " holds");
        CommandRun report = run("restore-validate", "--json");
        assertThat(report.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(JsonMapper.shared().readTree(report.output()).get("valid").asBoolean())
                .isFalse();
    }

    @Test
    void with_the_database_the_plan_is_the_script_that_recover_prints() throws SQLException {
        List<String> before = rows("users");
        database.run("DELETE FROM users WHERE id > 10");
        CommandRun recovered = CommandRun.of("recover", "--db", url(), "--storage", storage, "--table", "users");
        CommandRun plan = CommandRun.of(
                "restore-copyback-plan",
                "--source-table",
                "users_recovered",
                "--target-table",
                "users",
                "--db",
                url(),
                "--storage",
                storage);
        assertThat(plan.exitCode()).as(plan.errors()).isZero();
        assertThat(recovered.output()).endsWith(plan.output());
        database.run(plan.output());
        assertThat(rows("users")).isEqualTo(before);
        database.run("UPDATE users_recovered SET mood = 'sad'");
        CommandRun refused = CommandRun.of(
                "restore-copyback-plan",
                "--source-table",
                "users_recovered",
                "--target-table",
                "users",
                "--db",
                url(),
                "--storage",
                storage);
        assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.output()).isEmpty();
        assertThat(refused.errors()).contains("public.users_recovered is not what " + snapshot, "--snapshot-id");
    }

    @Test
    void a_script_that_would_fail_is_not_printed_as_ready() throws SQLException {
        database.run(
                "DELETE FROM users WHERE id = 1",
                "INSERT INTO users (name, mood) VALUES ('user 1', 'sad')",
                "DROP TABLE log");

        CommandRun recovered = CommandRun.of("recover", "--db", url(), "--storage", storage, "--table", "users");

        assertThat(recovered.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(recovered.output())
                .contains(
                        "-- valid, but the SQL that puts the rows back does not work yet.\n"
                                + "-- rehearsed in a transaction that was rolled back: it fails at `INSERT INTO",
                        "duplicate key value violates unique constraint \"users_name_key\" (SQLSTATE 23505)\n"
                                + "-- HINT: another row has taken the place of a stored one since",
                        "-- NOT READY: as it is, what follows changes nothing.\n")
                .doesNotContain("Review what follows");
        List<String> plan = List.of(
                "restore-copyback-plan",
                "--db",
                url(),
                "--storage",
                storage,
                "--source-table",
                "users_recovered",
                "--target-table",
                "users",
                "--json");
        CommandRun failed = CommandRun.of(plan.toArray(String[]::new));
        assertThat(failed.exitCode()).isEqualTo(ExitCode.FAILED);
        JsonNode rehearsal = JsonMapper.shared().readTree(failed.output()).get("rehearsal");
        assertThat(rehearsal.get("outcome").asString()).isEqualTo("failed");
        assertThat(rehearsal.get("reason").asString()).contains("users_name_key");
        List<String> untried = new ArrayList<>(plan);
        untried.add("--no-rehearsal");
        assertThat(json(CommandRun.of(untried.toArray(String[]::new)))
                        .get("rehearsal")
                        .get("outcome")
                        .asString())
                .isEqualTo("not_done");
    }

    @Test
    void a_moment_that_cannot_be_is_an_error_of_usage() {
        for (String none : List.of("yesterday", "2026-02-30T00:00:00Z", "2026-05-06 12:29:00", "snap_")) {
            CommandRun run =
                    CommandRun.of("recover", "--db", url(), "--storage", storage, "--table", "users", "--before", none);
            assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(run.errors()).contains("`" + none + "` is no moment in the history of a table");
        }
    }

    @Test
    void rows_that_do_not_come_back_are_counted_before_the_script_and_for_programs() throws SQLException {
        database.run(
                "DELETE FROM users WHERE id <= 30",
                "UPDATE users SET mood = 'sad' WHERE id > 95",
                "DROP TABLE IF EXISTS users_recovered");

        String head = CommandRun.of("recover", "--db", url(), "--storage", storage, "--table", "users")
                .output();
        assertThat(head.substring(0, head.indexOf("BEGIN;")))
                .contains(
                        "-- note: 5 rows of table public.users are there with other values, which may have been written"
                                + " since, and stay as they are now; the script offers the UPDATE\n",
                        "-- public.users: 100 stored rows: 30 are put back, 5 are there with other values and STAY AS THEY"
                                + " ARE NOW, 65 are there as stored\n"
                                + "-- valid, but 5 stored rows DO NOT COME BACK by what follows as it is");

        JsonNode rows = json(CommandRun.of(
                        "recover", "--db", url(), "--storage", storage, "--table", "users", "--json"))
                .get("tables")
                .get(0)
                .get("copyback");
        assertThat(rows.toString())
                .isEqualTo("{\"stored\":100,\"put_back\":30,\"updated\":0,\"kept\":5,\"left_out\":0,\"taken_away\":0}");
        assertThat(json(CommandRun.of(
                                "restore-copyback-plan",
                                "--db",
                                url(),
                                "--storage",
                                storage,
                                "--source-table",
                                "users_recovered",
                                "--target-table",
                                "users",
                                "--json"))
                        .get("rows"))
                .isEqualTo(rows);
    }

    @Test
    void what_is_printed_is_utf_8_in_every_locale() throws Exception {
        Path sql = Files.writeString(folder.resolve("drop.sql"), "DROP TABLE café");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dfile.encoding=US-ASCII",
                        "-cp",
                        System.getProperty("java.class.path"),
                        BackstopCommand.class.getName(),
                        "analyze",
                        "--json",
                        "--file",
                        sql.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).isZero();
        assertThat(printed).contains("café");
    }

    @Test
    void a_plan_from_the_names_alone_puts_missing_rows_back_into_the_table_that_is_there() throws SQLException {
        List<String> before = rows("users");
        run("restore");
        database.run(
                "TRUNCATE users RESTART IDENTITY",
                "INSERT INTO users (id, name) OVERRIDING SYSTEM VALUE VALUES (3, 'changed'), (500, 'new')",
                "TRUNCATE log");
        CommandRun plan = planByName("users_recovered", "users");
        assertThat(plan.exitCode()).as(plan.errors()).isZero();
        assertThat(plan.output()).contains("NOT LOOKED AT");
        database.run(plan.output());
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("101");
        assertThat(database.value("SELECT name FROM users WHERE id = 3")).isEqualTo("changed");
        assertThat(rows("users"))
                .containsAll(
                        before.stream().filter(row -> !row.startsWith("3|")).toList());
        assertThat(database.value("SELECT count(*) FROM log")).isEqualTo("0");
        assertThat(database.value("INSERT INTO users (name) VALUES ('next') RETURNING id"))
                .isEqualTo("501");
        assertThat(database.value("SELECT count(*) FROM log")).isEqualTo("1");
    }

    @Test
    void a_plan_from_the_names_alone_brings_back_a_table_that_is_gone() throws SQLException {
        List<String> before = rows("users");
        database.run("DROP TABLE users");
        run("restore", "--target-table", "\"it's\nhere\"");
        CommandRun plan = planByName("public.\"it's\nhere\"", "public.users");
        assertThat(plan.exitCode()).isZero();
        database.run(plan.output());
        assertThat(rows("users")).isEqualTo(before);
        JsonNode report =
                json(CommandRun.of("restore-copyback-plan", "--source-table", "a", "--target-table", "b", "--json"));
        assertThat(report.get("looked_at").asBoolean()).isFalse();
        assertThat(report.get("sql").asString()).contains("'\"a\"'", "'\"b\"'");
    }

    @Test
    void a_plan_from_the_names_alone_changes_nothing_where_it_cannot_tell() throws SQLException {
        run("restore");
        database.run("ALTER TABLE users DROP COLUMN mood");
        assertRefused("users_recovered", "users", "users has no longer the same columns: mood");
        database.run(
                "DROP TABLE users", "CREATE TABLE users AS TABLE users_recovered", "DELETE FROM users WHERE id < 50");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("51");
        assertRefused("users_recovered", "users", "users is not empty and has no primary key");
        assertRefused("users_recovered", "public.users_recovered", "users_recovered is the recovered table itself");
        assertRefused("nothing", "users", "relation \"nothing\" does not exist");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("51");
        database.run("TRUNCATE users", planByName("users_recovered", "users").output());
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("100");
    }

    @Test
    void there_is_no_plan_from_a_table_to_itself() {
        assertSameTable(planByName("users", "users"), "users");
        assertSameTable(planByName("public.Users", "\"public\".users"), "public.users");
        for (String source : List.of("users", "public.users")) {
            for (String target : List.of("users", "public.users")) {
                CommandRun plan = CommandRun.of(
                        "restore-copyback-plan",
                        "--source-table",
                        source,
                        "--target-table",
                        target,
                        "--db",
                        url(),
                        "--storage",
                        storage);
                assertSameTable(plan, source.equals(target) ? source : "public.users");
            }
        }
    }

    private static void assertSameTable(CommandRun plan, String table) {
        assertThat(plan.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(plan.output()).isEmpty();
        assertThat(plan.errors())
                .contains("table " + table + " is both the source and the target\nHINT: the source is");
    }

    private void assertRefused(String source, String target, String message) {
        CommandRun plan = planByName(source, target);
        assertThatThrownBy(() -> database.run(plan.output()))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining(message);
    }

    @Test
    void options_that_belong_together_are_asked_for_together() {
        assertThat(CommandRun.of("restore-copyback-plan", "--source-table", "a").exitCode())
                .isEqualTo(ExitCode.USAGE);
        CommandRun alone = CommandRun.of(
                "restore-copyback-plan", "--source-table", "a", "--target-table", "b", "--snapshot-id", "snap_1");
        assertThat(alone.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(alone.errors()).contains("--snapshot-id needs --db");
        CommandRun noStorage = CommandRun.of(
                "restore-copyback-plan", "--source-table", "a", "--target-table", "b", "--db", url(), "--storage", "");
        assertThat(noStorage.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(noStorage.errors()).contains("--db needs --storage");
    }

    @Test
    void a_database_that_is_not_there_is_a_failure_and_no_password_is_shown() {
        String address = "postgresql://anna:s3cr3t@localhost:1/shop?password=s3cr3t&sslpassword=s3cr3t";
        for (String wrong : List.of(address, address.replace(":1/", ":99999/"))) {
            for (List<String> more : List.of(List.<String>of(), List.of("--json"), List.of("--dry-run"))) {
                List<String> arguments = new ArrayList<>(List.of(
                        "restore", "--db", wrong, "--storage", storage, "--snapshot-id", snapshot, "--table", "users"));
                arguments.addAll(more);
                CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
                assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
                assertThat(run.output()).isEmpty();
                assertThat(run.errors()).startsWith("error: ").doesNotContain("s3cr3t");
            }
        }
    }
}
