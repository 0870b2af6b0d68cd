package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.StoredObject;
import io.backstop.snapshot.key.DataKey;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.ContentHash;
import io.backstop.snapshot.store.InDoubtException;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * A snapshot while it is written: its objects first, its manifest last. Until {@link #publish} has returned, it does
 * not exist for any reader. Thread-safe if its store is.
 */
public final class SnapshotDraft {
    private final ObjectStore store;
    private final String folder;
    private final String snapshotId;

    /** Begun before they are stored: a failed put may have stored its object all the same. */
    private final ConcurrentLinkedDeque<String> names = new ConcurrentLinkedDeque<>();

    private volatile boolean manifestInDoubt;

    private final Optional<Encryption> encryption;

    /** @param key wraps the snapshot's data key; without it nothing is encrypted */
    SnapshotDraft(ObjectStore store, String folder, String snapshotId, Optional<KeyProvider> key) {
        this.store = store;
        this.folder = folder;
        this.snapshotId = snapshotId;
        this.encryption = key.map(provider -> new Encryption(provider, DataKey.generate()));
    }

    /** What its manifest has to give as its format version. */
    public int formatVersion() {
        return encryption.isPresent() ? SnapshotManifest.ENCRYPTED_FORMAT_VERSION : SnapshotManifest.FORMAT_VERSION;
    }

    public String snapshotId() {
        return snapshotId;
    }

    /** Stores the rows' next object and tells what the manifest has to say about it. The content may be written over. */
    public SnapshotManifest.Chunk putChunk(int number, long rows, ByteBuffer content) throws IOException {
        StoredObject stored = put(SnapshotObjectNames.chunk(number), content);
        return new SnapshotManifest.Chunk(stored.name(), rows, stored.bytes(), stored.sha256());
    }

    public StoredObject putDescription(TableDescription description) throws IOException {
        return put(SnapshotObjectNames.SCHEMA_JSON, ByteBuffer.wrap(DescriptionFormat.write(description)));
    }

    public StoredObject putScript(String sql) throws IOException {
        return put(SnapshotObjectNames.SCHEMA_SQL, ByteBuffer.wrap(sql.getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Removes what was stored, the manifest before all else, so that what is left, if it fails, is no snapshot. What the store
     * keeps locked stays for a prune: a published snapshot whole, with a mark beside it by which it counts as removed. A
     * manifest that may yet appear keeps its objects. An interrupted thread removes too; its interruption stays.
     */
    public void discard() throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            for (String name : List.copyOf(names)) {
                boolean manifest = name.equals(ManifestFormat.NAME);
                if (!isRemoved(name) && manifest) {
                    markDiscarded();
                    return;
                }
                if (manifestInDoubt) {
                    throw new IOException("the manifest of " + snapshotId + " may yet appear in " + store.address()
                            + ", so its objects are left there");
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Whether it is gone; a lock keeps it. */
    private boolean isRemoved(String name) throws IOException {
        try {
            store.delete(place() + name);
            return true;
        } catch (LockedObjectException e) {
            return false;
        }
    }

    private void markDiscarded() throws IOException {
        try {
            store.putNew(place() + SnapshotObjectNames.DISCARDED, ByteBuffer.wrap(SnapshotArchive.mark("discarded")));
        } catch (FileAlreadyExistsException e) {
            // Discarded before.
        }
    }

    /** Makes the snapshot exist. */
    public void publish(SnapshotManifest manifest) throws IOException {
        if (!manifest.snapshotId().equals(snapshotId)
                || !SnapshotFolder.of(manifest.schema(), manifest.table()).equals(folder)) {
            throw new IllegalArgumentException("the manifest is not the one of " + snapshotId);
        }
        if (manifest.formatVersion() != formatVersion()) {
            throw new IllegalArgumentException("the manifest does not say how " + snapshotId + " is stored");
        }
        if (encryption.isPresent()) {
            putWrappedKey(encryption.get());
        }
        ByteBuffer content =
                ByteBuffer.wrap(ManifestFormat.write(manifest, encryption.map(Encryption::dataKey), place()));
        names.addFirst(ManifestFormat.NAME);
        try {
            store.keep(place() + ManifestFormat.NAME, content);
        } catch (InDoubtException e) {
            manifestInDoubt = true;
            throw e;
        }
        store.requireLocked(names.stream().map(name -> place() + name).toList());
    }

    /**
     * Makes a published snapshot final: the statement that it was taken for is known to be committed.
     *
     * @param mark what is known of the rows that it wrote
     */
    public void markCommitted(CommitMark mark) throws IOException {
        SnapshotArchive.mark(store, place(), mark, encryption.map(Encryption::dataKey));
    }

    private String place() {
        return folder + snapshotId + "/";
    }

    /** Before the manifest: a snapshot that exists can be read. */
    private void putWrappedKey(Encryption used) throws IOException {
        String name = SnapshotObjectNames.wrappedKey(used.key().id());
        byte[] wrapped = used.dataKey().wrap(used.key(), place());
        names.addLast(name);
        store.keep(place() + name, ByteBuffer.wrap(wrapped));
    }

    private StoredObject put(String name, ByteBuffer plain) throws IOException {
        ByteBuffer content = encryption.isEmpty()
                ? plain
                : encryption.get().dataKey().seal(plain, SnapshotObject.context(place(), name));
        ContentHash hash = ContentHash.of(content);
        names.addLast(name);
        store.keep(place() + name, content, hash);
        return new StoredObject(name, content.remaining(), hash.hex());
    }

    private record Encryption(KeyProvider key, DataKey dataKey) {}
}
