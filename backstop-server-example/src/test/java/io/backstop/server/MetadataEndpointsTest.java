package io.backstop.server;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.server.RunningServer.Answer;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.FileObjectStore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

import static io.backstop.server.RunningServer.NOW;
import static io.backstop.server.RunningServer.OPS;
import static org.assertj.core.api.Assertions.assertThat;

class MetadataEndpointsTest {
    @TempDir
    private Path folder;

    private static AuditEvent event(String sql, String agent, RiskLevel risk, Instant at) {
        return new AuditEvent(
                at,
                AuditEvent.Kind.DECISION,
                agent,
                "localhost:5432/shop",
                sql,
                "00",
                "DROP TABLE",
                List.of("users"),
                risk,
                "held",
                Optional.of("appr_1"),
                Optional.empty());
    }

    private static List<String> texts(Answer answer, String key) {
        return StreamSupport.stream(answer.json().spliterator(), false)
                .map(element -> element.get(key).asString())
                .toList();
    }

    @Test
    void the_audit_is_an_array_of_flat_records_newest_first() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            server.store.audit().append(List.of(event("one", "a", RiskLevel.SAFE, NOW)));
            server.store.audit().append(List.of(event("two", "b", RiskLevel.CRITICAL, NOW)));
            Answer answer = server.get("/metadata/audit", OPS);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(texts(answer, "sql")).containsExactly("two", "one");
            JsonNode record = answer.json().get(0);
            assertThat(record.get("risk_level").asString()).isEqualTo("CRITICAL");
            assertThat(record.get("agent_id").asString()).isEqualTo("b");
            assertThat(record.get("sequence").asLong()).isEqualTo(2);
            assertThat(record.get("at").asString()).isEqualTo("2026-05-06T12:29:00Z");
            assertThat(record.get("kind").asString()).isEqualTo("DECISION");
            assertThat(record.get("approval_id").asString()).isEqualTo("appr_1");
            assertThat(record.get("snapshot_group").isNull()).isTrue();
            assertThat(record.get("tables").get(0).asString()).isEqualTo("users");
            assertThat(record.get("hash").asString()).matches("[0-9a-f]{64}");
        }
    }

    @Test
    void the_audit_can_be_filtered_and_cut() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            server.store
                    .audit()
                    .append(List.of(
                            event("one", "a", RiskLevel.CRITICAL, NOW.minusMillis(1)),
                            event("two", "a", RiskLevel.CRITICAL, NOW),
                            event("three", "b", RiskLevel.CRITICAL, NOW.plusMillis(1)),
                            event("four", "a", RiskLevel.HIGH, NOW.plusMillis(2))));
            assertThat(texts(server.get("/metadata/audit?limit=50&risk=CRITICAL", OPS), "sql"))
                    .containsExactly("three", "two", "one");
            assertThat(texts(server.get("/metadata/audit?risk=high", OPS), "sql"))
                    .containsExactly("four");
            assertThat(texts(server.get("/metadata/audit?limit=2", OPS), "sql")).containsExactly("four", "three");
            assertThat(texts(server.get("/metadata/audit?agent_id=a", OPS), "sql"))
                    .containsExactly("four", "two", "one");
            assertThat(texts(server.get("/metadata/audit?since=2026-05-06T12:29:00Z", OPS), "sql"))
                    .containsExactly("four", "three", "two");
            assertThat(texts(server.get("/metadata/audit?since=2026-05-06T14:29:00%2B02:00", OPS), "sql"))
                    .containsExactly("four", "three", "two");
            assertThat(texts(
                            server.get(
                                    "/metadata/audit?agent_id=a&risk=CRITICAL&since=2026-05-06T12:29:00Z&limit=1", OPS),
                            "sql"))
                    .containsExactly("two");
            assertThat(server.get("/metadata/audit?agent_id=nobody", OPS).json())
                    .isEmpty();
        }
    }

    @Test
    void an_answer_without_a_limit_has_a_hundred_records() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            server.store.audit().append(Collections.nCopies(101, event("x", "a", RiskLevel.SAFE, NOW)));
            assertThat(server.get("/metadata/audit", OPS).json()).hasSize(100);
            assertThat(server.get("/metadata/audit?limit=1000", OPS).json()).hasSize(101);
        }
    }

    @Test
    void a_filter_that_cannot_be_understood_is_refused_by_its_name() throws Exception {
        try (RunningServer server = RunningServer.in(folder)) {
            for (String limit : List.of("0", "-1", "1001", "ten", "1.5", "%2B5", "99999999999999999999")) {
                assertBadRequest(
                        server.get("/metadata/audit?limit=" + limit, OPS),
                        "the parameter limit has to be a whole number between 1 and 1000");
            }
            assertBadRequest(
                    server.get("/metadata/audit?risk=BAD", OPS),
                    "the parameter risk has to be SAFE, WRITE, HIGH or CRITICAL");
            for (String since : List.of("yesterday", "2026-05-06", "2026-05-06%2012:29:00", "1778070540")) {
                assertBadRequest(
                        server.get("/metadata/audit?since=" + since, OPS),
                        "the parameter since has to be a time like 2026-05-06T12:29:00Z (a + in it is written %2B)");
            }
            for (String name : List.of("limit", "risk", "agent_id", "since")) {
                assertBadRequest(
                        server.get("/metadata/audit?" + name + "=", OPS),
                        "the parameter " + name + " has to be there once, with a value");
            }
            assertBadRequest(
                    server.get("/metadata/audit?limit=1&limit=2", OPS),
                    "the parameter limit has to be there once, with a value");
            assertBadRequest(
                    server.get("/metadata/audit?risk_level=CRITICAL", OPS),
                    "unknown parameter; known here: agent_id, limit, risk, since");
            assertBadRequest(
                    server.get("/pending?agent=a", OPS), "unknown parameter; known here: agent_id, limit, risk, table");
            assertBadRequest(server.get("/approvals/appr_1?limit=1", OPS), "this endpoint takes no parameters");
        }
    }

    private static void assertBadRequest(Answer answer, String message) {
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.error()).isEqualTo("bad_request");
        assertThat(answer.message()).isEqualTo(message);
    }

    @Test
    void the_snapshots_are_those_of_the_storage_newest_first_and_by_table() throws Exception {
        Path storage = Files.createDirectory(folder.resolve("storage"));
        SnapshotArchive archive = new SnapshotArchive(new FileObjectStore(storage));
        publish(archive, "public", "users", "snap_1", NOW);
        publish(archive, "public", "orders", "snap_2", NOW.plusSeconds(1));
        publish(archive, "shop", "users", "snap_3", NOW.plusSeconds(2));
        try (RunningServer server = RunningServer.in(folder, archive)) {
            Answer all = server.get("/metadata/snapshots", OPS);
            assertThat(all.status()).isEqualTo(200);
            assertThat(texts(all, "snapshot_id")).containsExactly("snap_3", "snap_2", "snap_1");
            assertThat(texts(server.get("/metadata/snapshots?table=users", OPS), "snapshot_id"))
                    .containsExactly("snap_3", "snap_1");
            assertThat(texts(server.get("/metadata/snapshots?table=public.users", OPS), "snapshot_id"))
                    .containsExactly("snap_1");
            assertThat(server.get("/metadata/snapshots?table=nothing", OPS).json())
                    .isEmpty();
            JsonNode snapshot = all.json().get(2);
            assertThat(snapshot.get("schema").asString()).isEqualTo("public");
            assertThat(snapshot.get("table").asString()).isEqualTo("users");
            assertThat(snapshot.get("row_count").asLong()).isEqualTo(2);
            assertThat(snapshot.get("stored_bytes").asLong()).isPositive();
            assertThat(snapshot.get("created_at").asString()).isEqualTo("2026-05-06T12:29:00Z");
            assertThat(snapshot.get("source").asString()).isEqualTo("inline");
            assertThat(snapshot.get("agent_id").asString()).isEqualTo("agent");
            assertThat(snapshot.get("approval_id").isNull()).isTrue();
            assertThat(snapshot.get("status").asString()).isEqualTo("complete");
            assertThat(snapshot.has("chunks")).isFalse();
        }
    }

    @Test
    void without_a_storage_the_snapshots_are_those_of_the_catalogue() throws Exception {
        Path storage = Files.createDirectory(folder.resolve("storage"));
        SnapshotArchive archive = new SnapshotArchive(new FileObjectStore(storage));
        SnapshotManifest manifest = publish(archive, "public", "users", "snap_1", NOW);
        try (RunningServer server = RunningServer.in(folder)) {
            assertThat(server.get("/metadata/snapshots", OPS).json()).isEmpty();
            server.store.snapshots().add(manifest, "file://" + storage);
            assertThat(texts(server.get("/metadata/snapshots?table=users", OPS), "snapshot_id"))
                    .containsExactly("snap_1");
        }
    }

    private static SnapshotManifest publish(
            SnapshotArchive archive, String schema, String table, String id, Instant createdAt) throws Exception {
        SnapshotDraft draft = archive.begin(schema, table, id);
        TableDescription description = new TableDescription(
                schema,
                table,
                "owner",
                false,
                List.of(),
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty(),
                List.of());
        SnapshotManifest manifest = new SnapshotManifest(
                SnapshotManifest.FORMAT_VERSION,
                id,
                "grp_1",
                schema,
                table,
                List.of(new SnapshotManifest.Column("id", "bigint")),
                SnapshotManifest.Coverage.TABLE,
                2,
                "0".repeat(32),
                "text",
                "UTF8",
                "zstd",
                List.of(draft.putChunk(0, 2, ByteBuffer.wrap(new byte[10]))),
                draft.putDescription(description),
                draft.putScript("CREATE TABLE …;\n"),
                createdAt,
                SnapshotManifest.Source.INLINE,
                Optional.of("00"),
                Optional.empty(),
                Optional.of("agent"),
                "localhost:5432/shop",
                "18.6",
                "0/0",
                "complete");
        draft.publish(manifest);
        return manifest;
    }
}
