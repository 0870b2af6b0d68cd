package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.StoredObject;
import io.backstop.api.snapshot.Verification;
import io.backstop.snapshot.key.ChangedContentException;
import io.backstop.snapshot.key.DataKey;
import io.backstop.snapshot.key.DecryptingStream;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.Sha256;
import io.backstop.snapshot.store.StoredChecksum;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;

/** One stored object of a snapshot, which has to be what the manifest says. */
final class SnapshotObject {
    private static final int BUFFER = 64 * 1024;

    private final ObjectStore store;
    private final String folder;
    private final String snapshotId;
    private final StoredObject expected;
    private final Optional<DataKey> key;

    /** @param key decrypts it; without it the stored bytes are read as they are */
    SnapshotObject(ObjectStore store, String folder, String snapshotId, StoredObject expected, Optional<DataKey> key) {
        this.key = key;
        this.store = store;
        this.folder = folder;
        this.snapshotId = snapshotId;
        this.expected = expected;
    }

    /** What an encrypted object is bound to: its snapshot, its table and its name, which has a chunk's number in it. */
    static String context(String folder, String name) {
        return "backstop snapshot " + SnapshotManifest.ENCRYPTED_FORMAT_VERSION + "\n" + folder + name;
    }

    /** Its bytes, all of them, decrypted, after they were found right. */
    byte[] read() throws IOException {
        long bytes = key.isPresent() ? DataKey.plainBytes(expected.bytes()) : expected.bytes();
        Bytes content = new Bytes((int) Math.min(bytes, 1 << 25));
        readInto(content);
        return content.all();
    }

    /** Reads it to its end and holds none of it, or takes the store's word where that is enough and to be had. */
    void verify(Verification verification) throws IOException {
        Optional<StoredChecksum> known = verification == Verification.STORE_CHECKSUM ? checksum() : Optional.empty();
        if (known.isPresent()) {
            compare(known.get().bytes(), known.get().hash().hex());
        } else {
            readInto(OutputStream.nullOutputStream());
        }
    }

    private Optional<StoredChecksum> checksum() throws IOException {
        try {
            return store.checksum(folder + expected.name());
        } catch (NoSuchFileException e) {
            throw missing(e);
        } catch (IOException e) {
            throw new IOException(this + " cannot be looked at: " + reason(e), e);
        }
    }

    /** In words, for some exceptions' message is a path and nothing else. */
    static String reason(IOException failure) {
        return failure instanceof AccessDeniedException denied && denied.getReason() == null
                ? "permission denied on " + denied.getFile()
                : String.valueOf(failure.getMessage());
    }

    private void readInto(OutputStream target) throws IOException {
        if (key.isEmpty()) {
            readStored(target);
            return;
        }
        DecryptingStream opening = key.get().opening(target, expected.bytes(), context(folder, expected.name()));
        try {
            readStored(opening);
            opening.finish();
        } catch (ChangedContentException e) {
            throw new CorruptSnapshotException(this + " " + e.getMessage(), e);
        }
    }

    private void readStored(OutputStream target) throws IOException {
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
            throw missing(e);
        } catch (CorruptSnapshotException | ChangedContentException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException(this + " cannot be read: " + reason(e), e);
        }
        compare(size, HexFormat.of().formatHex(digest.digest()));
    }

    private void compare(long size, String sha256) throws CorruptSnapshotException {
        if (size != expected.bytes()) {
            throw new CorruptSnapshotException(this + " has " + size + " bytes instead of " + expected.bytes());
        }
        if (!sha256.equals(expected.sha256())) {
            throw new CorruptSnapshotException(this + " does not match its SHA-256");
        }
    }

    private CorruptSnapshotException missing(NoSuchFileException cause) {
        return new CorruptSnapshotException(this + " is missing", cause);
    }

    @Override
    public String toString() {
        return "the object " + expected.name() + " of " + snapshotId;
    }

    /** Bytes that are held once where their number was known. */
    private static final class Bytes extends ByteArrayOutputStream {
        Bytes(int size) {
            super(size);
        }

        byte[] all() {
            return count == buf.length ? buf : toByteArray();
        }
    }
}
