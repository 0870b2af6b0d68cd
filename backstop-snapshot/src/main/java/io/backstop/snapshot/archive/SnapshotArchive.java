package io.backstop.snapshot.archive;

import com.github.luben.zstd.ZstdInputStream;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.ObjectStore;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * The snapshots in a store. Trusts nothing that it reads: what is not exactly what was stored fails with {@link
 * CorruptSnapshotException}. Thread-safe. Does not close the store.
 */
public final class SnapshotArchive {
    static final Comparator<SnapshotManifest> NEWEST_FIRST = Comparator.comparing(SnapshotManifest::createdAt)
            .thenComparing(SnapshotManifest::snapshotId)
            .reversed();

    private final ObjectStore store;

    public SnapshotArchive(ObjectStore store) {
        this.store = store;
    }

    /** The snapshots whose manifest is valid, newest first. Their objects are not looked at. */
    public List<SnapshotManifest> list() throws IOException {
        return list(SnapshotFolder.ROOT);
    }

    /** The snapshots of one table whose manifest is valid, newest first. */
    public List<SnapshotManifest> list(String schema, String table) throws IOException {
        return list(SnapshotFolder.of(schema, table));
    }

    private List<SnapshotManifest> list(String prefix) throws IOException {
        List<SnapshotManifest> manifests = new ArrayList<>();
        for (String name : manifestNames(prefix)) {
            try {
                manifests.add(manifest(name));
            } catch (CorruptSnapshotException e) {
                // Told by broken().
            }
        }
        return manifests.stream().sorted(NEWEST_FIRST).toList();
    }

    /** What is wrong with the manifests that are not valid: one sentence for each, with the object's name in it. */
    public List<String> broken() throws IOException {
        List<String> problems = new ArrayList<>();
        for (String name : manifestNames(SnapshotFolder.ROOT)) {
            try {
                manifest(name);
            } catch (CorruptSnapshotException e) {
                problems.add(String.valueOf(e.getMessage()));
            }
        }
        return List.copyOf(problems);
    }

    /**
     * Finds a snapshot by its id.
     *
     * @throws NoSuchFileException where there is none
     * @throws CorruptSnapshotException where its manifest is not valid
     */
    public SnapshotManifest find(String snapshotId) throws IOException {
        for (String name : manifestNames(SnapshotFolder.ROOT)) {
            if (name.endsWith("/" + snapshotId + "/" + ManifestFormat.NAME)) {
                return manifest(name);
            }
        }
        throw new NoSuchFileException(
                snapshotId, null, "there is no snapshot of this id with a manifest in " + store.address());
    }

    /** Reads every object of the snapshot to its end and compares it with the manifest: presence, size and SHA-256. */
    public void verify(SnapshotManifest manifest) throws IOException {
        SnapshotManifest stored = manifest(folder(manifest) + ManifestFormat.NAME);
        if (!stored.equals(manifest)) {
            throw new CorruptSnapshotException("the stored manifest of " + manifest.snapshotId() + " is another one");
        }
        object(manifest, manifest.schemaObject()).verify();
        object(manifest, manifest.schemaSql()).verify();
        for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
            object(manifest, chunk).verify();
        }
    }

    /** What the table was apart from its rows. */
    public TableDescription description(SnapshotManifest manifest) throws IOException {
        SnapshotObject object = object(manifest, manifest.schemaObject());
        return DescriptionFormat.read(object.read(), object.toString());
    }

    /** The script that makes the table again, as it was stored. */
    public byte[] script(SnapshotManifest manifest) throws IOException {
        return object(manifest, manifest.schemaSql()).read();
    }

    /**
     * The rows of a chunk as a whole COPY stream in the snapshot's {@link CopyFormat}, decompressed. The stored bytes were all read and their checksum found right when
     * this returns; it holds them (at most some 16 MB, more where a single row is larger) until the stream is closed.
     */
    public InputStream rows(SnapshotManifest manifest, SnapshotManifest.Chunk chunk) throws IOException {
        return new ZstdInputStream(
                new ByteArrayInputStream(object(manifest, chunk).read()));
    }

    /** Begins to write a snapshot. */
    public SnapshotDraft begin(String schema, String table, String snapshotId) {
        return new SnapshotDraft(store, SnapshotFolder.of(schema, table), snapshotId);
    }

    /** Where a snapshot lies in the store, for messages. */
    public String locate(SnapshotManifest manifest) {
        return store.address() + " " + folder(manifest);
    }

    private static String folder(SnapshotManifest manifest) {
        return SnapshotFolder.of(manifest.schema(), manifest.table()) + manifest.snapshotId() + "/";
    }

    private SnapshotObject object(SnapshotManifest manifest, SnapshotManifest.StoredObject object)
            throws CorruptSnapshotException {
        if (!SnapshotObjects.isName(object.name())) {
            throw new CorruptSnapshotException(
                    "the manifest of " + manifest.snapshotId() + " names an object that cannot be one of its own");
        }
        return new SnapshotObject(store, folder(manifest), manifest.snapshotId(), object);
    }

    private SnapshotObject object(SnapshotManifest manifest, SnapshotManifest.Chunk chunk)
            throws CorruptSnapshotException {
        return object(manifest, new SnapshotManifest.StoredObject(chunk.name(), chunk.bytes(), chunk.sha256()));
    }

    private List<String> manifestNames(String prefix) throws IOException {
        return store.list(prefix).stream()
                .filter(name -> name.endsWith("/" + ManifestFormat.NAME))
                .toList();
    }

    SnapshotManifest manifest(String name) throws IOException {
        byte[] content;
        try (InputStream stream = store.open(name)) {
            content = stream.readAllBytes();
        } catch (NoSuchFileException e) {
            throw new CorruptSnapshotException("the manifest " + name + " is missing", e);
        }
        SnapshotManifest manifest = ManifestFormat.read(content, "the manifest " + name);
        // A manifest that was moved is valid by its checksum, but its objects are elsewhere. Case: some file systems
        // fold it.
        if (!name.toLowerCase(Locale.ROOT).equals((folder(manifest) + ManifestFormat.NAME).toLowerCase(Locale.ROOT))) {
            throw new CorruptSnapshotException("the manifest " + name + " belongs to " + folder(manifest));
        }
        return manifest;
    }
}
