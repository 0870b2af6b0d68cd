package io.backstop.cli.analyze;

import io.backstop.cli.CommandRun;
import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(PostgresExtension.class)
class AnalyzeCommandTest {
    @Test
    void a_file_that_cannot_be_read_is_named_with_the_reason(@TempDir Path folder) throws IOException {
        Path binary = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, (byte) 0xfe});
        assertThat(CommandRun.of("analyze", "--file", folder + "/none.sql").errors())
                .contains("--file " + folder + "/none.sql cannot be read: there is no such file");
        assertThat(CommandRun.of("analyze", "--file", binary.toString()).errors())
                .contains("--file " + binary + " cannot be read: it is not text in UTF-8");
        assertThat(CommandRun.of("analyze", "--file", folder.toString()).exitCode())
                .isEqualTo(ExitCode.FAILED);
    }

    @Test
    void people_are_told_risk_rule_policy_and_the_safer_way() {
        CommandRun run = CommandRun.of("analyze", "DELETE FROM users");
        assertThat(run.exitCode()).isZero();
        assertThat(run.output())
                .startsWith("CRITICAL  DELETE  on users")
                .contains("rule      unscoped-delete: ")
                .contains("safer     Name the rows: `DELETE FROM users WHERE id = 7`.")
                .contains("policy    strict: would wait for approval, and run after a verified snapshot");
    }

    @Test
    void the_policy_decides_what_would_happen() {
        assertThat(CommandRun.of("analyze", "--policy", "application", "TRUNCATE users")
                        .output())
                .contains("application: would run after a verified snapshot");
        assertThat(CommandRun.of("analyze", "DROP DATABASE shop").output())
                .contains("would be blocked [blocked-operation]");
        assertThat(CommandRun.of("analyze", "--policy", "monitor", "DROP DATABASE shop")
                        .output())
                .contains("monitor: would run and be recorded; otherwise it would be blocked");
        CommandRun unknown = CommandRun.of("analyze", "--policy", "lax", "SELECT 1");
        assertThat(unknown.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(unknown.errors()).contains("policy lax is neither a file nor one of the profiles");
    }

    @Test
    void a_migration_fails_a_build_where_it_reaches_the_risk(@TempDir Path folder) throws IOException {
        Path migration = Files.writeString(folder.resolve("V2.sql"), "CREATE TABLE t (a int);\nDROP TABLE old;\n");
        CommandRun critical = CommandRun.of("analyze", "--file", migration.toString(), "--fail-on", "CRITICAL");
        assertThat(critical.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(critical.output()).contains("statement 2 of 2", "CRITICAL  DROP TABLE  on old");
        Files.writeString(migration, "CREATE TABLE t (a int);");
        assertThat(CommandRun.of("analyze", "--file", migration.toString(), "--fail-on", "CRITICAL")
                        .exitCode())
                .isZero();
        assertThat(CommandRun.of("analyze", "--file", folder.resolve("none.sql").toString())
                        .exitCode())
                .isEqualTo(ExitCode.FAILED);
        assertThat(CommandRun.of("analyze").exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void programs_get_json() {
        assertThat(CommandRun.of("analyze", "--json", "DROP TABLE public.users").output())
                .isEqualToIgnoringNewLines(
                        "{\"risk_level\":\"CRITICAL\",\"operation\":\"DROP TABLE\",\"tables\":"
                                + "[\"public.users\"],\"parse_error_present\":false,\"statements\":1,\"findings\":[{\"rule\":"
                                + "\"drop-table\",\"reason\":\"removes a table with its rows: public.users\"}],\"second_reader\":\"agrees\"}");
    }

    @Test
    void every_line_is_answered_in_order_and_a_broken_one_stops_nothing() throws IOException {
        String lines = """
                {"sql": "SELECT 1"}
                nonsense
                {"file": [{}], "sql": "TRUNCATE t"}
                {"sql": 1}
                {}
                [1]
                {"sql": ""} x
                {"sql": "-- nothing"}
                """;
        ByteArrayOutputStream answers = new ByteArrayOutputStream();
        int exit = new JsonLines(SqlAnalyzer.create(), null)
                .run(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)), answers);
        assertThat(exit).isEqualTo(ExitCode.FAILED);
        assertThat(answers.toString(StandardCharsets.UTF_8).lines())
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("{\"risk_level\":\"SAFE\",\"operation\":\"SELECT\""),
                        line -> assertThat(line).startsWith("{\"error\":\"the line is not valid JSON"),
                        line -> assertThat(line).startsWith("{\"risk_level\":\"CRITICAL\",\"operation\":\"TRUNCATE\""),
                        line -> assertThat(line).isEqualTo("{\"error\":\"\\\"sql\\\" is not a string\"}"),
                        line -> assertThat(line).isEqualTo("{\"error\":\"the line has no \\\"sql\\\"\"}"),
                        line -> assertThat(line).isEqualTo("{\"error\":\"the line is not a JSON object\"}"),
                        line -> assertThat(line).startsWith("{\"error\":\"the line is not valid JSON"),
                        line -> assertThat(line)
                                .isEqualTo("{\"risk_level\":\"SAFE\",\"operation\":\"EMPTY\",\"tables\":[],"
                                        + "\"parse_error_present\":false,\"statements\":0,\"findings\":[]}"));
    }

    @Test
    void the_catalog_adds_what_hangs_on_a_table_and_nothing_runs(TestDatabase database) throws SQLException {
        database.run(
                "CREATE TABLE users (id int PRIMARY KEY)",
                "CREATE TABLE orders (user_id int REFERENCES users ON DELETE CASCADE)",
                "CREATE VIEW ids AS SELECT id FROM users",
                "INSERT INTO users SELECT generate_series(1, 1000)",
                "ANALYZE users");
        CommandRun run = CommandRun.of(
                "analyze", "--db", database.url().replaceFirst("^jdbc:", ""), "DELETE FROM users WHERE id > 0");
        assertThat(run.output())
                .contains("users: table, about 1000 rows")
                .contains("1 foreign keys refer to it (1 change rows with it), 1 views read it, 0 triggers")
                .containsPattern("the planner expects \\d+ rows to change");
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("1000");
    }

    @Test
    void a_name_in_the_sql_does_not_reach_the_terminal() {
        CommandRun run = CommandRun.of("analyze", "DROP TABLE \"x\nSAFE  SELECT\u001b[31m\"");
        assertThat(run.output()).contains("x\\nSAFE  SELECT\\u001b[31m").doesNotContain("\nSAFE", "\u001b");
    }
}
