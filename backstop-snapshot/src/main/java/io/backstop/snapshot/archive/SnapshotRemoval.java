package io.backstop.snapshot.archive;

import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.SnapshotInventory.Unfinished;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectLock;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Removes snapshots, and the objects of unfinished ones, from a store. Stopped at any moment, or done by two at once,
 * it leaves nothing that looks like a snapshot and is none. Thread-safe.
 */
public final class SnapshotRemoval {
    private static final byte[] REMOVING = SnapshotArchive.mark("removing");

    private final ObjectStore store;
    private final SnapshotArchive archive;

    /** @param key that with which the inventory was read */
    public SnapshotRemoval(ObjectStore store, Optional<KeyProvider> key) {
        this.store = store;
        this.archive = new SnapshotArchive(store, key);
    }

    /** Whether the snapshot still is what it was: its manifest alone is looked at. */
    public boolean isThere(Stored snapshot) throws IOException {
        try {
            return archive.manifest(snapshot.folder() + ManifestFormat.NAME).equals(snapshot.manifest());
        } catch (CorruptSnapshotException e) {
            return false;
        }
    }

    /**
     * Removes a snapshot, its manifest first: from then on it does not exist, and what is left is unfinished. Beforehand it
     * marks what it is about to do, and looks whether a statement has relied on the snapshot meanwhile. The mark stays in any
     * case: taken back, it could be missed by a statement while another removal goes on.
     *
     * @param usedSince a use at this time or later keeps the snapshot
     * @return whether it did
     * @throws LockedObjectException where the store keeps the manifest, and with it all of the snapshot, or more of the objects
     *     than the mark; the latter are unfinished from then on
     */
    public boolean remove(Stored snapshot, Instant usedSince) throws IOException {
        store.put(snapshot.folder() + SnapshotObjectNames.REMOVING, ByteBuffer.wrap(REMOVING));
        if (used(snapshot.folder(), store.entries(snapshot.folder()))
                .filter(at -> !at.isBefore(usedSince))
                .isPresent()) {
            return false;
        }
        store.delete(snapshot.folder() + ManifestFormat.NAME);
        List<ObjectLock> left = removeObjects(snapshot.folder());
        left.removeIf(lock -> lock.name().equals(snapshot.folder() + SnapshotObjectNames.REMOVING));
        LockedObjectException.requireNone(store.address(), left);
        return true;
    }

    /**
     * What keeps the store from removing the objects of a snapshot, or of an unfinished one: of several locks the one that
     * ends last.
     */
    public Optional<ObjectLock> lock(String folder) throws IOException {
        return store.lock(own(folder));
    }

    /** When a statement has last relied on a snapshot, by the objects of its folder. */
    static Optional<Instant> used(String folder, List<ObjectEntry> entries) {
        return entries.stream()
                .filter(entry -> entry.name().equals(folder + SnapshotObjectNames.USED))
                .map(ObjectEntry::modified)
                .findFirst();
    }

    /**
     * Removes what is unfinished, unless it is a snapshot by now. The place of its manifest is taken first, of which only
     * one can be the first: whoever wrote it cannot publish it any more. What a removal has left was published before.
     *
     * @return whether it did
     * @throws LockedObjectException where the store keeps some of the objects; the place of the manifest stays taken
     */
    public boolean remove(Unfinished draft) throws IOException {
        String manifest = draft.folder() + ManifestFormat.NAME;
        if (!draft.givenUp() && !own(draft.folder()).contains(draft.folder() + SnapshotObjectNames.REMOVING)) {
            try {
                store.putNew(manifest, ByteBuffer.wrap(SnapshotInventory.GIVEN_UP));
            } catch (FileAlreadyExistsException e) {
                return false;
            }
        }
        LockedObjectException.requireNone(store.address(), removeObjects(draft.folder()));
        store.delete(manifest);
        return true;
    }

    private List<ObjectLock> removeObjects(String folder) throws IOException {
        return store.deleteAll(own(folder).stream()
                .filter(name -> !name.equals(folder + ManifestFormat.NAME))
                .toList());
    }

    /** Those of Backstop's own: what else lies there, or in a folder of that folder, is somebody else's. */
    private List<String> own(String folder) throws IOException {
        return store.list(folder).stream()
                .filter(name -> SnapshotObjectNames.isOwn(name.substring(folder.length())))
                .toList();
    }
}
