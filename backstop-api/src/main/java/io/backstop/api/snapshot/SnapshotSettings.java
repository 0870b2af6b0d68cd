package io.backstop.api.snapshot;

import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The settings with which snapshots are taken. Immutable, thread-safe.
 *
 * @param storage {@code file:///path}, {@code s3://bucket[/prefix]} or {@code s3://bucket[/prefix]@http(s)://endpoint}
 * @param lockTimeout how long to wait for the lock on the tables; positive
 * @param verification how it is made sure that the storage holds what it was given
 * @param clock what time it is
 * @param key the address of the key that snapshots are encrypted and authenticated under, as the path of a key file;
 *     without it they are neither
 */
public record SnapshotSettings(
        String storage, Duration lockTimeout, Verification verification, Clock clock, Optional<String> key) {
    public static final Duration DEFAULT_LOCK_TIMEOUT = Duration.ofSeconds(10);

    public SnapshotSettings {
        Objects.requireNonNull(storage, "storage");
        Objects.requireNonNull(verification, "verification");
        Objects.requireNonNull(clock, "clock");
        Objects.requireNonNull(key, "key");
        if (lockTimeout.isNegative() || lockTimeout.isZero()) {
            throw new IllegalArgumentException("the lock timeout has to be positive");
        }
    }

    /** Without a key. */
    public SnapshotSettings(String storage, Duration lockTimeout, Verification verification, Clock clock) {
        this(storage, lockTimeout, verification, clock, Optional.empty());
    }

    /** Without a key, and with everything read back. */
    public SnapshotSettings(String storage, Duration lockTimeout, Clock clock) {
        this(storage, lockTimeout, Verification.FULL_READ, clock);
    }
}
