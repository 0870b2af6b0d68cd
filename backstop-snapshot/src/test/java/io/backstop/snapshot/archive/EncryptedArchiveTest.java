package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.Verification;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.Sha256;
import io.backstop.snapshot.store.WatchedObjectStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;

import static io.backstop.snapshot.archive.EncryptedSnapshots.DEFINITION;
import static io.backstop.snapshot.archive.EncryptedSnapshots.ROW;
import static io.backstop.snapshot.archive.EncryptedSnapshots.bytes;
import static io.backstop.snapshot.archive.EncryptedSnapshots.copy;
import static io.backstop.snapshot.archive.EncryptedSnapshots.folder;
import static io.backstop.snapshot.archive.EncryptedSnapshots.publish;
import static io.backstop.snapshot.archive.EncryptedSnapshots.readAll;
import static io.backstop.snapshot.archive.EncryptedSnapshots.replace;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a writer and a reader of the storage can do to snapshots that are encrypted under a key that they do not have. */
class EncryptedArchiveTest {
    private static final String MANIFEST = "manifest.json";

    private static final List<String> THREE = List.of("snap_1", "snap_2", "snap_3");

    @TempDir
    Path keys;

    private final ObjectStore store = new MemoryObjectStore();
    private Optional<KeyProvider> key = Optional.empty();

    @BeforeEach
    void make_a_key() throws IOException {
        key = Optional.of(KeyFile.create(keys.resolve("own.key")));
    }

    private SnapshotArchive archive() {
        return new SnapshotArchive(store, key);
    }

    private void assertRefused(String id) {
        assertThatThrownBy(() -> readAll(archive(), id))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessageNotContaining(ROW)
                .hasMessageNotContaining(DEFINITION);
    }

    @Test
    void gives_back_what_was_stored() throws IOException {
        SnapshotManifest manifest = publish(store, key, "snap_1", ROW, "2");
        assertThat(archive().find("snap_1")).isEqualTo(manifest);
        assertThat(archive().isAuthenticated(manifest)).isTrue();
        assertThat(readAll(archive(), "snap_1")).isEqualTo(DEFINITION + "-- " + DEFINITION + ROW + "2");
    }

    @Test
    void gives_back_chunks_of_every_size_around_the_segments() throws IOException {
        for (int size : List.of(0, 1, 65_535, 65_536, 65_537, 131_072, 200_000)) {
            byte[] random = new byte[size];
            new Random(size).nextBytes(random);
            String text = new String(random, StandardCharsets.ISO_8859_1);
            publish(store, key, "snap_s" + size, text);
            assertThat(readAll(archive(), "snap_s" + size)).isEqualTo(DEFINITION + "-- " + DEFINITION + text);
        }
    }

    @Test
    void stores_no_row_and_no_definition_in_clear() throws IOException {
        publish(store, key, "snap_1", ROW);
        for (String name : store.list("")) {
            assertThat(new String(bytes(store, name), StandardCharsets.ISO_8859_1))
                    .as(name)
                    .doesNotContain(ROW, DEFINITION, "ab".repeat(32), "cd".repeat(32));
        }
    }

    @Test
    void never_encrypts_the_same_content_alike() throws IOException {
        publish(store, key, "snap_1", ROW, ROW);
        assertThat(bytes(store, folder("snap_1") + "data-00000.copy.zst"))
                .isNotEqualTo(bytes(store, folder("snap_1") + "data-00001.copy.zst"));
    }

    @Test
    void refuses_a_flipped_byte_anywhere_in_every_object() throws IOException {
        publish(store, key, "snap_1", ROW);
        for (String name : store.list(folder("snap_1"))) {
            byte[] stored = bytes(store, name);
            for (int i = 0; i < stored.length; i++) {
                byte[] changed = stored.clone();
                changed[i] ^= 1;
                replace(store, name, changed);
                assertThatThrownBy(() -> readAll(archive(), "snap_1"))
                        .as("%s, byte %d", name, i)
                        .isInstanceOf(IOException.class);
            }
            replace(store, name, stored);
        }
        assertThat(readAll(archive(), "snap_1")).contains(ROW);
    }

