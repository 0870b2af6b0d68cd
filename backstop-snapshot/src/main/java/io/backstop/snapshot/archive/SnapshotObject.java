package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest.StoredObject;
import io.backstop.snapshot.store.ObjectStore;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.util.HexFormat;

/** One stored object of a snapshot, which has to be what the manifest says. */
final class SnapshotObject {
    private static final int BUFFER = 64 * 1024;

    private final ObjectStore store;
    private final String folder;
    private final String snapshotId;
    private final StoredObject expected;

    SnapshotObject(ObjectStore store, String folder, String snapshotId, StoredObject expected) {
        this.store = store;
        this.folder = folder;
        this.snapshotId = snapshotId;
        this.expected = expected;
    }

    /** Its bytes, all of them, after they were found right. */
    byte[] read() throws IOException {
        ByteArrayOutputStream content = new ByteArrayOutputStream((int) Math.min(expected.bytes(), 1 << 25));
        readInto(content);
        return content.toByteArray();
    }

    /** Reads it to its end and holds none of it. */
    void verify() throws IOException {
        readInto(OutputStream.nullOutputStream());
    }

    private void readInto(OutputStream target) throws IOException {
        MessageDigest digest = Sha256.digest();
        byte[] buffer = new byte[BUFFER];
        long size = 0;
        try (InputStream content = store.open(folder + expected.name())) {
            for (int count = content.read(buffer); count >= 0; count = content.read(buffer)) {
                size += count;
                if (size > expected.bytes()) {
                    throw new CorruptSnapshotException(this + " is longer than " + expected.bytes() + " bytes");
                }
                digest.update(buffer, 0, count);
                target.write(buffer, 0, count);
            }
        } catch (NoSuchFileException e) {
            throw new CorruptSnapshotException(this + " is missing", e);
        }
        if (size < expected.bytes()) {
            throw new CorruptSnapshotException(this + " has " + size + " bytes instead of " + expected.bytes());
        }
        if (!HexFormat.of().formatHex(digest.digest()).equals(expected.sha256())) {
            throw new CorruptSnapshotException(this + " does not match its SHA-256");
        }
    }

    @Override
    public String toString() {
        return "the object " + expected.name() + " of " + snapshotId;
    }
}
