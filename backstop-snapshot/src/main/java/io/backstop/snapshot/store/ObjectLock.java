package io.backstop.snapshot.store;

import java.time.Instant;
import java.util.Comparator;
import java.util.Objects;
import java.util.Optional;

/**
 * What keeps a store from removing an object. Immutable.
 *
 * @param name of the object
 * @param until when it ends; empty for a legal hold, which lasts until somebody takes it off
 */
public record ObjectLock(String name, Optional<Instant> until) {
    /** By when they end, those without an end last. */
    public static final Comparator<ObjectLock> BY_END =
            Comparator.comparing(lock -> lock.until().orElse(Instant.MAX));

    public ObjectLock {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(until, "until");
    }

    /** For people: {@code locked until 2026-12-30T10:15:30Z}. */
    public String words() {
        return until.map(end -> "locked until " + end).orElse("locked by a legal hold");
    }
}
