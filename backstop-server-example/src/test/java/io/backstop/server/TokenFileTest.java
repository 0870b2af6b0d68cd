package io.backstop.server;

import io.backstop.server.token.Caller;
import io.backstop.server.token.InvalidTokenFileException;
import io.backstop.server.token.Scope;
import io.backstop.server.token.TokenFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TokenFileTest {
    private static final String SECRET = "s3cret_s3cret_s3cret";

    @TempDir
    private Path folder;

    private TokenFile open(String text) throws Exception {
        return TokenFile.open(RunningServer.writeTokens(folder, text));
    }

    private void assertRefused(String text, String message) {
        assertThatThrownBy(() -> open(text))
                .isInstanceOf(InvalidTokenFileException.class)
                .hasMessage("token file " + folder.resolve("tokens.json") + message)
                .hasNoCause();
        assertThat(message).doesNotContain(SECRET);
    }

    private static String entry(String rest) {
        return "[{\"id\": \"ops\", \"token\": \"" + SECRET + "\", \"scopes\": [\"approval:read\"]" + rest + "}]";
    }

    @Test
    void a_token_stands_for_its_id_scopes_and_agent() throws Exception {
        TokenFile file = open(RunningServer.TOKENS);
        assertThat(file.caller("bsp_ops_token"))
                .contains(new Caller(
                        "ops",
                        Set.of(Scope.APPROVAL_READ, Scope.APPROVAL_WRITE, Scope.METADATA_READ),
                        Optional.empty(),
                        Optional.empty()));
        assertThat(file.caller("bsp_agent_token"))
                .contains(new Caller(
                        "cursor",
                        Set.of(Scope.APPROVAL_READ, Scope.APPROVAL_WRITE),
                        Optional.of("cursor-local"),
                        Optional.empty()));
        assertThat(file.caller("bsp_ops_toke")).isEmpty();
        assertThat(file.caller("bsp_ops_token ")).isEmpty();
        assertThat(file.caller("")).isEmpty();
    }

    @Test
    void a_file_that_is_open_to_others_is_refused() throws Exception {
        Path file = RunningServer.writeTokens(folder, entry(""));
        for (String rights : List.of("rw-r-----", "rw-----w-", "rw----r--", "rw--w----", "rw---x---", "rw-rw-rw-")) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(rights));
            assertThatThrownBy(() -> TokenFile.open(file))
                    .isInstanceOf(InvalidTokenFileException.class)
                    .hasMessage("token file " + file + " is open to others than its owner (" + rights
                            + "); chmod 600 closes it");
        }
        for (String rights : List.of("rw-------", "r--------")) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(rights));
            assertThat(TokenFile.open(file).caller(SECRET)).isPresent();
        }
    }

    @Test
    void a_missing_file_is_refused_by_its_name() {
        Path file = folder.resolve("missing.json");
        assertThatThrownBy(() -> TokenFile.open(file))
                .isInstanceOf(InvalidTokenFileException.class)
                .hasMessage("token file " + file + " cannot be read: it has to exist, and its folder to be open to"
                        + " this user");
    }

    @Test
    void what_is_not_json_is_refused_without_being_repeated() {
        assertRefused(
                "[{\"id\": \"ops\",\n\"token\": " + SECRET + "}]",
                ", line 2, column 10: not valid JSON, or a key that is there twice");
        assertThatThrownBy(() -> open(entry(", \"token\": \"" + SECRET + "\"")))
                .hasMessageEndingWith(": not valid JSON, or a key that is there twice");
        assertThatThrownBy(() -> open(entry("") + " x"))
                .hasMessageEndingWith(": not valid JSON, or a key that is there twice");
        assertThatThrownBy(() -> open("")).isInstanceOf(InvalidTokenFileException.class);
    }

    @Test
    void what_is_not_an_array_of_objects_is_refused() {
        assertRefused("{\"token\": \"" + SECRET + "\"}", ": expected a JSON array of entries");
        assertRefused("[\"" + SECRET + "\"]", ", entry 1: expected a JSON object");
    }

    @Test
    void an_unknown_key_is_refused() {
        assertRefused(
                entry(", \"" + SECRET + "\": true"),
                ", entry 1: it has an unknown key; the keys are id, token, scopes, agent_id, operator and description");
    }

    @Test
    void an_id_that_is_missing_or_no_name_is_refused() {
        String message =
                ", entry 1: id has to be 1 to 64 letters, digits and . _ @ -, beginning with a letter or a digit";
        for (String id : List.of("", "\"id\": \"\",", "\"id\": \" \",", "\"id\": \"a\\nb\",", "\"id\": 1,")) {
            assertRefused("[{" + id + "\"token\": \"" + SECRET + "\", \"scopes\": [\"admin:*\"]}]", message);
        }
    }

    @Test
    void an_id_that_is_the_token_is_refused_without_being_repeated() {
        assertRefused(
                "[{\"id\": \"" + SECRET + "\", \"token\": \"" + SECRET + "\", \"scopes\": [\"admin:*\"]}]",
                ", entry 1: id and token are the same, and the id is no secret");
    }

    @Test
    void a_token_that_is_missing_short_or_cannot_be_sent_is_refused() {
        String message = ", entry 1 (ops): token has to be 12 to 500 letters, digits and - . _ ~ + /, perhaps"
                + " followed by =";
        for (String token : List.of(
                "",
                "\"token\": \"\",",
                "\"token\": \"            \",",
                "\"token\": \"elevenchars\",",
                "\"token\": \"with a space in it\",",
                "\"token\": \"" + "x".repeat(501) + "\",",
                "\"token\": 123456789012,",
                "\"token\": null,")) {
            assertRefused("[{\"id\": \"ops\", " + token + " \"scopes\": [\"admin:*\"]}]", message);
        }
    }

    @Test
    void scopes_that_are_missing_empty_or_unknown_are_refused() {
        String start = "[{\"id\": \"ops\", \"token\": \"" + SECRET + "\"";
        String none = ", entry 1 (ops): scopes has to be an array with at least one scope";
        assertRefused(start + "}]", none);
        assertRefused(start + ", \"scopes\": []}]", none);
        assertRefused(start + ", \"scopes\": \"admin:*\"}]", none);
        String unknown = ", entry 1 (ops): it has an unknown scope; the scopes are admin:*, approval:read,"
                + " approval:write, metadata:read and metrics:read";
        assertRefused(start + ", \"scopes\": [\"admin:*\", \"" + SECRET + "\"]}]", unknown);
        assertRefused(start + ", \"scopes\": [\"ADMIN:*\"]}]", unknown);
        assertRefused(start + ", \"scopes\": [null]}]", unknown);
    }

    @Test
    void an_agent_or_a_description_that_says_nothing_is_refused() {
        for (String key : List.of("agent_id", "description")) {
            for (String value : List.of("\"\"", "\"  \"", "null", "7", "\"" + "x".repeat(501) + "\"")) {
                assertRefused(
                        entry(", \"" + key + "\": " + value),
                        ", entry 1 (ops): " + key + " has to be a text of at most 500 characters, or left out");
            }
        }
    }

    @Test
    void the_same_id_or_token_twice_is_refused() {
        String first = "[{\"id\": \"ops\", \"token\": \"" + SECRET + "\", \"scopes\": [\"admin:*\"]}, ";
        assertRefused(
                first + "{\"id\": \"ops\", \"token\": \"another_token_1\", \"scopes\": [\"admin:*\"]}]",
                ", entry 2 (ops): an entry before it has the same id");
        assertRefused(
                first + "{\"id\": \"other\", \"token\": \"" + SECRET + "\", \"scopes\": [\"admin:*\"]}]",
                ", entry 2 (other): an entry before it has the same token");
    }

    @Test
    void a_file_that_others_may_read_from_now_on_is_not_read_again_and_told_once() throws Exception {
        TokenFile tokens = open(entry(""));
        Path file = RunningServer.writeTokens(folder, entry("").replace(SECRET, "another_token_1"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        String log = logged(() -> {
            assertThat(tokens.caller(SECRET)).isPresent();
            assertThat(tokens.caller("another_token_1")).isEmpty();
        });
        assertThat(log)
                .containsOnlyOnce("the changed token file cannot be used, the tokens before it stay in force:"
                        + " token file " + file + " is open to others than its owner (rw-r--r--)")
                .doesNotContain(SECRET)
                .doesNotContain("another_token_1");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertThat(tokens.caller("another_token_1")).isPresent();
        assertThat(tokens.caller(SECRET)).isEmpty();
    }

    @Test
    void a_broken_or_missing_file_keeps_the_tokens_and_is_told_without_them() throws Exception {
        TokenFile tokens = open(entry(""));
        Path file = RunningServer.writeTokens(folder, "[{\"token\": " + SECRET);
        String log = logged(() -> assertThat(tokens.caller(SECRET)).isPresent());
        assertThat(log).contains("the tokens before it stay in force").doesNotContain(SECRET);
        Files.delete(file);
        log = logged(() -> assertThat(tokens.caller(SECRET)).isPresent());
        assertThat(log).contains("the tokens before it stay in force");
    }

    /** What goes to standard error, where the tests log. */
    private static String logged(Action action) throws Exception {
        PrintStream before = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            action.run();
        } finally {
            System.setErr(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private interface Action {
        void run() throws Exception;
    }
}
