package io.backstop.server;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.server.token.TokenFile;
import io.backstop.snapshot.archive.SnapshotArchive;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

/** A server on a port of the system's choice, over a real control store in a test's folder. */
final class RunningServer implements AutoCloseable {
    static final Instant NOW = Instant.parse("2026-05-06T12:29:00Z");
    static final String ADMIN = "bsp_admin_token";
    static final String OPS = "bsp_ops_token";
    static final String AGENT = "bsp_agent_token";
    static final String TOKENS = """
            [
              {"id": "admin", "token": "bsp_admin_token", "scopes": ["admin:*"], "description": "who may pull the brake"},
              {"id": "ops", "token": "bsp_ops_token", "scopes": ["approval:read", "approval:write", "metadata:read"]},
              {"id": "reader", "token": "bsp_reader_token", "scopes": ["approval:read"]},
              {"id": "approver", "token": "bsp_approver_token", "scopes": ["approval:write"]},
              {"id": "auditor", "token": "bsp_auditor_token", "scopes": ["metadata:read"]},
              {"id": "prometheus", "token": "bsp_metrics_token", "scopes": ["metrics:read"]},
              {"id": "cursor", "token": "bsp_agent_token", "scopes": ["approval:read", "approval:write"],
               "agent_id": "cursor-local"}
            ]
            """;

    private static final JsonMapper JSON = JsonMapper.shared();

    final SqlControlStore store;
    final Path controlFile;
    private final BackstopServer server;
    private final HttpClient client = HttpClient.newHttpClient();

    private RunningServer(Path folder, Optional<SnapshotArchive> archive) throws Exception {
        controlFile = folder.resolve("backstop.db");
        store = SqlControlStore.sqlite(controlFile, Clock.fixed(NOW, ZoneOffset.UTC));
        server = new BackstopServer(store, archive, TokenFile.open(writeTokens(folder, TOKENS)));
        server.start(0);
    }

    static RunningServer in(Path folder) throws Exception {
        return new RunningServer(folder, Optional.empty());
    }

    static RunningServer in(Path folder, SnapshotArchive archive) throws Exception {
        return new RunningServer(folder, Optional.of(archive));
    }

    /** Puts a token file there in one step; a new file each time, so that no clock decides whether it has changed. */
    static Path writeTokens(Path folder, String text) throws IOException {
        Path fresh = Files.createTempFile(
                folder,
                "tokens",
                ".new",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(fresh, text);
        return Files.move(fresh, folder.resolve("tokens.json"), StandardCopyOption.ATOMIC_MOVE);
    }

    Approval held(String agent, String sql) throws Exception {
        return held(agent, sql, Duration.ofMinutes(15));
    }

    Approval held(String agent, String sql, Duration lifetime) throws Exception {
        ApprovalRequest request = new ApprovalRequest(
                sql,
                "00" + sql.hashCode(),
                agent,
                "localhost:5432/shop",
                "app",
                "public",
                "DROP TABLE",
                List.of("users"),
                RiskLevel.CRITICAL,
                List.of("it drops a table"));
        return store.approvals().open(request, lifetime);
    }

    Answer get(String path, String token) throws Exception {
        return send(request(path, token).GET());
    }

    Answer post(String path, String token) throws Exception {
        return send(request(path, token).POST(BodyPublishers.noBody()));
    }

    Answer post(String path, String token, String json) throws Exception {
        return post(path, token, "application/json", BodyPublishers.ofString(json));
    }

    Answer post(String path, String token, String contentType, BodyPublisher body) throws Exception {
        return send(request(path, token).header("Content-Type", contentType).POST(body));
    }

    HttpRequest.Builder request(String path, String token) {
        return request(path).header("Authorization", "Bearer " + token);
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
    }

    Answer send(HttpRequest.Builder request) throws Exception {
        HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.body(), response);
    }

    /** 127.0.0.1, also where the system prefers IPv6. */
    static InetAddress loopback() throws IOException {
        return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    }

    /** Sends these bytes as they are and reads what comes until the server closes the connection. */
    String exchange(String bytes) throws IOException {
        try (Socket socket = new Socket(loopback(), server.port());
                InputStream answer = socket.getInputStream()) {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        server.close();
        store.close();
    }

    /** An answer; its body is JSON wherever it is looked into. */
    record Answer(int status, String body, HttpResponse<String> response) {
        JsonNode json() {
            return JSON.readTree(body);
        }

        String error() {
            return json().get("error").asString();
        }

        String message() {
            return json().get("message").asString();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }
    }
}
