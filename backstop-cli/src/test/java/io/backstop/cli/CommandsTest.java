package io.backstop.cli;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.control.ControlStore;
import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.control.SqlControlStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

class CommandsTest {
    private static final String NO_DATABASE = "postgresql://localhost:1/shop";

    @TempDir
    private Path folder;

    private String control;
    private String id;

    @BeforeEach
    void open() throws SQLException {
        control = folder.resolve("backstop.db").toString();
        ApprovalRequest request = new ApprovalRequest(
                "DROP TABLE\n  users",
                "aa",
                "cursor-local",
                "localhost:5432/shop",
                "app",
                "public",
                "DROP TABLE",
                List.of("users"),
                RiskLevel.CRITICAL,
                List.of("drops a table"));
        try (ControlStore store = SqlControlStore.sqlite(Path.of(control), Clock.systemUTC())) {
            id = store.approvals().open(request, Duration.ofMinutes(15)).id();
        }
    }

    private static JsonNode json(CommandRun run) {
        return JsonMapper.shared().readTree(run.output());
    }

    @Test
    void approvals_are_listed_for_people_and_programs() {
        CommandRun table = CommandRun.of("approvals", "list", "--control", control);
        assertThat(table.exitCode()).isZero();
        assertThat(table.output()).contains(id, "cursor-local", "CRITICAL", "DROP TABLE users");
        JsonNode list = json(CommandRun.of("approvals", "list", "--json", "--control", control));
        assertThat(list.get(0).get("id").asString()).isEqualTo(id);
        assertThat(list.get(0).get("agent_id").asString()).isEqualTo("cursor-local");
    }

