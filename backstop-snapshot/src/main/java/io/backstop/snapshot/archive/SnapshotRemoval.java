package io.backstop.snapshot.archive;

import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.SnapshotInventory.Unfinished;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;

/**
 * Removes snapshots, and the objects of unfinished ones, from a store. Stopped at any moment, or done by two at once,
 * it leaves nothing that looks like a snapshot and is none. Thread-safe.
 */
public final class SnapshotRemoval {
    private final ObjectStore store;

    public SnapshotRemoval(ObjectStore store) {
        this.store = store;
    }

    /** Whether the snapshot still is what it was: its manifest alone is looked at. */
    public boolean isThere(Stored snapshot) throws IOException {
        try {
            return new SnapshotArchive(store)
                    .manifest(snapshot.folder() + ManifestFormat.NAME)
                    .equals(snapshot.manifest());
        } catch (CorruptSnapshotException e) {
            return false;
        }
    }

    /** Removes a snapshot, its manifest first: from then on it does not exist, and what is left is unfinished. */
    public void remove(Stored snapshot) throws IOException {
        store.delete(snapshot.folder() + ManifestFormat.NAME);
        removeObjects(snapshot.folder());
    }

    /**
     * Removes what is unfinished, unless it is a snapshot by now. The place of its manifest is taken first, of which only
     * one can be the first: whoever wrote it cannot publish it any more.
     *
     * @return whether it did
     */
    public boolean remove(Unfinished draft) throws IOException {
        String manifest = draft.folder() + ManifestFormat.NAME;
        if (!draft.givenUp()) {
            try {
                store.putNew(manifest, ByteBuffer.wrap(SnapshotInventory.GIVEN_UP));
            } catch (FileAlreadyExistsException e) {
                return false;
            }
        }
        removeObjects(draft.folder());
        store.delete(manifest);
        return true;
    }

    /** Those of Backstop's own: what else lies there, or in a folder of that folder, is somebody else's. */
    private void removeObjects(String folder) throws IOException {
        for (String name : store.list(folder)) {
            String object = name.substring(folder.length());
            if (SnapshotObjectNames.isOwn(object) && !object.equals(ManifestFormat.NAME)) {
                store.delete(name);
            }
        }
    }
}
