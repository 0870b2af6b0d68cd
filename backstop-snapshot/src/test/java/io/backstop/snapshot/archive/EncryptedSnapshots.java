package io.backstop.snapshot.archive;

import com.github.luben.zstd.Zstd;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.ObjectStore;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Writes small snapshots with or without a key, and does to a store what somebody could who can write it. */
final class EncryptedSnapshots {
    static final String ROW = "row-that-must-not-be-seen";
    static final String DEFINITION = "definition_that_must_not_be_seen";

    private EncryptedSnapshots() {}

    static String folder(String id) {
        return "snapshots/public.t/" + id + "/";
    }

    static final ServerIdentity SERVER = new ServerIdentity("7300000000000000001", Optional.of(3L));

    static SnapshotManifest publish(ObjectStore store, Optional<KeyProvider> key, String id, String... chunks)
            throws IOException {
        SnapshotDraft draft = new SnapshotArchive(store, key).begin("public", "t", id);
        List<SnapshotManifest.Chunk> stored = new ArrayList<>();
        for (String chunk : chunks) {
            stored.add(draft.putChunk(
                    stored.size(), 1, ByteBuffer.wrap(Zstd.compress(chunk.getBytes(StandardCharsets.UTF_8)))));
        }
        SnapshotManifest manifest = new SnapshotManifest(
                draft.formatVersion(),
                id,
                "grp_0000000000000001",
                "public",
                "t",
                List.of(new SnapshotManifest.Column(DEFINITION, "text", Optional.of(1))),
                SnapshotManifest.Coverage.TABLE,
                chunks.length,
                "ab".repeat(32),
                "text",
                "UTF8",
                "zstd",
                stored,
                draft.putDescription(description()),
                draft.putScript("-- " + DEFINITION),
                Instant.parse("2026-01-01T00:00:00Z"),
                SnapshotManifest.Source.MANUAL,
                Optional.of("cd".repeat(32)),
                Optional.of("appr_1"),
                Optional.of("agent"),
                "localhost:5432/test",
                "18",
                "0/0",
                "complete",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(SERVER));
        draft.publish(manifest);
        return manifest;
    }

    private static TableDescription description() {
        return new TableDescription(
                "public",
                "t",
                "owner",
                false,
                List.of(),
                Optional.of(DEFINITION),
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
    }

    /** Everything that a restore reads, in its order. */
    static String readAll(SnapshotArchive archive, String id) throws IOException {
        SnapshotManifest manifest = archive.find(id);
        archive.verify(manifest);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(archive.description(manifest).comment().orElse("").getBytes(StandardCharsets.UTF_8));
        all.writeBytes(archive.script(manifest));
        for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
            try (InputStream rows = archive.rows(manifest, chunk)) {
                rows.transferTo(all);
            }
        }
        return all.toString(StandardCharsets.UTF_8);
    }

    static byte[] bytes(ObjectStore store, String name) throws IOException {
        try (InputStream stream = store.open(name)) {
            return stream.readAllBytes();
        }
    }

    static void replace(ObjectStore store, String name, byte[] content) throws IOException {
        store.put(name, ByteBuffer.wrap(content));
    }

    /** All objects of one snapshot under the id of another, its manifest changed as far as that goes without a key. */
    static void copy(ObjectStore store, String from, String to) throws IOException {
        for (String name : List.copyOf(store.list(folder(from)))) {
            replace(store, folder(to) + name.substring(folder(from).length()), bytes(store, name));
        }
    }
}
