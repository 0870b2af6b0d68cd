package io.backstop.cli.restore;

import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(PostgresExtension.class)
class DrillRestoreCommandTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private String storage;

    @BeforeEach
    void fill(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        storage = folder.resolve("snapshots").toUri().toString();
        SqlControlStore.sqlite(control(), Clock.systemUTC()).close();
        database.run(
                "DROP TABLE IF EXISTS users, orders",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n",
                "CREATE TABLE orders (id int)",
                "INSERT INTO orders VALUES (1), (2)");
    }

    private Path control() {
        return folder.resolve("backstop.db");
    }

    private String url() {
        return database.url().replaceFirst("^jdbc:", "");
    }

    private void take(String... tables) {
        for (String table : tables) {
            CommandRun run =
                    CommandRun.of("snapshots", "create", "--db", url(), "--storage", storage, "--table", table);
            assertThat(run.exitCode()).as(run.errors()).isZero();
        }
    }

    private CommandRun drill(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "drill",
                "restore",
                "--db",
                url(),
                "--storage",
                storage,
                "--control",
                control().toString(),
                "--as",
                "night watch"));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private String recorded() {
        return CommandRun.of("audit", "list", "--control", control().toString()).output();
    }

    private List<String> tables() throws SQLException {
        return database.rows(
                "SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'i') AND oid >= 16384 ORDER BY oid");
    }

    @Test
    void the_newest_snapshot_of_each_table_is_restored_and_rolled_back_and_recorded() throws SQLException {
        take("users", "users", "orders");
        List<String> before = tables();
        CommandRun run = drill();
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.errors()).isEmpty();
        assertThat(run.output().lines())
                .hasSize(3)
                .anyMatch(line -> line.matches("passed   snap_\\w+ of public\\.users: 100 rows in \\d+\\.\\d s"))
                .anyMatch(line -> line.matches("passed   snap_\\w+ of public\\.orders: 2 rows in \\d+\\.\\d s"))
                .last()
                .isEqualTo("2 snapshots were restored, compared and rolled back");
        assertThat(tables()).isEqualTo(before);
        assertThat(recorded()).contains("night watch", "drill restore", "passed: 2 snapshots were");
    }

    @Test
    void for_programs_each_snapshot_has_its_result() {
        take("users", "orders");
        JsonNode report =
                JsonMapper.shared().readTree(drill("--json", "--table", "users").output());
        assertThat(report.get("result").asString()).isEqualTo("passed");
        assertThat(report.get("snapshots")).hasSize(1);
        JsonNode snapshot = report.get("snapshots").get(0);
        assertThat(snapshot.get("table").asString()).isEqualTo("public.users");
        assertThat(snapshot.get("passed").asBoolean()).isTrue();
        assertThat(snapshot.get("rows").asInt()).isEqualTo(100);
        assertThat(snapshot.get("seconds").isNumber()).isTrue();
    }

    @Test
    void one_that_fails_is_named_and_the_others_are_tried() throws Exception {
        take("users", "orders");
        try (Stream<Path> files = Files.walk(folder.resolve("snapshots"))) {
            for (Path chunk : files.filter(file -> file.toString().matches(".*public\\.users.*/data-.*"))
                    .toList()) {
                Files.write(chunk, new byte[] {1});
            }
        }
        CommandRun run = drill();
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.output())
                .contains("FAILED   snap_", "is damaged", "passed   snap_", "1 of 2 could not be restored");
        assertThat(recorded()).contains("failed: 1 of 2 could not be restored");
    }

    @Test
    void what_could_not_run_has_not_passed() throws Exception {
        Files.createDirectories(folder.resolve("snapshots"));
        CommandRun none = drill();
        assertThat(none.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(none.output()).contains("could not run: there is no snapshot of this database");
        JsonNode report = JsonMapper.shared().readTree(drill("--json").output());
        assertThat(report.get("result").asString()).isEqualTo("could_not_run");
        assertThat(drill("--snapshot-id", "snap_0000000000000000").exitCode()).isEqualTo(ExitCode.REFUSED);
        CommandRun nowhere = CommandRun.of(
                "drill",
                "restore",
                "--db",
                url(),
                "--storage",
                folder.resolve("none").toUri().toString(),
                "--control",
                control().toString());
        assertThat(nowhere.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(nowhere.errors()).contains("HINT:");
        assertThat(recorded().lines().filter(line -> line.contains("could_not_run")))
                .hasSize(4);
    }

    @Test
    void a_result_that_cannot_be_recorded_is_said() {
        take("users");
        CommandRun run = CommandRun.of(
                "drill",
                "restore",
                "--db",
                url(),
                "--storage",
                storage,
                "--control",
                folder.resolve("no.db").toString());
        assertThat(run.exitCode()).isZero();
        assertThat(run.errors()).contains("the result is not recorded: there is no control store");
    }
}
