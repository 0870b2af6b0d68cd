package com.example.shop;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditQuery;
import io.backstop.jdbc.control.SqlControlStore;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** The whole application, over HTTP, on a PostgreSQL of its own, with the driver in between. */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
class ShopTest {
    @TempDir
    static Path folder;

    private static EmbeddedPostgres postgres;

    @Value("${local.server.port}")
    private int port;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry registry) throws IOException, SQLException {
        postgres = EmbeddedPostgres.builder()
                .setServerConfig("listen_addresses", "127.0.0.1")
                .start();
        try (Connection connection = postgres.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL)");
        }
        registry.add(
                "spring.datasource.url",
                () -> "jdbc:backstop:postgresql://127.0.0.1:" + postgres.getPort() + "/postgres"
                        + "?backstop.policy=application&backstop.agentId=shop"
                        + "&backstop.control=" + control()
                        + "&backstop.storage=" + storage().toUri());
        registry.add("spring.datasource.username", () -> "postgres");
        registry.add("spring.datasource.driver-class-name", () -> "io.backstop.jdbc.BackstopDriver");
    }

    @AfterAll
    static void stop() throws IOException {
        postgres.close();
    }

    private static Path control() {
        return folder.resolve("backstop.db");
    }

    private static Path storage() {
        return folder.resolve("snapshots");
    }

    @Test
    void writes_reads_and_keeps_a_snapshot_of_what_it_deletes() throws Exception {
        call("POST", "{\"id\": 1, \"name\": \"Ada\"}");
        call("POST", "{\"id\": 2, \"name\": \"Bob\"}");
        call("PUT", "{\"id\": 2, \"name\": \"Cy\"}");
        assertThat(call("GET", "")).isEqualTo("[{\"id\":1,\"name\":\"Ada\"},{\"id\":2,\"name\":\"Cy\"}]");

        assertThat(call("DELETE", "")).isEqualTo("2");
        assertThat(call("GET", "")).isEqualTo("[]");

        assertThat(manifests()).singleElement().asString().contains("public.users");
        assertThat(decisions())
                .contains(
                        "INSERT INTO users (id, name) VALUES (?, ?)",
                        "UPDATE users SET name = ? WHERE id = ?",
                        "DELETE FROM users");
    }

    /** Otherwise the build would prove something about another version than it says. */
    @Test
    void has_the_version_of_jackson_that_the_build_names() throws Exception {
        String expected = System.getProperty("shop.jackson");
        String core = expected.startsWith("2.") ? "com.fasterxml.jackson.core" : "tools.jackson.core";
        Object version =
                Class.forName(core + ".json.PackageVersion").getField("VERSION").get(null);
        assertThat(version).hasToString(expected);
    }

    @Test
    void carries_no_library_for_backstops_sake_that_clashes_or_that_it_does_not_use() {
        assertThat(ShopTest.class.getResource("/software/amazon/awssdk/core/SdkClient.class"))
                .isNull();
        boolean jackson3 = ShopTest.class.getResource("/tools/jackson/databind/ObjectMapper.class") != null;
        assertThat(jackson3).isEqualTo(System.getProperty("shop.jackson").startsWith("3."));
    }

    private String call(String method, String json) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/users"))
                .method(method, BodyPublishers.ofString(json))
                .header("Content-Type", "application/json")
                .build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return response.body();
    }

    private static List<Path> manifests() throws IOException {
        try (Stream<Path> files = Files.walk(storage())) {
            return files.filter(file -> file.endsWith("manifest.json")).toList();
        }
    }

    private static List<String> decisions() throws Exception {
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            return store.audit().newest(AuditQuery.unfiltered(100)).stream()
                    .map(audited -> audited.event())
                    .filter(event -> event.kind() == AuditEvent.Kind.DECISION)
                    .map(AuditEvent::sql)
                    .toList();
        }
    }
}