    @Test
    void refuses_chunks_that_were_swapped_cut_doubled_or_come_from_another_snapshot() throws IOException {
        publish(store, key, "snap_1", ROW, "other");
        publish(store, key, "snap_2", ROW, "other");
        String first = folder("snap_1") + "data-00000.copy.zst";
        byte[] own = bytes(store, first);
        List<byte[]> wrong = List.of(
                bytes(store, folder("snap_1") + "data-00001.copy.zst"),
                bytes(store, folder("snap_2") + "data-00000.copy.zst"),
                java.util.Arrays.copyOf(own, own.length - 1),
                java.util.Arrays.copyOf(own, own.length + 1),
                new byte[0]);
        for (byte[] content : wrong) {
            replace(store, first, content);
            assertRefused("snap_1");
            resign(store, "snap_1", node -> fit(node, "data-00000.copy.zst", content));
            assertRefused("snap_1");
        }
    }

    @Test
    void binds_objects_to_their_place_even_where_the_manifest_would_accept_them() throws IOException {
        publish(store, key, "snap_1", ROW, "other");
        SnapshotManifest manifest = archive().find("snap_1");
        byte[] other = bytes(store, folder("snap_1") + "data-00001.copy.zst");
        replace(store, folder("snap_1") + "data-00000.copy.zst", other);
        SnapshotManifest.Chunk moved = new SnapshotManifest.Chunk(
                "data-00000.copy.zst", 1, other.length, manifest.chunks().get(1).sha256());
        assertThatThrownBy(() -> archive().rows(manifest, moved))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessageContaining("is not what was encrypted");
    }

    @Test
    void refuses_a_manifest_of_which_any_field_was_changed() throws IOException {
        publish(store, key, "snap_1", ROW, "other");
        byte[] stored = bytes(store, folder("snap_1") + MANIFEST);
        ObjectNode original = (ObjectNode) SnapshotJson.MAPPER.readTree(stored);
        for (String field : original.propertyNames()) {
            if (field.equals("checksum")) {
                continue;
            }
            replace(store, folder("snap_1") + MANIFEST, stored);
            resign(store, "snap_1", node -> node.set(field, changed(node.get(field))));
            assertThatThrownBy(() -> readAll(archive(), "snap_1")).as(field).isInstanceOf(IOException.class);
            replace(store, folder("snap_1") + MANIFEST, stored);
            resign(store, "snap_1", node -> node.remove(field));
            assertThatThrownBy(() -> readAll(archive(), "snap_1")).as(field).isInstanceOf(IOException.class);
        }
        replace(store, folder("snap_1") + MANIFEST, stored);
        resign(store, "snap_1", node -> node.withArray("chunks").remove(1));
        assertRefused("snap_1");
    }

    private static JsonNode changed(JsonNode value) {
        if (value.isNumber()) {
            return SnapshotJson.MAPPER.getNodeFactory().numberNode(value.asLong() + 1);
        }
        if (value.isString()) {
            return SnapshotJson.MAPPER.getNodeFactory().stringNode(value.asString() + "x");
        }
        if (value.isNull()) {
            return SnapshotJson.MAPPER.getNodeFactory().stringNode("1");
        }
        return SnapshotJson.MAPPER.createArrayNode();
    }

    @Test
    void refuses_a_snapshot_that_is_replayed_under_another_id() throws IOException {
        publish(store, key, "snap_1", ROW);
        copy(store, "snap_1", "snap_9");
        assertRefused("snap_9");
        resign(store, "snap_9", node -> node.put("snapshot_id", "snap_9"));
        assertThatThrownBy(() -> readAll(archive(), "snap_9"))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("is not one that the key");
    }

