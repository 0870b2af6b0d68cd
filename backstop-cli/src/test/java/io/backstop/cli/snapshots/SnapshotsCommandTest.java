package io.backstop.cli.snapshots;

import io.backstop.api.error.ApprovalRequiredException;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(PostgresExtension.class)
class SnapshotsCommandTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private String storage;

    @BeforeEach
    void fill(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        storage = folder.resolve("snapshots").toUri().toString();
        database.run(
                "DROP SCHEMA IF EXISTS shop CASCADE",
                "DROP TABLE IF EXISTS users, parts CASCADE",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n",
                "CREATE SCHEMA shop",
                "CREATE TABLE shop.orders (id int)",
                "INSERT INTO shop.orders VALUES (1), (2)",
                "CREATE TABLE parts (k int) PARTITION BY LIST (k)",
                "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)",
                "INSERT INTO parts VALUES (1)");
    }

    private static JsonNode json(CommandRun run) {
        return JsonMapper.shared().readTree(run.output());
    }

    private CommandRun create(String... more) {
        List<String> arguments = new ArrayList<>(List.of("snapshots", "create", "--db", url(), "--storage", storage));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private CommandRun snapshots(String command, String... more) {
        List<String> arguments = new ArrayList<>(List.of("snapshots", command, "--storage", storage));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private String url() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private String createdId(String... more) {
        List<String> arguments = new ArrayList<>(List.of(more));
        arguments.add("--json");
        CommandRun run = create(arguments.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.errors()).isZero();
        return json(run).get(0).get("snapshot_id").asString();
    }

    private List<String> ids() {
        return json(snapshots("list", "--json"))
                .valueStream()
                .map(manifest -> manifest.get("snapshot_id").asString())
                .toList();
    }

    private Path object(String snapshotId, String beginning) throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("snapshots"))) {
            return files.filter(file -> file.toString().contains("/" + snapshotId + "/" + beginning))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void creates_snapshots_of_tables_and_their_partitions_and_says_which() {
        CommandRun run = create("--table", "users", "parts");
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.errors()).isEmpty();
        assertThat(run.output()).contains("public.users", "public.parts_1", "binary", "grp_");
        JsonNode manifests = json(create("--json", "--table", "orders", "--schema", "shop", "--format", "text"));
        assertThat(manifests).hasSize(1);
        assertThat(manifests.get(0).get("schema").asString()).isEqualTo("shop");
        assertThat(manifests.get(0).get("copy_format").asString()).isEqualTo("text");
        assertThat(manifests.get(0).get("row_count").asInt()).isEqualTo(2);
        assertThat(manifests.get(0).get("source").asString()).isEqualToIgnoringCase("manual");
        assertThat(snapshots("verify").exitCode()).isZero();
    }

    @Test
    void names_the_database_in_its_manifests_as_the_driver_does() throws SQLException {
        JsonNode manual = json(create("--json", "--table", "users")).get(0);
        approvedAndRun("DELETE FROM users");
        JsonNode newest = json(snapshots("list", "--json", "--table", "users")).get(0);
        assertThat(newest.get("source").asString()).isEqualToIgnoringCase("inline");
        assertThat(newest.get("database")).isEqualTo(manual.get("database"));
        JsonNode named = json(create("--json", "--table", "users", "--environment", "prod", "--cluster-id", "main"))
                .get(0);
        assertThat(named.get("database").asString())
                .isEqualTo("prod/main/" + database.value("SELECT current_database()"));
    }

    @Test
    void a_table_that_is_none_is_refused_and_a_storage_that_fails_is_a_failure() throws IOException {
        CommandRun none = create("--table", "nothing");
        assertThat(none.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(none.output()).isEmpty();
        assertThat(none.errors()).contains("nothing", "HINT:");
        assertThat(create("--table", "users", "--format", "xml").exitCode()).isEqualTo(ExitCode.USAGE);
        Files.writeString(folder.resolve("snapshots"), "a file where the folder should be");
        CommandRun failed = create("--table", "users");
        assertThat(failed.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(failed.errors()).contains("could not be stored in file:");
    }

    @Test
    void list_names_a_manifest_that_is_not_valid_and_leaves_the_json_as_it_is() throws IOException {
        String whole = createdId("--table", "users");
        String damaged = createdId("--table", "users");
        Files.writeString(object(damaged, "manifest.json"), "{");
        for (String[] options : new String[][] {{}, {"--json"}}) {
            CommandRun run = snapshots("list", options);
            assertThat(run.exitCode()).isZero();
            assertThat(run.output()).contains(whole).doesNotContain(damaged);
            assertThat(run.errors()).contains("not usable: ", damaged);
        }
        assertThat(ids()).containsExactly(whole);
    }

    @Test
    void list_tells_snapshots_of_another_database_from_those_of_this_one() throws SQLException {
        TestDatabase own = database;
        String here = own.value("SELECT current_database()");
        String there = here + "_b";
        createdId("--table", "users");
        assertThat(lines(snapshots("list", "--db", url())).get(0)).doesNotContain("database");
        own.run("CREATE DATABASE " + there);
        try {
            database = new TestDatabase(own.url().replace("/" + here + "?", "/" + there + "?"));
            database.run("CREATE TABLE users (id int)");
            String other = createdId("--table", "users");
            database = own;
            List<String> lines = lines(snapshots("list", "--db", url(), "--table", "users"));
            assertThat(lines).hasSize(3);
            assertThat(lines.get(0)).containsPattern(" table +rows +taken at +database +now ");
            assertThat(lines.get(1)).contains(other, "/" + there + " ").matches(".* - *");
            assertThat(lines.get(2)).contains("/" + here + " ").matches(".* present *");
            assertThat(lines(snapshots("list")).get(0)).doesNotContain(" now ");
        } finally {
            own.run("DROP DATABASE " + there + " WITH (FORCE)");
        }
    }

    private static List<String> lines(CommandRun run) {
        return run.output().lines().filter(line -> !line.isBlank()).toList();
    }

    @Test
    void a_name_cannot_forge_a_line_or_reach_the_terminal() throws SQLException, IOException {
        String name = "\"x\nok       snap_0 of public.users: 1 rows\u001b[31m\"";
        String shown = "x\\nok       snap_0 of public.users: 1 rows\\u001b[31m";
        database.run("DROP TABLE IF EXISTS " + name, "CREATE TABLE " + name + " (id int)");
        CommandRun created = create("--table", name);
        assertThat(created.exitCode()).as(created.errors()).isZero();
        String id = ids().get(0);
        CommandRun verified = snapshots("verify");
        assertThat(verified.output().lines()).singleElement().asString().startsWith("ok       " + id + " of ");
        CommandRun recovered = CommandRun.of("recover", "--db", url(), "--storage", storage, "--table", name);
        assertThat(recovered.exitCode()).as(recovered.errors()).isZero();
        String copy = name.replace("m\"", "m_recovered\"");
        database.run("ALTER TABLE " + copy + " ADD COLUMN more int");
        CommandRun again = CommandRun.of("recover", "--db", url(), "--storage", storage, "--table", name);
        assertThat(again.exitCode()).isEqualTo(ExitCode.REFUSED);
        database.run("ALTER TABLE " + copy + " DROP COLUMN more");
        for (String printed : List.of(
                created.output(),
                snapshots("list", "--db", url()).output(),
                verified.output(),
                snapshots("prune", "--older-than", "1d").output(),
                again.errors())) {
            assertThat(printed).contains(shown).doesNotContain("\u001b").doesNotContain("\nok       snap_0");
        }
        String sql = recovered.output().substring(recovered.output().indexOf("BEGIN;"));
        assertThat(recovered.output().lines().takeWhile(line -> !line.contains("Review what follows")))
                .allMatch(line -> line.startsWith("-- "))
                .noneMatch(line -> line.contains("\u001b"));
        assertThat(sql).contains(name);
        database.run(recovered.output());
        database.run("DROP TABLE IF EXISTS " + name, "DROP TABLE IF EXISTS " + copy);
    }

    @Test
    void show_tells_all_that_is_known_of_a_snapshot() throws SQLException {
        approvedAndRun("DELETE FROM users");
        String whole = ids().get(0);
        CommandRun shown = snapshots("show", whole);
        assertThat(shown.exitCode()).as(shown.errors()).isZero();
        assertThat(shown.output().lines().map(String::strip))
                .contains(
                        whole,
                        "table      public.users",
                        "source     inline",
                        "agent      agent",
                        "before     delete",
                        "state      final",
                        "columns    id integer, name text")
                .anyMatch(line -> line.matches("approval +appr_\\w+"))
                .anyMatch(line -> line.startsWith("rows       100, "))
                .anyMatch(line -> line.startsWith("key        none: "))
                .anyMatch(line -> line.matches("group +grp_\\w+, this snapshot alone"));
        String part = createdId("--table", "parts");
        JsonNode report = json(snapshots("show", "--json", whole, part));
        assertThat(report).hasSize(2);
        assertThat(report.get(0).get("manifest").get("snapshot_id").asString()).isEqualTo(whole);
        assertThat(report.get(0).get("decided").asBoolean()).isTrue();
        assertThat(report.get(1).get("group")).hasSize(1);
        assertThat(snapshots("show", "snap_0").exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(snapshots("show").exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void verify_says_of_each_snapshot_whether_it_is_whole() throws IOException {
        String good = createdId("--table", "users");
        String bad = createdId("--table", "users");
        String lost = createdId("--table", "shop.orders");
        Path chunk = object(bad, "data-");
        byte[] bytes = Files.readAllBytes(chunk);
        bytes[bytes.length / 2] ^= 1;
        Files.write(chunk, bytes);
        Path manifest = object(lost, "manifest.json");
        Files.writeString(manifest, Files.readString(manifest).replace("\"row_count\" : 2", "\"row_count\" : 3"));
        CommandRun run = snapshots("verify");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.output().lines())
                .satisfiesExactlyInAnyOrder(
                        line -> assertThat(line).startsWith("ok       " + good + " of public.users: 100 rows, "),
                        line -> assertThat(line)
                                .isEqualTo("DAMAGED  " + bad + " of public.users: the object " + chunk.getFileName()
                                        + " of " + bad + " does not match its SHA-256"),
                        line -> assertThat(line)
                                .isEqualTo("DAMAGED  the manifest snapshots/shop.orders/" + lost
                                        + "/manifest.json does not match its own checksum"));
        JsonNode report = json(snapshots("verify", "--json"));
        assertThat(report.get("valid").asBoolean()).isFalse();
        assertThat(report.get("snapshots")).hasSize(2);
        assertThat(report.get("not_valid")).hasSize(1);
        CommandRun one = snapshots("verify", "--snapshot-id", good);
        assertThat(one.exitCode()).isZero();
        assertThat(one.output().lines()).hasSize(1);
        CommandRun unknown = snapshots("verify", "--snapshot-id", "snap_0");
        assertThat(unknown.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(unknown.errors()).contains("there is no snapshot snap_0 in file:");
        assertThat(snapshots("verify", "--snapshot-id", lost).exitCode()).isEqualTo(ExitCode.REFUSED);
        Files.delete(object(good, "schema.sql"));
        CommandRun missing = snapshots("verify", "--snapshot-id", good);
        assertThat(missing.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(missing.output()).contains("the object schema.sql of " + good + " is missing");
    }

    @Test
    void prune_does_what_its_dry_run_said() throws IOException {
        String first = createdId("--table", "users");
        String second = createdId("--table", "users");
        String third = createdId("--table", "users");
        String orders = createdId("--table", "shop.orders");
        Path orphan = folder.resolve("snapshots/snapshots/public.users/snap_dead/data-00000.copy.zst");
        Files.createDirectories(orphan.getParent());
        Files.write(orphan, new byte[7]);
        CommandRun young = snapshots("prune", "--older-than", "1d");
        assertThat(young.exitCode()).as(young.errors()).isZero();
        assertThat(young.output())
                .contains(
                        "unfinished: snapshots/public.users/snap_dead/, 1 objects, 7 bytes",
                        "keep, it may still be written",
                        "removed 0 of 4 snapshots, 0 bytes (older than 1d, approvals of 30d)");
        Files.setLastModifiedTime(orphan, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
        JsonNode dry = json(snapshots("prune", "--older-than", "0s", "--dry-run", "--json"));
        assertThat(ids()).containsExactlyInAnyOrder(first, second, third, orders);
        assertThat(Files.exists(orphan)).isTrue();
        CommandRun words = snapshots("prune", "--older-than", "0s", "--dry-run");
        assertThat(words.output()).contains("would remove 2 of 4 snapshots", "the newest whole snapshot of its table");
        JsonNode real = json(snapshots("prune", "--older-than", "0s", "--json"));
        assertThat(real.get("snapshots")).isEqualTo(dry.get("snapshots"));
        assertThat(real.get("unfinished")).isEqualTo(dry.get("unfinished"));
        assertThat(dry.get("dry_run").asBoolean()).isTrue();
        assertThat(real.get("dry_run").asBoolean()).isFalse();
        assertThat(removed(real)).containsExactlyInAnyOrder(first, second);
        assertThat(ids()).containsExactlyInAnyOrder(third, orders);
        assertThat(Files.exists(orphan)).isFalse();
        assertThat(snapshots("verify").exitCode()).isZero();
        assertThat(snapshots("prune", "--older-than", "0s").output()).contains("removed 0 of 2 snapshots, 0 bytes");
    }

    private static List<String> removed(JsonNode report) {
        return report.get("snapshots")
                .valueStream()
                .filter(snapshot -> snapshot.get("remove").asBoolean())
                .map(snapshot -> snapshot.get("snapshot_id").asString())
                .toList();
    }

    @Test
    void prune_asks_the_control_store_about_approvals_and_removes_nothing_without_it() throws SQLException {
        approvedAndRun("DELETE FROM users");
        database.run(
                "INSERT INTO users (id) VALUES (1)"); // of an empty table, the newest would not be the last with rows
        String newest = createdId("--table", "users");
        CommandRun lost = snapshots(
                "prune",
                "--older-than",
                "0s",
                "--control",
                folder.resolve("not there").toString());
        assertThat(lost.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(lost.errors()).contains("there is no control store " + folder.resolve("not there"), "HINT:");
        assertThat(Files.exists(folder.resolve("not there"))).isFalse();
        assertThat(ids()).hasSize(2);
        assertThat(snapshots("prune", "--older-than", "0s", "--control", control())
                        .output())
                .contains("its approval is young", "removed 0 of 2 snapshots");
        CommandRun gone =
                snapshots("prune", "--older-than", "0s", "--approval-retention", "0s", "--control", control());
        assertThat(gone.exitCode()).as(gone.errors()).isZero();
        assertThat(ids()).containsExactly(newest);
    }

    @Test
    void what_a_crash_left_undecided_is_named_and_kept_until_the_server_or_an_operator_decides() throws Exception {
        String older = createdId("--table", "users");
        approvedAndRun("TRUNCATE users");
        String undecided = ids().get(0);
        assertThat(Files.readString(object(undecided, "committed.json"))).contains("committed");
        assertThat(snapshots("list").errors()).doesNotContain("undecided");
        Files.delete(object(undecided, "committed.json"));
        String[] prune = {"--older-than", "0s", "--approval-retention", "0s", "--control", control()};
        assertThat(snapshots("list").errors()).contains("undecided: " + undecided + " of public.users");
        assertThat(snapshots("prune", prune).output())
                .contains("undecided: its statement is not known", "removed 0 of 2");
        List<String> wrong = new ArrayList<>(List.of(prune));
        wrong.addAll(List.of("--committed", older));
        CommandRun refused = snapshots("prune", wrong.toArray(String[]::new));
        assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.errors()).contains(older + " is not an undecided snapshot");
        List<String> asking = new ArrayList<>(List.of(prune));
        asking.addAll(List.of("--db", url()));
        CommandRun asked = snapshots("prune", asking.toArray(String[]::new));
        assertThat(asked.exitCode()).as(asked.errors()).isZero();
        assertThat(ids()).containsExactly(undecided);
        assertThat(snapshots("list").errors()).doesNotContain("undecided");
    }

    @Test
    void prune_keeps_the_older_snapshot_while_a_statement_is_open() throws Exception {
        String older = createdId("--table", "users");
        String parameters = "backstop.policy=application&backstop.agentId=agent&backstop.control=" + control()
                + "&backstop.storage=" + storage;
        try (Connection agent = DriverManager.getConnection(database.backstopUrl(parameters));
                Statement statement = agent.createStatement()) {
            agent.setAutoCommit(false);
            statement.execute("TRUNCATE users");
            CommandRun pruned = snapshots("prune", "--older-than", "0s", "--control", control());
            assertThat(pruned.exitCode()).as(pruned.errors()).isZero();
            agent.rollback();
        }
        assertThat(ids()).containsExactly(older);
    }

    @Test
    void prune_wants_a_time() {
        assertThat(snapshots("prune").exitCode()).isEqualTo(ExitCode.USAGE);
        for (String wrong : List.of("30", "-1d", "P-1D", "soon", "99999999w")) {
            assertThat(snapshots("prune", "--older-than", wrong).exitCode())
                    .as(wrong)
                    .isEqualTo(ExitCode.USAGE);
        }
    }

    private String control() {
        return folder.resolve("backstop.db").toString();
    }

    private void approvedAndRun(String sql) throws SQLException {
        String parameters = "backstop.agentId=agent&backstop.control=" + control() + "&backstop.storage=" + storage;
        try (Connection agent = DriverManager.getConnection(database.backstopUrl(parameters));
                Statement statement = agent.createStatement()) {
            assertThatThrownBy(() -> statement.execute(sql))
                    .isInstanceOfSatisfying(
                            ApprovalRequiredException.class,
                            held -> CommandRun.of("approvals", "approve", held.approvalId(), "--control", control()));
            statement.execute(sql);
        }
    }
}
