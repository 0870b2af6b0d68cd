package io.backstop.server;

import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.FileObjectStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

import static io.backstop.server.RunningServer.ADMIN;
import static io.backstop.server.RunningServer.OPS;
import static org.assertj.core.api.Assertions.assertThat;

class HealthEndpointTest {
    @TempDir
    private Path folder;

    @Test
    void a_new_installation_has_no_sidecar_and_no_snapshot() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            JsonNode health = server.get("/metadata/health", OPS).json();
            assertThat(health.get("gateway").asString()).isEqualTo("healthy");
            assertThat(health.get("sidecar_status").asString()).isEqualTo("missing");
            assertThat(health.get("sidecar_heartbeat_age_seconds").isNull()).isTrue();
            assertThat(health.get("last_snapshot_age_seconds").isNull()).isTrue();
            assertThat(health.get("storage_accessible").isNull()).isTrue();
            assertThat(health.get("control_store_accessible").asBoolean()).isTrue();
            assertThat(health.get("paused").asBoolean()).isFalse();
            assertThat(server.get("/metadata/health", ADMIN).status()).isEqualTo(403);
            assertThat(server.get("/metadata/health?x=1", OPS).status()).isEqualTo(400);
            server.store.pause().pause("incident", "ops");
            assertThat(server.get("/metadata/health", OPS).json().get("paused").asBoolean())
                    .isTrue();
        }
    }

    @Test
    void a_sidecar_is_healthy_for_two_minutes_and_stale_then() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            server.store.heartbeats().beat("one", "db", Optional.empty(), Set.of());
            for (long age : new long[] {0, 120, 121, 4711}) {
                age(server, Duration.ofSeconds(age));
                JsonNode health = server.get("/metadata/health", OPS).json();
                assertThat(health.get("sidecar_heartbeat_age_seconds").asLong()).isEqualTo(age);
                assertThat(health.get("sidecar_status").asString()).isEqualTo(age > 120 ? "stale" : "healthy");
            }
        }
    }

    private static void age(RunningServer server, Duration age) throws Exception {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + server.controlFile);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(
                    "UPDATE heartbeats SET at = " + RunningServer.NOW.minus(age).toEpochMilli());
        }
    }

    @Test
    void a_storage_that_cannot_be_read_is_told_and_is_an_alert() throws Exception {
        Path storage = Files.createDirectory(folder.resolve("storage"));
        try (RunningServer server = RunningServer.in(folder, new SnapshotArchive(new FileObjectStore(storage)))) {
            JsonNode health = server.get("/metadata/health", OPS).json();
            assertThat(health.get("storage_accessible").asBoolean()).isTrue();
            assertThat(health.get("gateway").asString()).isEqualTo("healthy");
        }
        Path file = Files.writeString(folder.resolve("file"), "no folder");
        Path other = Files.createDirectory(folder.resolve("other"));
        try (RunningServer server = RunningServer.in(other, new SnapshotArchive(new FileObjectStore(file)))) {
            JsonNode health = server.get("/metadata/health", OPS).json();
            assertThat(health.get("storage_accessible").asBoolean()).isFalse();
            assertThat(health.get("gateway").asString()).isEqualTo("degraded");
        }
    }

    @Test
    void a_control_store_that_is_gone_is_told() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            for (String name : new String[] {"backstop.db", "backstop.db-wal", "backstop.db-shm"}) {
                Files.deleteIfExists(folder.resolve(name));
            }
            JsonNode health = server.get("/metadata/health", OPS).json();
            assertThat(health.get("control_store_accessible").asBoolean()).isFalse();
            assertThat(health.get("gateway").asString()).isEqualTo("degraded");
            assertThat(health.get("paused").isNull()).isTrue();
        }
    }
}