    @Test
    void refuses_the_manifest_of_another_snapshot_under_this_id() throws IOException {
        publish(store, key, "snap_1", ROW);
        publish(store, key, "snap_2", "other");
        replace(store, folder("snap_1") + MANIFEST, bytes(store, folder("snap_2") + MANIFEST));
        assertRefused("snap_1");
        resign(store, "snap_1", node -> node.put("snapshot_id", "snap_1"));
        assertRefused("snap_1");
    }

    @Test
    void refuses_a_manifest_that_was_given_another_server_or_timeline() throws Exception {
        publish(store, key, "snap_1", ROW);
        byte[] manifest = bytes(store, folder("snap_1") + MANIFEST);
        assertThat(archive().find("snap_1").server()).contains(EncryptedSnapshots.SERVER);
        for (Consumer<ObjectNode> change : List.<Consumer<ObjectNode>>of(
                node -> node.withObject("/server").put("system_identifier", "7300000000000000002"),
                node -> node.withObject("/server").put("timeline", 4),
                node -> node.withObject("/server").putNull("timeline"),
                node -> node.putNull("server"),
                node -> node.remove("server"))) {
            resign(store, "snap_1", change);
            assertRefused("snap_1");
            replace(store, folder("snap_1") + MANIFEST, manifest);
        }
        assertThat(readAll(archive(), "snap_1")).contains(ROW);
    }

    @Test
    void refuses_a_data_key_that_an_attacker_wrapped_and_everything_under_it() throws IOException {
        publish(store, key, "snap_1", ROW);
        KeyProvider hostile = KeyFile.create(keys.resolve("hostile.key"));
        ObjectStore elsewhere = new MemoryObjectStore();
        publish(elsewhere, Optional.of(hostile), "snap_1", "hostile");
        for (String name : elsewhere.list("")) {
            replace(store, name.replace(hostile.id(), key.orElseThrow().id()), bytes(elsewhere, name));
        }
        assertThatThrownBy(() -> readAll(archive(), "snap_1"))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("is not one that the key");
    }

    @Test
    void refuses_an_unencrypted_snapshot_in_place_of_an_encrypted_one() throws IOException {
        publish(store, key, "snap_1", ROW);
        ObjectStore elsewhere = new MemoryObjectStore();
        publish(elsewhere, Optional.empty(), "snap_1", "hostile");
        for (String name : elsewhere.list("")) {
            replace(store, name, bytes(elsewhere, name));
        }
        assertThat(archive().isAuthenticated(archive().find("snap_1"))).isFalse();
        assertThatThrownBy(() -> readAll(archive(), "snap_1"))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("is not authenticated")
                .hasMessageContaining("--accept-unauthenticated");
        assertThat(archive().newest("public", "t", manifest -> true)).isEmpty();
        assertThat(readAll(new SnapshotArchive(store, key, true), "snap_1")).contains("hostile");
    }

    @Test
    void lists_and_verifies_without_the_key_and_gives_nothing_out() throws IOException {
        SnapshotManifest written = publish(store, key, "snap_1", ROW);
        SnapshotArchive without = new SnapshotArchive(store);
        SnapshotManifest manifest = without.find("snap_1");
        assertThat(manifest.columns()).isEmpty();
        assertThat(manifest.rowChecksum()).isEmpty();
        assertThat(manifest.statementSha256()).isEmpty();
        assertThat(manifest.rowCount()).isEqualTo(1);
        without.verify(manifest);
        assertThatThrownBy(() -> without.description(written))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("is encrypted, and no key is given\nHINT: name its key");
    }

    @Test
    void names_the_key_that_a_snapshot_needs_where_another_is_given() throws IOException {
        publish(store, key, "snap_1", ROW);
        KeyProvider another = KeyFile.create(keys.resolve("another.key"));
        assertThatThrownBy(() -> new SnapshotArchive(store, Optional.of(another)).list())
                .isInstanceOf(KeyException.class)
                .hasMessageContaining(
                        "is encrypted under the key " + key.orElseThrow().id())
                .hasMessageContaining("the key given is " + another.id());
    }

