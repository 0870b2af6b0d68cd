package io.backstop.cli.serve;

import io.backstop.api.control.ControlStore;
import io.backstop.cli.BackstopCommand;
import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.control.SqlControlStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ServeCommandTest {
    /** What a JVM ends with after SIGTERM: 128 and the signal's number. */
    private static final int TERMINATED = 143;

    @TempDir
    private Path folder;

    private Path tokens;
    private Path control;

    @BeforeEach
    void write() throws Exception {
        control = folder.resolve("backstop.db");
        tokens = Files.createFile(
                folder.resolve("tokens.json"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(tokens, "[{\"id\": \"admin\", \"token\": \"bsp_admin_token\", \"scopes\": [\"admin:*\"]}]");
    }

    @Test
    void serves_from_the_line_that_it_prints_until_it_is_terminated() throws Exception {
        Process process = start("--port", "0", "--tokens", tokens.toString(), "--control", control.toString());
        try (BufferedReader out = process.inputReader()) {
            String line = out.readLine();
            assertThat(line).matches("listening on http://127\\.0\\.0\\.1:\\d+");
            URI address = URI.create(line.substring("listening on ".length()));
            HttpClient client = HttpClient.newHttpClient();
            HttpRequest pause = HttpRequest.newBuilder(address.resolve("/admin/pause"))
                    .header("Authorization", "Bearer bsp_admin_token")
                    .header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofString("{\"reason\": \"a test\"}"))
                    .build();
            assertThat(client.send(pause, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
            process.toHandle().destroy(); // Process.destroy would close the stream that is still to be read
            assertThat(process.waitFor()).isEqualTo(TERMINATED);
            assertThat(out.readLine()).isNull();
            assertThatThrownBy(() -> client.send(pause, BodyHandlers.ofString()))
                    .isInstanceOf(ConnectException.class);
        } finally {
            process.destroyForcibly();
        }
        // The last connection to a SQLite file removes its log, so a log that is left means that nobody closed it.
        assertThat(Path.of(control + "-wal")).doesNotExist();
        try (ControlStore store = SqlControlStore.sqlite(control, Clock.systemUTC())) {
            assertThat(store.pause().current()).hasValueSatisfying(pause -> {
                assertThat(pause.reason()).isEqualTo("a test");
                assertThat(pause.operator()).isEqualTo("admin");
            });
        }
    }

    private static Process start(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path", ""),
                "io.backstop.cli.BackstopCommand",
                "serve"));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    @Test
    void a_token_file_that_others_may_read_is_refused_before_anything_is_opened() throws Exception {
        Files.setPosixFilePermissions(tokens, PosixFilePermissions.fromString("rw-r-----"));
        assertThat(failure(ExitCode.REFUSED, "--tokens", tokens.toString(), "--control", control.toString()))
                .isEqualTo("error: token file " + tokens + " is open to others than its owner (rw-r-----);"
                        + " chmod 600 closes it\n");
        assertThat(control).doesNotExist();
    }

    @Test
    void the_tokens_are_required_and_the_port_has_to_be_one() {
        assertThat(failure(ExitCode.USAGE)).startsWith("error: Missing required option: '--tokens=FILE'");
        assertThat(failure(ExitCode.USAGE, "--tokens", tokens.toString(), "--port", "65536"))
                .startsWith("error: --port has to be between 0 and 65535");
    }

    private static String failure(int exitCode, String... arguments) {
        StringWriter err = new StringWriter();
        List<String> all = new ArrayList<>(List.of("serve"));
        all.addAll(List.of(arguments));
        int code =
                BackstopCommand.commandLine().setErr(new PrintWriter(err, true)).execute(all.toArray(String[]::new));
        assertThat(code).as(err.toString()).isEqualTo(exitCode);
        return err.toString();
    }
}
