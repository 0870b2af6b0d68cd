package io.backstop.server;

import io.backstop.server.RunningServer.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

class TokenAuthenticationTest {
    private static final Map<String, String> TOKEN_BY_SCOPE = Map.of(
            "admin:*", "bsp_admin_token",
            "approval:read", "bsp_reader_token",
            "approval:write", "bsp_approver_token",
            "metadata:read", "bsp_auditor_token",
            "metrics:read", "bsp_metrics_token");

    private static final List<Guarded> ENDPOINTS = List.of(
            new Guarded("POST", "/admin/pause", "admin:*"),
            new Guarded("POST", "/admin/resume", "admin:*"),
            new Guarded("GET", "/admin/status", "admin:*"),
            new Guarded("GET", "/pending", "approval:read"),
            new Guarded("POST", "/approve/appr_0000000000000000", "approval:write"),
            new Guarded("POST", "/deny/appr_0000000000000000", "approval:write"),
            new Guarded("GET", "/metadata/snapshots", "metadata:read"),
            new Guarded("GET", "/metadata/audit", "metadata:read"));

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
    void health_is_open_to_everybody() throws Exception {
        Answer answer = server.send(server.request("/health"));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().get("status").asString()).isEqualTo("ok");
        assertThat(answer.header("Content-Type")).startsWith("application/json");
    }

    @Test
    void every_other_endpoint_needs_a_token_that_is_known() throws Exception {
        for (Guarded endpoint : ENDPOINTS) {
            for (String header : List.of(
                    "",
                    "Bearer",
                    "Bearer ",
                    "Bearer unknown_token_1",
                    "Bearer bsp_admin_toke",
                    "Bearer bsp_admin_token bsp_ops_token",
                    "Basic YnNwX2FkbWluX3Rva2VuOg==",
                    "bsp_admin_token")) {
                var request = server.request(endpoint.path()).method(endpoint.method(), endpoint.body());
                if (!header.isEmpty()) {
                    request.header("Authorization", header);
                }
                Answer answer = server.send(request.header("Content-Type", "application/json"));
                assertThat(answer.status()).as("%s with [%s]", endpoint, header).isEqualTo(401);
                assertThat(answer.error()).isEqualTo("unauthorized");
                assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer");
                assertThat(answer.body()).doesNotContain("bsp_").doesNotContain("unknown_token");
            }
        }
        assertThat(server.store.pause().current()).isEmpty();
    }

    @Test
    void every_endpoint_takes_its_own_scope_and_no_other() throws Exception {
        for (Guarded endpoint : ENDPOINTS) {
            for (Map.Entry<String, String> held : TOKEN_BY_SCOPE.entrySet()) {
                Answer answer = server.send(server.request(endpoint.path(), held.getValue())
                        .header("Content-Type", "application/json")
                        .method(endpoint.method(), endpoint.body()));
                if (held.getKey().equals(endpoint.scope())) {
                    assertThat(answer.status())
                            .as("%s with %s", endpoint, held.getKey())
                            .isIn(200, 404);
                } else {
                    assertThat(answer.status())
                            .as("%s with %s", endpoint, held.getKey())
                            .isEqualTo(403);
                    assertThat(answer.error()).isEqualTo("insufficient_scope");
                    assertThat(answer.json().get("required_scope").asString()).isEqualTo(endpoint.scope());
                    assertThat(answer.message()).contains(endpoint.scope()).doesNotContain("bsp_");
                }
            }
        }
    }

    @Test
    void the_scheme_is_known_in_any_case() throws Exception {
        assertThat(server.send(server.request("/pending").header("Authorization", "bearer bsp_ops_token"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void asking_for_the_head_alone_needs_the_same_token() throws Exception {
        BodyPublisher nothing = BodyPublishers.noBody();
        for (String path : List.of("/pending", "/admin/status", "/metadata/audit", "/metadata/snapshots")) {
            assertThat(server.send(server.request(path).method("HEAD", nothing)).status())
                    .as(path)
                    .isEqualTo(401);
        }
        Answer answer =
                server.send(server.request("/pending", RunningServer.OPS).method("HEAD", nothing));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).isEmpty();
    }

    @Test
    void two_authorization_headers_are_none() throws Exception {
        Answer answer = server.send(
                server.request("/pending", RunningServer.OPS).header("Authorization", "Bearer " + RunningServer.OPS));
        assertThat(answer.status()).isEqualTo(401);
    }

    @Test
    void a_changed_token_file_is_in_force_with_the_next_request() throws Exception {
        assertThat(server.get("/pending", "bsp_ops_token").status()).isEqualTo(200);
        RunningServer.writeTokens(
                folder, "[{\"id\": \"ops\", \"token\": \"bsp_other_token\", \"scopes\": [\"approval:read\"]}]");
        assertThat(server.get("/pending", "bsp_ops_token").status()).isEqualTo(401);
        assertThat(server.get("/pending", "bsp_other_token").status()).isEqualTo(200);
        RunningServer.writeTokens(folder, "[]");
        assertThat(server.get("/pending", "bsp_other_token").status()).isEqualTo(401);
    }

    @Test
    void a_broken_token_file_leaves_the_tokens_before_it_in_force() throws Exception {
        RunningServer.writeTokens(folder, "[{\"id\": \"ops\",");
        assertThat(server.get("/pending", "bsp_ops_token").status()).isEqualTo(200);
    }

    private record Guarded(String method, String path, String scope) {
        BodyPublisher body() {
            return path.equals("/admin/pause")
                    ? BodyPublishers.ofString("{\"reason\": \"a test\"}")
                    : BodyPublishers.noBody();
        }
    }
}