    @Test
    void refuses_a_snapshot_whose_wrapped_key_is_gone() throws IOException {
        SnapshotManifest manifest = publish(store, key, "snap_1", ROW);
        store.delete(folder("snap_1") + "wrapped-" + key.orElseThrow().id() + ".key");
        assertRefused("snap_1");
        assertThatThrownBy(() -> archive().verify(manifest, Verification.STORE_CHECKSUM))
                .isInstanceOf(CorruptSnapshotException.class);
    }

    /** As a writer without the key can: with a checksum that fits. */
    private static void resign(ObjectStore store, String id, Consumer<ObjectNode> change) throws IOException {
        ObjectNode node = (ObjectNode) SnapshotJson.MAPPER.readTree(bytes(store, folder(id) + MANIFEST));
        node.remove("checksum");
        change.accept(node);
        node.put("checksum", Sha256.hex(SnapshotJson.MAPPER.writeValueAsBytes(node)));
        replace(store, folder(id) + MANIFEST, SnapshotJson.MAPPER.writeValueAsBytes(node));
    }

    private static void fit(ObjectNode manifest, String name, byte[] content) {
        for (JsonNode chunk : manifest.withArray("chunks")) {
            if (chunk.get("name").asString().equals(name)) {
                ((ObjectNode) chunk).put("bytes", content.length).put("sha256", Sha256.hex(content));
            }
        }
    }

    /** Both keys are there, as a rotation leaves it that was stopped before it removed the first: one goes on, one back. */
    @Test
    void rotations_in_opposite_directions_leave_every_data_key() throws IOException {
        KeyProvider own = key.orElseThrow();
        KeyProvider other = KeyFile.create(keys.resolve("other.key"));
        WatchedObjectStore whole = new WatchedObjectStore(rotatedHalf(own, other), -1, () -> {});
        new WrappedKeys(whole).rotate(own, other);
        for (int call = 1; call <= whole.calls(); call++) {
            ObjectStore both = rotatedHalf(own, other);
            WatchedObjectStore watched =
                    new WatchedObjectStore(both, call, () -> new WrappedKeys(both).rotate(other, own));
            try {
                new WrappedKeys(watched).rotate(own, other);
            } catch (KeyException e) {
                assertThat(e.hint()).as("the other one was quicker").isNotEmpty();
            }
            for (String id : THREE) {
                assertThat(isReadable(both, id, own) || isReadable(both, id, other))
                        .as(id + " at call " + call)
                        .isTrue();
            }
        }
        assertThat(whole.calls()).isGreaterThan(10);
    }

    /** Stopped at its first removal, which comes last, once for each snapshot. */
    private ObjectStore rotatedHalf(KeyProvider own, KeyProvider other) throws IOException {
        ObjectStore half = new MemoryObjectStore();
        ObjectStore trial = new MemoryObjectStore();
        for (String id : THREE) {
            publish(half, key, id, ROW);
            publish(trial, key, id, ROW);
        }
        WatchedObjectStore counted = new WatchedObjectStore(trial, -1, () -> {});
        new WrappedKeys(counted).rotate(own, other);
        int first = counted.calls() - THREE.size() + 1;
        WatchedObjectStore stopping = new WatchedObjectStore(half, first, () -> {
            throw new IOException("stopped");
        });
        assertThatThrownBy(() -> new WrappedKeys(stopping).rotate(own, other)).hasMessage("stopped");
        return half;
    }

    private static boolean isReadable(ObjectStore store, String id, KeyProvider key) {
        try {
            SnapshotArchive archive = new SnapshotArchive(store, Optional.of(key));
            readAll(archive, id);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
