package io.backstop.snapshot.archive;

import io.backstop.snapshot.key.DataKey;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds the data keys of snapshots, and keeps some of those that it has found. Thread-safe. */
final class SnapshotKeys {
    static final String HINT_NO_KEY = "name its key: --key, BACKSTOP_KEY or backstop.key";

    private static final int LONGEST_WRAPPED = 64 << 10;
    private static final int KEPT = 1000;

    private final ObjectStore store;
    private final Optional<KeyProvider> provider;
    private final Map<String, DataKey> found = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, DataKey> eldest) {
            return size() > KEPT;
        }
    };

    SnapshotKeys(ObjectStore store, Optional<KeyProvider> provider) {
        this.store = store;
        this.provider = provider;
    }

    Optional<KeyProvider> provider() {
        return provider;
    }

    /** The data key of the snapshot in a folder; none where no key is given. */
    Optional<DataKey> of(String folder) throws IOException {
        return provider.isEmpty() ? Optional.empty() : Optional.of(of(folder, provider.get()));
    }

    private DataKey of(String folder, KeyProvider key) throws IOException {
        synchronized (found) {
            @Nullable DataKey known = found.get(folder);
            if (known != null) {
                return known;
            }
        }
        DataKey read = read(store, folder, key);
        synchronized (found) {
            found.put(folder, read);
        }
        return read;
    }

    static DataKey read(ObjectStore store, String folder, KeyProvider key) throws IOException {
        Optional<KeyException> unusable = Optional.empty();
        try {
            return read(store, folder, SnapshotObjectNames.wrappedKey(key.id()), key);
        } catch (KeyException e) {
            unusable = Optional.of(e);
        } catch (NoSuchFileException e) {
            // Under another key, or by a rotation.
        }
        List<String> names = store.list(folder);
        for (String name : rotated(names, folder, key.id())) {
            try {
                return read(store, folder, name, key);
            } catch (KeyException e) {
                unusable = unusable.or(() -> Optional.of(e)); // another one may be whole
            } catch (NoSuchFileException e) {
                // Another rotation has put its own in the place of it.
            }
        }
        throw unusable.isPresent() ? unusable.get() : another(folder, key, ids(names, folder));
    }

    /** @param name that of the object within the folder */
    static DataKey read(ObjectStore store, String folder, String name, KeyProvider key) throws IOException {
        try (InputStream stream = store.open(folder + name)) {
            return DataKey.unwrap(key, stream.readNBytes(LONGEST_WRAPPED), folder);
        }
    }

    private static List<String> rotated(List<String> names, String folder, String keyId) {
        return names.stream()
                .filter(name -> name.startsWith(folder))
                .map(name -> name.substring(folder.length()))
                .filter(name ->
                        SnapshotObjectNames.keyId(name).filter(keyId::equals).isPresent())
                .sorted()
                .toList();
    }

    /** The ids of the keys that a snapshot's data key is wrapped under. */
    static List<String> ids(List<String> names, String folder) {
        return names.stream()
                .filter(name -> name.startsWith(folder))
                .flatMap(name -> SnapshotObjectNames.keyId(name.substring(folder.length())).stream())
                .distinct()
                .sorted()
                .toList();
    }

    private static IOException another(String folder, KeyProvider key, List<String> ids) {
        return ids.isEmpty()
                ? new CorruptSnapshotException(
                        "the snapshot in " + folder + " has lost its wrapped key, or it was erased")
                : new KeyException(
                        "the snapshot in " + folder + " is encrypted under the key " + String.join(" and ", ids)
                                + ", and the key given is " + key.id(),
                        "name that key; `backstop keys list` tells which keys the snapshots need");
    }
}