    @Test
    void an_approval_is_given_once_and_leaves_the_list() {
        CommandRun approval = CommandRun.of("approvals", "approve", id, "--as", "anna", "--control", control);
        assertThat(approval.exitCode()).isZero();
        assertThat(approval.output()).startsWith("approved " + id + ": DROP TABLE by agent cursor-local");
        CommandRun again = CommandRun.of("approvals", "deny", id, "--control", control);
        assertThat(again.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(again.errors()).contains("request " + id + " is not undecided, it is approved", "HINT:");
        assertThat(CommandRun.of("approvals", "list", "--control", control).output())
                .isEqualToIgnoringNewLines("nothing waits for approval");
        assertThat(CommandRun.of("approvals", "list", "--all", "--control", control)
                        .output())
                .contains("approved");
    }

    @Test
    void an_agent_does_not_approve_its_own_request() {
        CommandRun own = CommandRun.of("approvals", "approve", id, "--as", "cursor-local", "--control", control);
        assertThat(own.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(own.errors())
                .contains(
                        "request " + id
                                + " was made by agent cursor-local, and an agent cannot approve its own request",
                        "HINT: an operator has to approve it; `backstop approvals deny " + id + "` withdraws it");
        assertThat(json(CommandRun.of("approvals", "list", "--json", "--control", control))
                        .get(0)
                        .get("state")
                        .asString())
                .isEqualToIgnoringCase("pending");
    }

    @Test
    void a_request_can_be_denied_and_an_unknown_one_cannot() {
        assertThat(CommandRun.of("approvals", "deny", id, "--control", control).output())
                .startsWith("denied " + id);
        CommandRun unknown = CommandRun.of("approvals", "approve", "appr_0", "--control", control);
        assertThat(unknown.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(unknown.errors()).contains("there is no request appr_0");
    }

    @Test
    void an_agent_may_withdraw_its_own_request() {
        CommandRun own = CommandRun.of("approvals", "deny", id, "--as", "cursor-local", "--control", control);
        assertThat(own.exitCode()).isZero();
        assertThat(own.output()).startsWith("denied " + id);
    }

    @Test
    void an_attempt_without_an_outcome_is_shown_as_one_whose_end_is_unknown() throws SQLException {
        CommandRun.of("approvals", "approve", id, "--as", "anna", "--control", control);
        String unknown = "no outcome is on the record: the statement may have run, or be running";
        assertThat(CommandRun.of("approvals", "show", id, "--control", control).output())
                .doesNotContain(unknown);
        try (ControlStore store = SqlControlStore.sqlite(Path.of(control), Clock.systemUTC())) {
            Approval approved = store.approvals().find(id).orElseThrow();
            store.approvals().consume(id, approved.request());
            assertThat(CommandRun.of("approvals", "show", id, "--control", control)
                            .output())
                    .contains(unknown);
            ApprovalRequest request = approved.request();
            store.audit()
                    .append(List.of(new AuditEvent(
                            Instant.now(),
                            AuditEvent.Kind.OUTCOME,
                            request.agentId(),
                            request.database(),
                            request.sql(),
                            request.statementSha256(),
                            request.operation(),
                            request.tables(),
                            request.risk(),
                            "executed",
                            Optional.of(id),
                            Optional.empty())));
        }
        assertThat(CommandRun.of("approvals", "show", id, "--control", control).output())
                .doesNotContain(unknown);
    }

    @Test
    void a_decision_that_comes_too_late_says_what_the_statement_may_do_now() throws SQLException {
        CommandRun.of("approvals", "approve", id, "--as", "anna", "--control", control);
        String expiresAt;
        try (ControlStore store = SqlControlStore.sqlite(Path.of(control), Clock.systemUTC())) {
            Approval approved = store.approvals().find(id).orElseThrow();
            expiresAt = approved.expiresAt().toString();
            assertTooLate("approved, decided by anna", "its statement can run once before " + expiresAt);
            store.approvals().consume(id, approved.request());
        }
        assertTooLate("consumed, decided by anna", "its agent has to send the statement again for a new request");
    }

    @Test
    void a_denial_says_until_when_it_holds() throws SQLException {
        CommandRun.of("approvals", "deny", id, "--as", "anna", "--control", control);
        try (ControlStore store = SqlControlStore.sqlite(Path.of(control), Clock.systemUTC())) {
            String expiresAt =
                    store.approvals().find(id).orElseThrow().expiresAt().toString();
            assertTooLate(
                    "denied, decided by anna",
                    "its statement is refused before " + expiresAt + "; sent after that, it becomes a new request");
        }
    }

    private void assertTooLate(String state, String hint) {
        CommandRun late = CommandRun.of("approvals", "approve", id, "--as", "otto", "--control", control);
        assertThat(late.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(late.errors())
                .contains("request " + id + " is not undecided, it is " + state + "\nHINT: " + hint + "\n");
    }

    @Test
    void a_decision_needs_a_name() {
        CommandRun nameless = CommandRun.of("approvals", "approve", id, "--as", " ", "--control", control);
        assertThat(nameless.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(nameless.errors()).contains("--as is blank: the audit log needs a name");
        assertThat(CommandRun.of("approvals", "list", "--control", control).output())
                .contains("pending");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "status",
                "pause --reason x",
                "resume",
                "approvals list",
                "approvals show appr_0",
                "approvals approve appr_0",
                "approvals deny appr_0",
                "quarantine list",
                "quarantine lift a",
                "audit list",
                "audit verify",
            })
    void a_store_that_is_not_there_is_neither_answered_for_nor_made(String command, @TempDir Path folder) {
        Path absent = folder.resolve("absent.db");
        CommandRun run = CommandRun.of((command + " --control " + absent).split(" "));
        assertThat(run.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(run.errors())
                .contains(
                        "there is no control store " + absent
                                + "\nHINT: name the one that the guards use: --control FILE; the first guard or server makes it");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void pause_resume_and_status_tell_the_same() {
        assertThat(CommandRun.of("status", "--control", control).output()).contains("not paused", "1 statement waits");
        CommandRun pause = CommandRun.of("pause", "--reason", "incident 7", "--as", "anna", "--control", control);
        assertThat(pause.output()).contains("paused since").contains("by anna: incident 7");
        assertThat(json(CommandRun.of("status", "--json", "--control", control))
                        .get("paused")
                        .asBoolean())
                .isTrue();
        assertThat(CommandRun.of("resume", "--control", control).output()).contains("not paused");
        assertThat(CommandRun.of("pause", "--control", control).exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void the_audit_is_shown_and_checked() throws SQLException {
        CommandRun.of("pause", "--reason", "incident 7", "--as", "anna", "--control", control);
        assertThat(CommandRun.of("audit", "list", "--control", control).output())
                .contains("anna", "PAUSE", "incident 7");
        CommandRun whole = CommandRun.of("audit", "verify", "--control", control);
        assertThat(whole.exitCode()).isZero();
        assertThat(whole.output()).isEqualToIgnoringNewLines("the audit is whole");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + control);
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE audit SET event = replace(event, 'anna', 'otto')");
        }
        CommandRun tampered = CommandRun.of("audit", "verify", "--control", control);
        assertThat(tampered.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(tampered.output()).contains("record 1 was changed or is missing");
    }

    @Test
    void an_empty_storage_and_a_wrong_one_are_told_apart() throws IOException {
        String empty = Files.createDirectory(folder.resolve("empty")).toUri().toString();
        assertThat(CommandRun.of("snapshots", "verify", "--storage", empty).exitCode())
                .isZero();
        assertThat(CommandRun.of("snapshots", "list", "--storage", empty).output())
                .startsWith("no snapshots in file:");
        CommandRun wrong = CommandRun.of("snapshots", "list", "--storage", "ftp://host/x");
        assertThat(wrong.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(wrong.errors()).contains("s3://");
        assertThat(CommandRun.of("recover", "--table", "x", "--storage", empty, "--db", "mysql://h/d")
                        .exitCode())
                .isEqualTo(ExitCode.USAGE);
    }

    @Test
    void a_storage_that_is_not_there_is_a_failure_for_all_who_read_it() throws IOException {
        String missing = folder.resolve("missing").toUri().toString();
        String file =
                Files.writeString(folder.resolve("file"), "no folder").toUri().toString();
        for (List<String> command : List.of(
                List.of("snapshots", "list"),
                List.of("snapshots", "list", "--json"),
                List.of("snapshots", "verify"),
                List.of("snapshots", "verify", "--snapshot-id", "snap_1"),
                List.of("snapshots", "prune", "--older-than", "1d"),
                List.of("recover", "--table", "t", "--db", NO_DATABASE),
                List.of("restore", "--table", "t", "--snapshot-id", "snap_1", "--db", NO_DATABASE),
                List.of("restore", "--table", "t", "--snapshot-id", "snap_1", "--dry-run", "--db", NO_DATABASE),
                List.of("restore-validate", "--table", "t", "--snapshot-id", "snap_1", "--db", NO_DATABASE),
                List.of("restore-copyback-plan", "--source-table", "a", "--target-table", "b", "--db", NO_DATABASE))) {
            assertNoStorage(command, missing, "the storage " + missing + " does not exist");
            assertNoStorage(command, file, "the storage " + file + " is not a folder");
        }
        assertThat(folder.resolve("missing")).doesNotExist();
    }

    @Test
    void what_is_wrong_with_a_command_line_stands_last() {
        for (List<String> command : List.of(
                List.of("recover"),
                List.of("recover", "--table", "t", "--before", "yesterday"),
                List.of("snapshots", "list", "--nothing"),
                List.of("undo"),
                List.of("approvals", "approve", "--all", "--nothing"),
                List.of("snapshots"),
                List.of("no-command"),
                List.<String>of())) {
            CommandRun run = CommandRun.of(command.toArray(String[]::new));
            assertThat(run.exitCode()).as(command.toString()).isEqualTo(ExitCode.USAGE);
            List<String> lines = run.errors().lines().toList();
            assertThat(lines.subList(Math.max(0, lines.size() - 5), lines.size()))
                    .as(run.errors())
                    .anyMatch(line -> line.startsWith("error: "));
        }
    }

    @Test
    void every_command_is_found_by_its_name_alone() {
        for (String name : BackstopCommand.commandLine().getSubcommands().keySet()) {
            assertThat(BackstopCommand.commandLine(name, "--help").getSubcommands())
                    .as(name)
                    .containsKey(name)
                    .hasSize(
                            name.equals("completion")
                                    ? BackstopCommand.commandLine()
                                            .getSubcommands()
                                            .size()
                                    : 1);
            assertThat(CommandRun.of(name, "--help").output()).contains("backstop " + name);
        }
    }

    private static void assertNoStorage(List<String> command, String storage, String problem) {
        List<String> arguments = new ArrayList<>(command);
        arguments.addAll(List.of("--storage", storage));
        CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
        assertThat(run.exitCode()).as(command.toString()).isEqualTo(ExitCode.FAILED);
        assertThat(run.output()).isEmpty();
        assertThat(run.errors()).startsWith("error: " + problem + "\nHINT: ");
    }

    @Test
    void alerts_are_listed_and_acknowledged() {
        CommandRun list = CommandRun.of("alerts", "list", "--control", control);
        assertThat(list.exitCode()).as(list.errors()).isZero();
        assertThat(list.output())
                .contains("APPROVAL_REQUESTED")
                .contains("DROP TABLE of agent cursor-local on localhost:5432/shop waits for approval: drops a table");
        String alert = list.output().substring(0, list.output().indexOf(' '));
        CommandRun acknowledged = CommandRun.of("alerts", "acknowledge", alert, "--as", "ops", "--control", control);
        assertThat(acknowledged.exitCode()).as(acknowledged.errors()).isZero();
        assertThat(acknowledged.output()).isEqualTo(alert + " is acknowledged by ops\n");
        assertThat(CommandRun.of("alerts", "list", "--control", control).output())
                .isEqualTo("there is no alert that nobody has acknowledged\n");
        assertThat(CommandRun.of("alerts", "list", "--all", "--json", "--control", control)
                        .output())
                .contains("\"acknowledged_by\" : \"ops\"");
        CommandRun unknown = CommandRun.of("alerts", "acknowledge", "alrt_1", "--control", control);
        assertThat(unknown.exitCode()).isEqualTo(3);
        assertThat(unknown.errors()).contains("there is no alert alrt_1").contains("HINT: ");
        assertThat(CommandRun.of("alerts", "list", "--limit", "0", "--control", control)
                        .exitCode())
                .isEqualTo(2);
    }

    @Test
    void the_audit_is_listed_by_risk_agent_and_time() {
        CommandRun.of("pause", "--reason", "incident", "--as", "ops", "--control", control);
        assertThat(CommandRun.of("audit", "list", "--agent", "ops", "--risk", "safe", "--control", control)
                        .output())
                .contains("PAUSE");
        assertThat(CommandRun.of("audit", "list", "--agent", "nobody", "--control", control)
                        .output())
                .isEqualTo("no record of the audit fits\n");
        assertThat(CommandRun.of("audit", "list", "--since", "2999-01-01T00:00:00Z", "--control", control)
                        .output())
                .isEqualTo("no record of the audit fits\n");
        assertThat(CommandRun.of("audit", "list", "--json", "--control", control)
                        .output())
                .contains("\"risk_level\" : \"SAFE\"");
        assertThat(CommandRun.of("audit", "list", "--risk", "BAD", "--control", control)
                        .exitCode())
                .isEqualTo(2);
    }

    @Test
    void the_audit_is_exported_and_goes_on_where_an_export_stopped() throws Exception {
        for (int i = 0; i < 3; i++) {
            CommandRun.of("pause", "--reason", "é " + i, "--as", "ops", "--control", control);
        }
        CommandRun all = CommandRun.of("audit", "export", "--control", control);
        assertThat(all.exitCode()).as(all.errors()).isZero();
        assertThat(all.output().lines()).hasSize(3).allMatch(line -> line.startsWith("{") && line.endsWith("}"));
        assertThat(CommandRun.of("audit", "export", "--after", "2", "--control", control)
                        .output())
                .isEqualTo(all.output().lines().skip(2).findFirst().orElseThrow() + "\n");
        Path file = folder.resolve("audit.jsonl");
        Files.writeString(file, all.output().substring(0, all.output().length() - 10)); // stopped within a record
        assertThat(CommandRun.of("audit", "export", "--file", file.toString(), "--control", control)
                        .exitCode())
                .isZero();
        assertThat(file).hasContent(all.output());
        assertThat(CommandRun.of("audit", "export", "--file", file.toString(), "--control", control)
                        .errors())
                .contains("0 records written");
        assertThat(file).hasContent(all.output());
        Path whole = folder.resolve("whole.jsonl");
        CommandRun.of("audit", "export", "--file", whole.toString(), "--control", control);
        assertThat(whole).hasContent(all.output());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(whole)))
                .isEqualTo("rw-------");
    }

    @Test
    void an_export_does_not_go_on_with_the_file_of_another_store_or_of_something_else() throws Exception {
        CommandRun.of("pause", "--reason", "incident", "--as", "ops", "--control", control);
        Path file = Files.writeString(
                folder.resolve("other.jsonl"), "{\"sequence\":1,\"hash\":\"00\"}\n", StandardCharsets.UTF_8);
        CommandRun other = CommandRun.of("audit", "export", "--file", file.toString(), "--control", control);
        assertThat(other.exitCode()).isEqualTo(3);
        assertThat(other.errors()).contains("record 1").contains("HINT: ");
        assertThat(file).hasContent("{\"sequence\":1,\"hash\":\"00\"}\n");
        Files.writeString(file, "a poem\n");
        CommandRun poem = CommandRun.of("audit", "export", "--file", file.toString(), "--control", control);
        assertThat(poem.exitCode()).isEqualTo(1);
        assertThat(poem.errors()).contains("does not end with a record of the audit");
        assertThat(file).hasContent("a poem\n");
        Files.writeString(file, "a poem without an end");
        assertThat(CommandRun.of("audit", "export", "--file", file.toString(), "--control", control)
                        .exitCode())
                .isEqualTo(1);
        assertThat(file).hasContent("a poem without an end");
    }
}
