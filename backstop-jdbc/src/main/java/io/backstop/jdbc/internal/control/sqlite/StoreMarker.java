package io.backstop.jdbc.internal.control.sqlite;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.UUID;

/**
 * A file beside the store that holds the store's id, so that a process that starts after the store was removed does not
 * begin with an empty one. Thread-safe, also among processes.
 */
final class StoreMarker {
    static final String SUFFIX = ".id";

    private final Path path;

    StoreMarker(Path store) {
        this.path = store.resolveSibling(store.getFileName() + SUFFIX);
    }

    Path path() {
        return path;
    }

    /** The id of the store that was here; empty where there was none, or an operator gave it up. */
    Optional<String> read() throws IOException {
        try {
            return Optional.of(Files.readString(path, StandardCharsets.UTF_8).strip());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Written whole or not at all; several processes write the same. */
    void write(String id) throws IOException {
        Path unfinished = path.resolveSibling(path.getFileName() + "~" + UUID.randomUUID());
        try {
            OwnersFile.create(unfinished);
            Files.writeString(unfinished, id + "\n", StandardCharsets.UTF_8);
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }
}
