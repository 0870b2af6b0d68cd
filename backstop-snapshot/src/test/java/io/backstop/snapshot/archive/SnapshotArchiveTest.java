package io.backstop.snapshot.archive;

import com.github.luben.zstd.Zstd;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.Verification;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.Sha256;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SnapshotArchiveTest {
    private static final TableDescription DESCRIPTION = new TableDescription(
            "public",
            "a.b",
            "owner",
            false,
            List.of("fillfactor=70"),
            Optional.of("a comment"),
            List.of(new TableDescription.Column(
                    "id",
                    "bigint",
                    Optional.empty(),
                    true,
                    Optional.empty(),
                    TableDescription.Generated.IDENTITY_ALWAYS,
                    TableDescription.ColumnSettings.DEFAULT,
                    Optional.empty())),
            List.of(),
            List.of(new TableDescription.Constraint(
                    "fk",
                    TableDescription.ConstraintKind.FOREIGN_KEY,
                    List.of("id"),
                    "FOREIGN KEY (id) REFERENCES " + TableDescription.Constraint.SELF + "(id)",
                    true,
                    false,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of(new TableDescription.ForeignKey(
                            "public",
                            "a.b",
                            List.of("id"),
                            true,
                            TableDescription.MatchType.SIMPLE,
                            TableDescription.ReferentialAction.NO_ACTION,
                            TableDescription.ReferentialAction.NO_ACTION,
                            List.of(),
                            false,
                            false)))),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            List.of());

    @TempDir
    Path folder;

    private ObjectStore store() {
        return new FileObjectStore(folder);
    }

    @Test
    void gives_back_what_was_stored() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "a.b", "snap_1", 0, "1\n2\n", "3\n");
        assertThat(archive.list()).containsExactly(manifest);
        assertThat(archive.list("public", "a.b")).containsExactly(manifest);
        assertThat(archive.find("snap_1")).isEqualTo(manifest);
        assertThat(archive.contents().broken()).isEmpty();
        archive.verify(manifest);
        assertThat(archive.description(manifest)).isEqualTo(DESCRIPTION);
        assertThat(new String(archive.script(manifest), StandardCharsets.UTF_8)).isEqualTo("CREATE TABLE …;\n");
        assertThat(text(archive, manifest, 0)).isEqualTo("1\n2\n");
        assertThat(text(archive, manifest, 1)).isEqualTo("3\n");
    }

    @Test
    void lists_the_newest_first_and_each_table_by_itself() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest old = publish(archive, "public", "t", "snap_2", 10);
        SnapshotManifest young = publish(archive, "public", "t", "snap_1", 20);
        SnapshotManifest other = publish(archive, "public", "tt", "snap_3", 15);
        assertThat(archive.list()).containsExactly(young, other, old);
        assertThat(archive.list("public", "t")).containsExactly(young, old);
        assertThat(archive.list("public", "nothing")).isEmpty();
    }

    @Test
    void tells_apart_names_that_look_alike_in_a_path() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        List<List<String>> names = List.of(
                List.of("a.b", "c"),
                List.of("a", "b.c"),
                List.of("..", ".."),
                List.of("a/b", "../../etc/passwd"),
                List.of("new\nline", "日本語"),
                List.of("a%2Eb", "c"),
                List.of("界".repeat(21), "界".repeat(21)),
                List.of("界".repeat(21), "界".repeat(20) + "x"));
        for (int i = 0; i < names.size(); i++) {
            publish(archive, names.get(i).get(0), names.get(i).get(1), "snap_" + i, i);
        }
        for (int i = 0; i < names.size(); i++) {
            assertThat(archive.list(names.get(i).get(0), names.get(i).get(1)))
                    .extracting(SnapshotManifest::snapshotId)
                    .containsExactly("snap_" + i);
        }
        assertThat(archive.list()).hasSize(names.size());
        assertThat(archive.contents().broken()).isEmpty();
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("snapshots"));
        }
    }

    @Test
    void writes_the_keys_of_the_format() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        publish(archive, "public", "t", "snap_1", 0, "1\n");
        var json = SnapshotJson.MAPPER.readTree(
                Files.readString(folder.resolve("snapshots/public.t/snap_1/manifest.json")));
        assertThat(json.propertyNames())
                .containsExactlyInAnyOrder(
                        "format_version",
                        "snapshot_id",
                        "group_id",
                        "schema",
                        "table",
                        "columns",
                        "coverage",
                        "row_count",
                        "row_checksum",
                        "copy_format",
                        "encoding",
                        "compression",
                        "chunks",
                        "schema_object",
                        "schema_sql",
                        "created_at",
                        "source",
                        "statement_sha256",
                        "approval_id",
                        "agent_id",
                        "database",
                        "server_version",
                        "lsn",
                        "status",
                        "identity",
                        "operation",
                        "transaction_id",
                        "rows_transaction_id",
                        "server",
                        "checksum");
        assertThat(json.get("columns").get(0).propertyNames()).containsExactlyInAnyOrder("name", "type", "number");
        assertThat(json.get("chunks").get(0).propertyNames())
                .containsExactlyInAnyOrder("name", "rows", "bytes", "sha256");
        assertThat(json.get("source").asString()).isEqualTo("inline");
        assertThat(json.get("created_at").asString()).isEqualTo("1970-01-01T00:00:00Z");
    }

    @Test
    void a_manifest_from_before_tables_and_servers_had_an_identity_is_read() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0, "1\n");
        Path file = folder.resolve("snapshots/public.t/snap_1/manifest.json");
        ObjectNode json = (ObjectNode) SnapshotJson.MAPPER.readTree(Files.readString(file));
        json.remove(List.of("identity", "transaction_id", "rows_transaction_id", "server", "checksum"));
        json.get("columns").forEach(column -> ((ObjectNode) column).remove("number"));
        json.put("checksum", Sha256.hex(SnapshotJson.MAPPER.writeValueAsBytes(json)));
        Files.writeString(file, json.toString());
        assertThat(archive.list()).containsExactly(manifest);
        assertThat(manifest.identity()).isEmpty();
        assertThat(manifest.server()).isEmpty();
    }

    @Test
    void a_manifest_whose_server_cannot_be_one_is_none() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        publish(archive, "public", "t", "snap_1", 0, "1\n");
        Path file = folder.resolve("snapshots/public.t/snap_1/manifest.json");
        ObjectNode json = (ObjectNode) SnapshotJson.MAPPER.readTree(Files.readString(file));
        json.remove("checksum");
        json.putObject("server").put("system_identifier", "1'; DROP").put("timeline", 1);
        json.put("checksum", Sha256.hex(SnapshotJson.MAPPER.writeValueAsBytes(json)));
        Files.writeString(file, json.toString());
        assertThat(archive.list()).isEmpty();
        assertThat(archive.contents().broken())
                .singleElement()
                .asString()
                .contains("names a server that cannot be one of PostgreSQL's");
    }

    @Test
    void a_snapshot_without_a_manifest_does_not_exist() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        archive.begin("public", "t", "snap_1").putDescription(DESCRIPTION);
        assertThat(archive.list()).isEmpty();
        assertThat(archive.contents().broken()).isEmpty();
        assertThatThrownBy(() -> archive.find("snap_1"))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("snap_1");
    }

    @Test
    void a_manifest_is_never_overwritten() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0);
        assertThatThrownBy(() -> archive.begin("public", "t", "snap_1").publish(manifest))
                .isInstanceOf(FileAlreadyExistsException.class);
    }

    @Test
    void every_flipped_bit_of_a_manifest_is_found() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0, "1\n");
        Path file = folder.resolve("snapshots/public.t/snap_1/manifest.json");
        byte[] good = Files.readAllBytes(file);
        for (int bit = 0; bit < good.length * 8; bit++) {
            Files.write(file, flipped(good, bit));
            assertThat(archive.list()).as("bit %s", bit).isEmpty();
            assertThat(archive.contents().broken())
                    .as("bit %s", bit)
                    .singleElement()
                    .asString()
                    .contains("snap_1");
        }
        Files.write(file, good);
        archive.verify(manifest);
    }

    @Test
    void a_flipped_bit_of_any_object_is_found_before_a_row_is_handed_out() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0, "1\n2\n", "3\n");
        for (String name : List.of("schema.json", "schema.sql", "data-00000.copy.zst", "data-00001.copy.zst")) {
            Path file = folder.resolve("snapshots/public.t/snap_1/" + name);
            byte[] good = Files.readAllBytes(file);
            Files.write(file, flipped(good, good.length * 4));
            assertThatThrownBy(() -> archive.verify(manifest))
                    .isInstanceOf(CorruptSnapshotException.class)
                    .hasMessage("the object " + name + " of snap_1 does not match its SHA-256");
            Files.write(file, good);
        }
        Files.write(folder.resolve("snapshots/public.t/snap_1/data-00001.copy.zst"), new byte[] {1});
        assertThatThrownBy(() -> archive.rows(manifest, manifest.chunks().get(1)))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessageStartingWith("the object data-00001.copy.zst of snap_1 has 1 bytes instead of ");
        assertThat(text(archive, manifest, 0)).isEqualTo("1\n2\n");
    }

    @Test
    void an_object_that_is_missing_or_too_long_is_found() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0, "1\n");
        Path chunk = folder.resolve("snapshots/public.t/snap_1/data-00000.copy.zst");
        byte[] good = Files.readAllBytes(chunk);
        Files.delete(chunk);
        assertThatThrownBy(() -> archive.verify(manifest))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessage("the object data-00000.copy.zst of snap_1 is missing");
        Files.write(chunk, java.util.Arrays.copyOf(good, good.length + 1));
        assertThatThrownBy(() -> archive.rows(manifest, manifest.chunks().get(0)))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessage("the object data-00000.copy.zst of snap_1 is longer than " + good.length + " bytes");
        Files.write(chunk, good); // objects are read several at a time: one fault, one message
        Files.delete(folder.resolve("snapshots/public.t/snap_1/manifest.json"));
        assertThatThrownBy(() -> archive.verify(manifest))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessageEndingWith("is missing");
    }

    @Test
    void another_format_version_is_refused() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        publish(archive, "public", "t", "snap_1", 0);
        Path file = folder.resolve("snapshots/public.t/snap_1/manifest.json");
        Files.writeString(file, Files.readString(file).replace("\"format_version\" : 2", "\"format_version\" : 4"));
        assertThatThrownBy(() -> archive.find("snap_1"))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessage(
                        "the manifest snapshots/public.t/snap_1/manifest.json has format version 4, this version of "
                                + "Backstop reads the versions 2 and 3");
    }

    @Test
    void a_manifest_under_another_table_is_refused() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        publish(archive, "public", "t", "snap_1", 0);
        Files.createDirectories(folder.resolve("snapshots/public.other"));
        Files.move(folder.resolve("snapshots/public.t/snap_1"), folder.resolve("snapshots/public.other/snap_1"));
        assertThat(archive.list()).isEmpty();
        assertThat(archive.contents().broken())
                .containsExactly("the manifest snapshots/public.other/snap_1/manifest.json belongs to "
                        + "snapshots/public.t/snap_1/");
    }

    @Test
    void a_copy_under_another_table_does_not_hide_the_snapshot_in_its_own_place() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0);
        for (String other : List.of("public.a", "public.z")) {
            Path copy = Files.createDirectories(folder.resolve("snapshots/" + other + "/snap_1"));
            Files.copy(folder.resolve("snapshots/public.t/snap_1/manifest.json"), copy.resolve("manifest.json"));
        }
        assertThat(archive.find("snap_1")).isEqualTo(manifest);
        Files.delete(folder.resolve("snapshots/public.t/snap_1/manifest.json"));
        assertThatThrownBy(() -> archive.find("snap_1"))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessageEndingWith("/snap_1/manifest.json belongs to snapshots/public.t/snap_1/");
    }

    /** A file system that folds the case of names has one folder of both, and none of them is a copy. */
    @Test
    void a_copy_whose_name_differs_in_case_is_no_second_snapshot() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0);
        Path copy = Files.createDirectories(folder.resolve("snapshots/PUBLIC.T/snap_1"));
        Files.copy(folder.resolve("snapshots/public.t/snap_1/manifest.json"), copy.resolve("manifest.json"));
        assertThat(archive.contents().valid()).containsExactly(manifest);
        assertThat(archive.contents().broken())
                .containsExactly("the manifest snapshots/PUBLIC.T/snap_1/manifest.json is a copy of the one in"
                        + " snapshots/public.t/snap_1/");
        Files.delete(folder.resolve("snapshots/public.t/snap_1/manifest.json"));
        assertThat(archive.contents().valid()).containsExactly(manifest);
    }

    @Test
    void a_crafted_name_does_not_lead_out_of_the_snapshot() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0, "1\n");
        var chunk = new SnapshotManifest.Chunk("../snap_2/data-00000.copy.zst", 1, 1, "00");
        assertThatThrownBy(() -> archive.rows(manifest, chunk)).isInstanceOf(CorruptSnapshotException.class);
    }

    @Test
    void a_manifest_that_was_made_in_bad_faith_is_refused_though_its_checksum_is_right() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        publish(archive, "public", "t", "snap_1", 0, "1\n", "2\n");
        Path file = folder.resolve("snapshots/public.t/snap_1/manifest.json");
        String good = Files.readString(file);
        String elsewhere = " names an object that cannot be one of its own";
        for (String name : List.of(
                "../snap_2/data-00000.copy.zst",
                "/etc/passwd",
                "a\nb",
                "manifest.json",
                "data-00001.copy.zst",
                "..",
                "")) {
            assertForged(archive, file, good, manifest -> chunk(manifest).put("name", name), elsewhere);
        }
        assertForged(archive, file, good, m -> object(m, "schema_sql").put("name", "schema.json"), elsewhere);
        assertForged(archive, file, good, m -> object(m, "schema_object").put("name", "../x"), elsewhere);
        String impossible = " gives the object data-00000.copy.zst a size or a SHA-256 that cannot be";
        assertForged(archive, file, good, m -> chunk(m).put("bytes", -1), impossible);
        assertForged(archive, file, good, m -> chunk(m).put("sha256", "0".repeat(63)), impossible);
        assertForged(archive, file, good, m -> chunk(m).put("rows", -1), " counts less than no rows");
        assertForged(archive, file, good, m -> m.put("row_count", 3), " counts 3 rows, its chunks hold 2");
        assertThat(good).as("versions that do not know the word read it").doesNotContain("continued");
        assertForged(archive, file, good, m -> lastChunk(m).put("continued", true), " ends within a row");
        assertForged(archive, file, good, m -> lastChunk(m).putNull("continued"), " cannot be read as a manifest: ");
        assertForged(
                archive, file, good, m -> m.put("table", "../x"), " belongs to snapshots/public.%2E%2E%2Fx/snap_1/");
        assertForged(
                archive, file, good, m -> m.put("snapshot_id", "snap_1\n"), " belongs to snapshots/public.t/snap_1\n/");
        assertForged(archive, file, good, m -> m.putNull("table"), " cannot be read as a manifest: ");
        assertForged(archive, file, good, m -> m.put("more", 1), " cannot be read as a manifest: ");
    }

    private static ObjectNode chunk(ObjectNode manifest) {
        return (ObjectNode) manifest.get("chunks").get(0);
    }

    private static ObjectNode lastChunk(ObjectNode manifest) {
        return (ObjectNode) manifest.get("chunks").get(manifest.get("chunks").size() - 1);
    }

    private static ObjectNode object(ObjectNode manifest, String name) {
        return (ObjectNode) manifest.get(name);
    }

    private static void assertForged(
            SnapshotArchive archive, Path file, String good, Consumer<ObjectNode> change, String message)
            throws IOException {
        ObjectNode manifest = (ObjectNode) SnapshotJson.MAPPER.readTree(good);
        manifest.remove("checksum");
        change.accept(manifest);
        manifest.put("checksum", Sha256.hex(SnapshotJson.MAPPER.writeValueAsBytes(manifest)));
        Files.write(file, SnapshotJson.MAPPER.writeValueAsBytes(manifest));
        assertThat(archive.list()).isEmpty();
        assertThat(archive.contents().broken())
                .singleElement()
                .asString()
                .startsWith("the manifest snapshots/public.t/snap_1/manifest.json" + message);
        assertThatThrownBy(() -> archive.find("snap_1")).isInstanceOf(CorruptSnapshotException.class);
    }

    @Test
    void a_manifest_longer_than_any_is_not_read_into_memory() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        Path file = folder.resolve("snapshots/public.t/snap_1/manifest.json");
        Files.createDirectories(folder.resolve("snapshots/public.t/snap_1"));
        try (var large = new RandomAccessFile(file.toFile(), "rw")) {
            large.setLength(1L << 40);
        }
        assertThat(archive.contents().broken())
                .containsExactly(
                        "the manifest snapshots/public.t/snap_1/manifest.json is longer than the 67108864 bytes "
                                + "that one can have");
    }

    @Test
    void a_manifest_that_may_not_be_read_is_told_and_leaves_the_others_usable() throws IOException {
        publish(new SnapshotArchive(store()), "public", "t", "snap_1", 0);
        SnapshotManifest other = publish(new SnapshotArchive(store()), "public", "u", "snap_2", 0);
        SnapshotArchive archive = new SnapshotArchive(new DenyingStore(store(), "/snap_1/manifest.json"));
        assertThat(archive.list()).containsExactly(other);
        assertThat(archive.find("snap_2")).isEqualTo(other);
        String problem = "the manifest snapshots/public.t/snap_1/manifest.json cannot be read: permission denied on "
                + "snapshots/public.t/snap_1/manifest.json";
        assertThat(archive.contents().broken()).containsExactly(problem);
        assertThatThrownBy(() -> archive.find("snap_1"))
                .isInstanceOf(IOException.class)
                .hasMessage(problem);
        assertThatThrownBy(() -> archive.list("public", "t"))
                .as("no snapshot of this table can be read, which is not the same as that there is none")
                .isInstanceOf(IOException.class)
                .hasMessage(problem);
    }

    @Test
    void a_store_that_lists_and_lets_nothing_be_read_is_not_an_empty_one() throws IOException {
        publish(new SnapshotArchive(store()), "public", "t", "snap_1", 0);
        SnapshotArchive archive = new SnapshotArchive(new DenyingStore(store(), "manifest.json"));
        assertThatThrownBy(archive::list)
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("the manifest snapshots/public.t/snap_1/manifest.json cannot be read: ");
        assertThatThrownBy(archive::contents).isInstanceOf(IOException.class);
    }

    @Test
    void an_object_that_may_not_be_read_is_named_with_its_snapshot() throws IOException {
        SnapshotManifest manifest = publish(new SnapshotArchive(store()), "public", "t", "snap_1", 0, "1\n");
        for (String name : List.of("schema.json", "schema.sql", "data-00000.copy.zst")) {
            SnapshotArchive archive = new SnapshotArchive(new DenyingStore(store(), "/" + name));
            assertThatThrownBy(() -> archive.verify(manifest))
                    .isInstanceOf(IOException.class)
                    .hasMessage("the object " + name + " of snap_1 cannot be read: permission denied on "
                            + "snapshots/public.t/snap_1/" + name);
        }
    }

    @Test
    void a_store_without_checksums_is_read_where_they_would_be_enough() throws IOException {
        SnapshotArchive archive = new SnapshotArchive(store());
        SnapshotManifest manifest = publish(archive, "public", "t", "snap_1", 0, "1\n");
        archive.verify(manifest, Verification.STORE_CHECKSUM);
        Path file = folder.resolve("snapshots/public.t/snap_1/data-00000.copy.zst");
        Files.write(file, flipped(Files.readAllBytes(file), 9));
        assertThatThrownBy(() -> archive.verify(manifest, Verification.STORE_CHECKSUM))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessage("the object data-00000.copy.zst of snap_1 does not match its SHA-256");
        Files.delete(file);
        assertThatThrownBy(() -> archive.verify(manifest, Verification.STORE_CHECKSUM))
                .isInstanceOf(CorruptSnapshotException.class)
                .hasMessage("the object data-00000.copy.zst of snap_1 is missing");
    }

    private static byte[] flipped(byte[] good, int bit) {
        byte[] bad = good.clone();
        bad[bit / 8] ^= (byte) (1 << (bit % 8));
        return bad;
    }

    private static String text(SnapshotArchive archive, SnapshotManifest manifest, int chunk) throws IOException {
        try (InputStream rows = archive.rows(manifest, manifest.chunks().get(chunk))) {
            return new String(rows.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static SnapshotManifest publish(
            SnapshotArchive archive, String schema, String table, String id, long second, String... chunks)
            throws IOException {
        SnapshotDraft draft = archive.begin(schema, table, id);
        var stored = new java.util.ArrayList<SnapshotManifest.Chunk>();
        long rows = 0;
        for (String chunk : chunks) {
            long count = chunk.lines().count();
            rows += count;
            byte[] compressed = Zstd.compress(chunk.getBytes(StandardCharsets.UTF_8), 1);
            stored.add(draft.putChunk(stored.size(), count, ByteBuffer.wrap(compressed)));
        }
        SnapshotManifest manifest = new SnapshotManifest(
                SnapshotManifest.FORMAT_VERSION,
                id,
                "grp_1",
                schema,
                table,
                List.of(new SnapshotManifest.Column("id", "bigint")),
                SnapshotManifest.Coverage.TABLE,
                rows,
                "0".repeat(32),
                "text",
                "UTF8",
                "zstd",
                stored,
                draft.putDescription(DESCRIPTION),
                draft.putScript("CREATE TABLE …;\n"),
                Instant.ofEpochSecond(second),
                SnapshotManifest.Source.INLINE,
                Optional.of("00"),
                Optional.empty(),
                Optional.of("agent"),
                "localhost:5432/db",
                "18.6",
                "0/0",
                "complete");
        draft.publish(manifest);
        return manifest;
    }

    /** Lists what it has, and lets some of it not be read. */
    private record DenyingStore(ObjectStore store, String ending) implements ObjectStore {
        @Override
        public InputStream open(String name) throws IOException {
            if (name.endsWith(ending)) {
                throw new AccessDeniedException(name);
            }
            return store.open(name);
        }

        @Override
        public List<ObjectEntry> entries(String prefix) throws IOException {
            return store.entries(prefix);
        }

        @Override
        public void put(String name, ByteBuffer content) throws IOException {
            store.put(name, content);
        }

        @Override
        public void putNew(String name, ByteBuffer content) throws IOException {
            store.putNew(name, content);
        }

        @Override
        public void delete(String name) throws IOException {
            store.delete(name);
        }

        @Override
        public String address() {
            return store.address();
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
