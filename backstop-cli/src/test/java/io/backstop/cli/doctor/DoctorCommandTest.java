package io.backstop.cli.doctor;

import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(PostgresExtension.class)
class DoctorCommandTest {
    private static final String ROLE = "doctor_agent";

    @TempDir
    private Path folder;

    private final TestDatabase database;
    private Path snapshots;

    DoctorCommandTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void prepare() throws SQLException, IOException {
        snapshots = Files.createDirectory(
                folder.resolve("snapshots"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "CREATE ROLE " + ROLE + " LOGIN");
    }

    @AfterEach
    void dropRole() throws SQLException {
        database.run("DROP OWNED BY " + ROLE, "DROP ROLE " + ROLE);
    }

    private CommandRun launch(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "doctor",
                "launch",
                "--db",
                database.url().replaceFirst("^jdbc:", "").replace("user=postgres", "user=" + ROLE),
                "--storage",
                snapshots.toUri().toString(),
                "--control",
                folder.resolve("backstop.db").toString()));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private static JsonNode check(CommandRun run, String name) {
        return JsonMapper.shared()
                .readTree(run.output())
                .get("checks")
                .valueStream()
                .filter(check -> check.get("check").asString().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void a_role_that_may_do_nothing_beside_sql_is_not_in_the_way() {
        CommandRun run = launch("--json");
        JsonNode report = JsonMapper.shared().readTree(run.output());
        assertThat(run.exitCode()).as(run.output()).isZero();
        assertThat(report.get("checks")
                        .valueStream()
                        .filter(check -> check.get("status").asString().equals("not_ready")))
                .isEmpty();
        for (String check : List.of(
                "version",
                "primary",
                "track_counts",
                "encoding",
                "identity",
                "superuser",
                "ownership",
                "storage",
                "policy")) {
            assertThat(check(run, check).get("status").asString()).as(check).isEqualTo("ready");
        }
        // The servers of tests take everybody, and no operators sign.
        assertThat(report.get("status").asString()).isEqualTo("degraded");
        assertThat(launch("--strict").exitCode()).isEqualTo(ExitCode.FAILED);
    }

    /** The SQL that is offered mends it. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "superuser | not_ready | ALTER ROLE doctor_agent SUPERUSER",
                "replication | not_ready | ALTER ROLE doctor_agent REPLICATION",
                "row security | not_ready | ALTER ROLE doctor_agent BYPASSRLS",
                "other roles | not_ready | ALTER ROLE doctor_agent CREATEROLE",
                "server's files and programs | not_ready | GRANT pg_write_server_files TO doctor_agent",
                "server's files and programs | not_ready | GRANT pg_execute_server_program TO doctor_agent",
                "ways out of the session | not_ready | CREATE EXTENSION dblink",
                "ownership | degraded | CREATE TABLE t (id int); ALTER TABLE t OWNER TO doctor_agent",
                "identity | degraded | REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
                "connections | degraded | ALTER ROLE doctor_agent CONNECTION LIMIT 1"
            })
    void what_goes_round_backstop_is_found_and_the_remedy_mends_it(String check, String state, String sql)
            throws SQLException {
        database.run(sql);
        try {
            CommandRun run = launch("--json");
            JsonNode found = check(run, check);
            assertThat(found.get("status").asString()).as(run.output()).isEqualTo(state);
            assertThat(run.exitCode()).isEqualTo(state.equals("degraded") ? ExitCode.DONE : ExitCode.FAILED);
            String remedy = found.get("remedy").asString();
            if (check.equals("ways out of the session")) {
                mendEach();
            } else {
                database.run(remedy.replaceFirst(", or .*", "").split("; ", -1));
            }
            CommandRun mended = launch("--json");
            assertThat(JsonMapper.shared()
                            .readTree(mended.output())
                            .get("checks")
                            .valueStream()
                            .filter(each -> each.get("check").asString().equals(check)))
                    .as(mended.output())
                    .allMatch(each -> each.get("status").asString().equals("ready"));
        } finally {
            database.run(
                    "DROP EXTENSION IF EXISTS dblink",
                    "DROP TABLE IF EXISTS t",
                    "DROP ROLE IF EXISTS owner",
                    "GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC",
                    "ALTER ROLE " + ROLE + " NOSUPERUSER");
        }
    }

    /** Its hint says that the others are to be mended alike. */
    private void mendEach() throws SQLException {
        for (int i = 0; i < 100; i++) {
            JsonNode found = check(launch("--json"), "ways out of the session");
            if (found.get("status").asString().equals("ready")) {
                return;
            }
            database.run(found.get("remedy").asString().replaceFirst(";.*", ""));
        }
    }

    @Test
    void what_the_application_would_stumble_over_is_found() throws IOException {
        Path policy = Files.writeString(folder.resolve("policy.json"), "{\"nonsense\": 1}");
        assertThat(check(launch("--json", "--policy", policy.toString()), "policy")
                        .get("status")
                        .asString())
                .isEqualTo("not_ready");
        assertThat(check(launch("--json", "--policy", "monitor"), "policy")
                        .get("status")
                        .asString())
                .isEqualTo("degraded");
        Files.writeString(folder.resolve("backstop.db"), "no database");
        CommandRun run = launch("--json");
        assertThat(check(run, "control store").get("status").asString()).isEqualTo("not_ready");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
    }

    private CommandRun storage(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "doctor", "storage-permissions", "--storage", snapshots.toUri().toString()));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    @Test
    void a_storage_that_does_all_is_ready_and_left_as_it_was() throws IOException {
        CommandRun run = storage("--strict");
        assertThat(run.exitCode()).as(run.output()).isZero();
        assertThat(run.output().lines()).last().isEqualTo("ready");
        try (Stream<Path> files = Files.walk(snapshots)) {
            assertThat(files.filter(Files::isRegularFile)).isEmpty();
        }
    }

    @Test
    void a_folder_that_others_may_read_is_degraded_and_one_that_they_may_write_is_not_ready() throws IOException {
        Files.setPosixFilePermissions(snapshots, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(storage().exitCode()).isZero();
        assertThat(storage("--strict").exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(storage().output()).contains("degraded", "HINT: chmod 700 ");
        Files.setPosixFilePermissions(snapshots, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThat(storage().exitCode()).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void a_storage_that_is_not_there_is_a_failure() {
        CommandRun run = CommandRun.of(
                "doctor",
                "storage-permissions",
                "--storage",
                folder.resolve("none").toUri().toString());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(run.errors()).contains("HINT:");
    }

    @Test
    void the_programs_on_the_path_are_named_with_their_version() {
        CommandRun run = CommandRun.of("doctor", "native-tools", "--json");
        JsonNode report = JsonMapper.shared().readTree(run.output());
        assertThat(report.get("checks")
                        .valueStream()
                        .map(check -> check.get("check").asString()))
                .containsExactly("psql", "pg_dump", "pg_restore", "pg_basebackup", "pg_receivewal");
        assertThat(report.get("checks").valueStream())
                .allMatch(check -> check.get("detail").asString().startsWith("version ")
                        || check.get("status").asString().equals("degraded"));
        assertThat(run.exitCode()).isZero();
    }
}
