package io.backstop.server;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.control.Pause;
import io.backstop.server.RunningServer.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;

import static io.backstop.server.RunningServer.ADMIN;
import static org.assertj.core.api.Assertions.assertThat;

class AdminEndpointsTest {
    private static final String REASON = "Suspicious agent behavior — investigating";

    @TempDir
    private Path folder;

    private RunningServer server;

    @BeforeEach
    void start() throws Exception {
        server = RunningServer.in(folder);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void a_pause_is_in_force_with_its_reason_and_operator() throws Exception {
        Answer answer = server.post("/admin/pause", ADMIN, "{\"reason\": \"" + REASON + "\"}");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(server.store.pause().current()).contains(new Pause(REASON, "admin", RunningServer.NOW));
        assertThat(answer.json()).isEqualTo(server.get("/admin/status", ADMIN).json());
    }

    @Test
    void the_status_says_paused_in_the_words_of_the_runbook() throws Exception {
        assertThat(server.get("/admin/status", ADMIN).body()).contains("\"paused\": false");
        server.post("/admin/pause", ADMIN, "{\"reason\": \"" + REASON + "\"}");
        Answer status = server.get("/admin/status", ADMIN);
        assertThat(status.body()).contains("\"paused\": true");
        assertThat(status.json().at("/pause/reason").asString()).isEqualTo(REASON);
        assertThat(status.json().at("/pause/operator").asString()).isEqualTo("admin");
        assertThat(status.json().at("/pause/since").asString()).isEqualTo("2026-05-06T12:29:00Z");
    }

    @Test
    void the_status_counts_what_waits() throws Exception {
        server.held("cursor-local", "DROP TABLE users");
        assertThat(server.get("/admin/status", ADMIN).json().get("pending").asInt())
                .isEqualTo(1);
    }

    @Test
    void resuming_ends_the_pause_and_both_are_on_the_record() throws Exception {
        server.post("/admin/pause", ADMIN, "{\"reason\": \"" + REASON + "\"}");
        Answer answer = server.post("/admin/resume", ADMIN);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().get("paused").asBoolean()).isFalse();
        assertThat(server.store.pause().current()).isEmpty();
        assertThat(server.store.audit().newest(10))
                .extracting(record -> record.event().operation())
                .containsExactly("RESUME", "PAUSE");
        assertThat(server.store.audit().newest(10)).allSatisfy(record -> {
            assertThat(record.event().kind()).isEqualTo(AuditEvent.Kind.OPERATOR);
            assertThat(record.event().agentId()).isEqualTo("admin");
        });
    }

    @Test
    void resuming_takes_an_empty_object_too_but_no_more() throws Exception {
        assertThat(server.post("/admin/resume", ADMIN, "{}").status()).isEqualTo(200);
        Answer answer = server.post("/admin/resume", ADMIN, "{\"reason\": \"over\"}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.message()).isEqualTo("this endpoint takes nothing in its body");
    }

    @Test
    void a_pause_needs_a_reason_that_says_something() throws Exception {
        for (String body : List.of(
                "{}",
                "{\"reason\": \"\"}",
                "{\"reason\": \"  \"}",
                "{\"reason\": null}",
                "{\"reason\": 7}",
                "{\"reason\": [\"x\"]}",
                "{\"reason\": \"" + "x".repeat(1001) + "\"}")) {
            Answer answer = server.post("/admin/pause", ADMIN, body);
            assertThat(answer.status()).as(body).isEqualTo(400);
            assertThat(answer.error()).isEqualTo("bad_request");
            assertThat(answer.message()).startsWith("reason has to be a text of 1 to 1000 characters");
        }
        assertThat(server.store.pause().current()).isEmpty();
    }

    @Test
    void a_body_that_is_not_one_json_object_of_known_keys_is_refused() throws Exception {
        for (String body :
                List.of("reason", "{\"reason\": ", "{\"reason\": \"a\"} x", "{\"reason\":\"a\",\"reason\":\"b\"}")) {
            Answer answer = server.post("/admin/pause", ADMIN, body);
            assertThat(answer.status()).as(body).isEqualTo(400);
            assertThat(answer.message()).isEqualTo("the body is not valid JSON in UTF-8");
        }
        for (String body : List.of("[]", "\"reason\"", "", "null")) {
            Answer answer = server.post("/admin/pause", ADMIN, body);
            assertThat(answer.status()).as(body).isEqualTo(400);
            assertThat(answer.message()).isEqualTo("the body has to be a JSON object");
        }
        assertThat(server.post("/admin/pause", ADMIN, "{\"reason\": \"a\", \"for\": \"1h\"}")
                        .message())
                .isEqualTo("the body has an unknown key; known here: reason");
        assertThat(server.store.pause().current()).isEmpty();
    }
}
