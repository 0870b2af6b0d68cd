package io.backstop.server;

import io.backstop.server.RunningServer.Answer;
import io.backstop.server.token.TokenFile;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

import static io.backstop.server.RunningServer.ADMIN;
import static io.backstop.server.RunningServer.OPS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class RefusalsTest {
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
    void what_is_not_there_is_not_found() throws Exception {
        for (String path :
                List.of("/", "/metadata", "/metadata/Alerts", "/metrics/", "/Pending", "/pending/", "/approve/a/b")) {
            Answer answer = server.get(path, OPS);
            assertThat(answer.status()).as(path).isEqualTo(404);
            assertThat(answer.error()).isEqualTo("not_found");
            assertThat(answer.header("Content-Type")).startsWith("application/json");
        }
    }

    @Test
    void another_method_is_not_allowed_and_the_right_one_is_named() throws Exception {
        Answer answer = server.get("/admin/pause", ADMIN);
        assertThat(answer.status()).isEqualTo(405);
        assertThat(answer.error()).isEqualTo("method_not_allowed");
        assertThat(answer.header("Allow")).contains("POST");
        assertThat(server.post("/pending", OPS).status()).isEqualTo(405);
        assertThat(server.get("/approve/appr_1", OPS).status()).isEqualTo(405);
        for (String method : List.of("PUT", "DELETE", "PATCH")) {
            Answer other = server.send(server.request("/admin/resume", ADMIN).method(method, BodyPublishers.noBody()));
            assertThat(other.status()).as(method).isEqualTo(405);
        }
    }

    @Test
    void a_body_that_is_not_sent_as_json_is_unsupported() throws Exception {
        for (String type : List.of(
                "text/plain",
                "application/x-www-form-urlencoded",
                "application/json; charset=iso-8859-1",
                "application/jsonx")) {
            Answer answer =
                    server.post("/admin/pause", ADMIN, type, BodyPublishers.ofString("{\"reason\": \"a test\"}"));
            assertThat(answer.status()).as(type).isEqualTo(415);
            assertThat(answer.error()).isEqualTo("unsupported_media_type");
        }
        assertThat(server.send(server.request("/admin/pause", ADMIN)
                                .POST(BodyPublishers.ofString("{\"reason\": \"a test\"}")))
                        .status())
                .isEqualTo(415);
        assertThat(server.store.pause().current()).isEmpty();
        assertThat(server.post(
                                "/admin/pause",
                                ADMIN,
                                "Application/JSON;charset=UTF-8",
                                BodyPublishers.ofString("{\"reason\": \"a test\"}"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void a_body_of_64_kib_is_read_and_one_byte_more_is_too_large() throws Exception {
        String start = "{\"reason\": \"";
        String largest = start + "x".repeat(64 * 1024 - start.length() - 2) + "\"}";
        assertThat(server.post("/admin/pause", ADMIN, largest).message()).startsWith("reason has to be a text");
        Answer announced = server.post("/admin/pause", ADMIN, largest + " ");
        assertThat(announced.status()).isEqualTo(413);
        assertThat(announced.error()).isEqualTo("content_too_large");
        byte[] bytes = (largest + " ").getBytes(StandardCharsets.UTF_8);
        Answer chunked = server.post(
                "/admin/pause",
                ADMIN,
                "application/json",
                BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes)));
        assertThat(chunked.status()).isEqualTo(413);
        assertThat(server.post("/approve/appr_1", OPS, largest + " ").status()).isEqualTo(413);
        assertThat(server.store.pause().current()).isEmpty();
    }

    @Test
    void a_huge_body_is_refused_by_its_announcement() throws Exception {
        String answer = server.exchange("POST /admin/pause HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                + ADMIN + "\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 413 ").contains("\"error\": \"content_too_large\"");
    }

    @Test
    void what_is_no_request_gets_json_too_and_no_word_about_the_inside() throws Exception {
        for (String request : List.of(
                "GET /metadata/audit?limit=%zz HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + OPS,
                "POST /approve/..%2fx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nAuthorization: Bearer " + OPS,
                "GET /%zz HTTP/1.1\r\nHost: localhost",
                "GET /pending HTTP/1.1",
                "nonsense",
                "GET /pending HTTP/1.1\r\nHost: localhost\r\nX: " + "x".repeat(20_000))) {
            String answer = server.exchange(request + "\r\nConnection: close\r\n\r\n");
            String first = answer.lines().findFirst().orElse("");
            assertThat(first).as(request).matches("HTTP/1\\.1 4\\d\\d .*");
            assertThat(answer).as(request).contains("\"error\": \"");
            assertThat(answer.toLowerCase(Locale.ROOT))
                    .as(request)
                    .doesNotContain("<html")
                    .doesNotContain("jetty")
                    .doesNotContain("exception")
                    .doesNotContain("\tat ");
        }
    }

    @Test
    void every_answer_forbids_to_be_kept() throws Exception {
        for (Answer answer : List.of(server.get("/pending", OPS), server.get("/nothing", OPS))) {
            assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(answer.header("Server")).isEmpty();
        }
    }

    @Test
    void a_control_store_that_fails_is_told_as_that_and_no_more() throws Exception {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + server.controlFile);
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE approvals");
        }
        Answer answer = server.get("/pending", OPS);
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.error()).isEqualTo("control_store_unavailable");
        assertThat(answer.body()).doesNotContain(folder.toString()).doesNotContain("approvals");
    }

    @Test
    void a_storage_that_fails_is_told_as_that_and_no_more() throws Exception {
        Answer answer = snapshotsOver(() -> {
            throw new Unreadable(new IOException("bucket of s3cret is on fire"));
        });
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.error()).isEqualTo("storage_unavailable");
        assertThat(answer.body()).doesNotContain("s3cret");
    }

    @Test
    void a_failure_that_nobody_thought_of_is_told_as_that_and_no_more() throws Exception {
        Answer ofAnException = snapshotsOver(() -> {
            throw new IllegalStateException("s3cret");
        });
        Answer ofAnError = snapshotsOver(() -> {
            throw new AssertionError("s3cret");
        });
        for (Answer answer : List.of(ofAnException, ofAnError)) {
            assertThat(answer.status()).isEqualTo(500);
            assertThat(answer.error()).isEqualTo("internal_error");
            assertThat(answer.body()).doesNotContain("s3cret").doesNotContain("IllegalState");
            assertThat(answer.header("Content-Type")).startsWith("application/json");
        }
    }

    private Answer snapshotsOver(Supplier<List<String>> list) throws Exception {
        Path own = Files.createTempDirectory(folder, "failing");
        try (RunningServer failing = RunningServer.in(own, new SnapshotArchive(new ListingStore(list)))) {
            return failing.get("/metadata/snapshots", OPS);
        }
    }

    @Test
    void a_port_that_is_taken_is_named() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, RunningServer.loopback());
                BackstopServer other = new BackstopServer(
                        server.store, Optional.empty(), TokenFile.open(folder.resolve("tokens.json")))) {
            assertThatThrownBy(() -> other.start(taken.getLocalPort()))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("cannot listen on 127.0.0.1:" + taken.getLocalPort() + ": ");
        }
    }

    /** Carries a checked failure out of a supplier. */
    private static final class Unreadable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Unreadable(IOException cause) {
            super(cause);
        }
    }

    /** A store of which only the listing is ever asked. */
    private record ListingStore(Supplier<List<String>> names) implements ObjectStore {
        @Override
        public List<ObjectEntry> entries(String prefix) throws IOException {
            try {
                return names.get().stream()
                        .map(name -> new ObjectEntry(name, 0, Instant.EPOCH))
                        .toList();
            } catch (Unreadable e) {
                throw new IOException(e.getCause());
            }
        }

        @Override
        public void put(String name, ByteBuffer content) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void putNew(String name, ByteBuffer content) {
            throw new UnsupportedOperationException();
        }

        @Override
        public InputStream open(String name) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void delete(String name) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String address() {
            return "nowhere";
        }

        @Override
        public void close() {}
    }
}
