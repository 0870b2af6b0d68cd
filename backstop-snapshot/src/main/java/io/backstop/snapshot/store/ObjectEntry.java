package io.backstop.snapshot.store;

import java.time.Instant;
import java.util.Objects;

/**
 * An object as a listing shows it. Immutable.
 *
 * @param name its name in the store
 * @param bytes its size
 * @param modified when it was stored, by the store's clock, to the second at least
 */
public record ObjectEntry(String name, long bytes, Instant modified) {
    public ObjectEntry {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(modified, "modified");
    }
}
