package io.backstop.snapshot.archive;

import io.backstop.snapshot.key.DataKey;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
        Map<String, Set<String>> folders = new TreeMap<>();
        objects()
                .forEach((id, names) -> folders.put(
                        id,
                        names.stream().map(SnapshotFolder::containing).collect(Collectors.toCollection(TreeSet::new))));
        return folders;
    }

    /** The objects of published snapshots that hold a data key wrapped under each key. */
    private Map<String, Set<String>> objects() throws IOException {
        Map<String, Set<String>> found = new TreeMap<>();
        List<String> names = store.list(SnapshotFolder.ROOT);
        Set<String> published = names.stream()
                .filter(name -> name.endsWith("/" + ManifestFormat.NAME))
                .map(SnapshotFolder::containing)
                .collect(Collectors.toSet());
        for (String name : names) {
            String folder = SnapshotFolder.containing(name);
            if (published.contains(folder) && SnapshotFolder.isOfASnapshot(folder)) {
                keyId(name)
                        .ifPresent(id -> found.computeIfAbsent(id, unknown -> new TreeSet<>())
                                .add(name));
            }
        }
        return found;
    }

    private static Optional<String> keyId(String name) {
        return SnapshotObjectNames.keyId(
                name.substring(SnapshotFolder.containing(name).length()));
    }

    /**
     * Wraps every data key under another key. First each is stored under the new key too and read back, then the old ones are
     * removed: stopped at any moment, all snapshots can be read with the one key or all with the other, and it can be begun
     * again.
     *
     * <p>Rotations at the same time, in whatever directions, leave each data key at least once: each of them stores one of its
     * own and removes only what was there before that, so that the newest is removed by none.
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
        Set<String> old = objects().getOrDefault(from.id(), Set.of());
        Set<String> folders =
                old.stream().map(SnapshotFolder::containing).collect(Collectors.toCollection(TreeSet::new));
        String own = SnapshotObjectNames.wrappedKey(to.id(), HexFormat.of().toHexDigits(new SecureRandom().nextLong()));
        for (String folder : folders) {
            DataKey key = SnapshotKeys.read(store, folder, from);
            store.keep(folder + own, ByteBuffer.wrap(key.wrap(to, folder)));
            requireStored(folder, own, to, key);
        }
        LockedObjectException.requireNone(store.address(), store.deleteAll(old));
        return folders.size();
    }

    private void requireStored(String folder, String own, KeyProvider to, DataKey key) throws IOException {
        try {
            if (SnapshotKeys.read(store, folder, own, to).isSameAs(key)
                    && SnapshotKeys.read(store, folder, to).isSameAs(key)) {
                return;
            }
        } catch (NoSuchFileException e) {
            throw new KeyException(
                    "another rotation, away from " + to.id() + ", has removed what this one stored",
                    "let one of them end; `backstop keys list` tells under which key the snapshots are then");
        }
        throw new KeyException(
                "the snapshot in " + folder + " holds another data key under " + to.id(),
                "somebody has put it there: remove it and rotate again");
    }

    /**
     * Removes all data keys that are wrapped under a key. A snapshot that is under no other key cannot be read by anybody
     * from then on.
     *
     * @return of how many snapshots
     */
    public int erase(String keyId) throws IOException {
        List<String> wrapped = new ArrayList<>(store.list(SnapshotFolder.ROOT));
        wrapped.removeIf(name -> keyId(name).filter(keyId::equals).isEmpty());
        LockedObjectException.requireNone(store.address(), store.deleteAll(wrapped));
        return (int) wrapped.stream().map(SnapshotFolder::containing).distinct().count();
    }

    /** How many snapshots each key is needed for, by the keys' ids. */
    public Map<String, Integer> counts() throws IOException {
        Map<String, Integer> counts = new LinkedHashMap<>();
        snapshots().forEach((id, folders) -> counts.put(id, folders.size()));
        return counts;
    }
}
