package io.backstop.snapshot.archive;

import io.backstop.snapshot.key.DataKey;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectLock;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The wrapped data keys of a store: which keys its snapshots need, their rotation and their removal. No row is read or
 * written. Thread-safe.
 */
public final class WrappedKeys {
    private final ObjectStore store;

    public WrappedKeys(ObjectStore store) {
        this.store = store;
    }

    /** The folders of the published snapshots whose data key is wrapped under each key, by the keys' ids. */
    public Map<String, Set<String>> snapshots() throws IOException {
        Map<String, Set<String>> found = new TreeMap<>();
        List<String> names = store.list(SnapshotFolder.ROOT);
        Set<String> published = names.stream()
                .filter(name -> name.endsWith("/" + ManifestFormat.NAME))
                .map(SnapshotFolder::containing)
                .collect(Collectors.toSet());
        for (String name : names) {
            String folder = SnapshotFolder.containing(name);
            if (published.contains(folder) && SnapshotFolder.isOfASnapshot(folder)) {
                SnapshotObjectNames.keyId(name.substring(folder.length()))
                        .ifPresent(id -> found.computeIfAbsent(id, unknown -> new TreeSet<>())
                                .add(folder));
            }
        }
        return found;
    }

    /**
     * Wraps every data key under another key. First each is stored under the new key too and read back, then the old ones are
     * removed: stopped at any moment, all snapshots can be read with the one key or all with the other, and it can be begun
     * again.
     *
     * @return how many snapshots were under the old key
     * @throws KeyException where a data key cannot be unwrapped; nothing has been removed then
     */
    public int rotate(KeyProvider from, KeyProvider to) throws IOException {
        if (from.id().equals(to.id())) {
            throw new KeyException(
                    "both are the key " + to.id(),
                    "make another one with `backstop keys create`, or at the key service");
        }
        Map<String, Set<String>> before = snapshots();
        Set<String> folders = before.getOrDefault(from.id(), Set.of());
        for (String folder : folders) {
            DataKey key = SnapshotKeys.read(store, folder, from);
            String name = folder + SnapshotObjectNames.wrappedKey(to.id());
            try {
                store.keep(name, ByteBuffer.wrap(key.wrap(to, folder)));
            } catch (FileAlreadyExistsException e) {
                // From a rotation that was stopped; it is read back like those of this one.
            }
            if (!SnapshotKeys.read(store, folder, to).isSameAs(key)) {
                throw new KeyException(
                        "the object " + name + " holds another data key",
                        "somebody has replaced it: remove it and rotate again");
            }
        }
        List<ObjectLock> locked = store.deleteAll(folders.stream()
                .map(folder -> folder + SnapshotObjectNames.wrappedKey(from.id()))
                .toList());
        LockedObjectException.requireNone(store.address(), locked);
        return folders.size();
    }

    /**
     * Removes all data keys that are wrapped under a key. A snapshot that is under no other key cannot be read by anybody
     * from then on.
     *
     * @return how many
     */
    public int erase(String keyId) throws IOException {
        List<String> wrapped = new ArrayList<>(store.list(SnapshotFolder.ROOT));
        wrapped.removeIf(name -> !name.endsWith("/" + SnapshotObjectNames.wrappedKey(keyId)));
        LockedObjectException.requireNone(store.address(), store.deleteAll(wrapped));
        return wrapped.size();
    }

    /** How many snapshots each key is needed for, by the keys' ids. */
    public Map<String, Integer> counts() throws IOException {
        Map<String, Integer> counts = new LinkedHashMap<>();
        snapshots().forEach((id, folders) -> counts.put(id, folders.size()));
        return counts;
    }
}
