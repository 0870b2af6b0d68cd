package io.backstop.api.snapshot;

import java.time.Clock;
import java.time.Duration;
import java.util.Objects;

/**
 * The settings with which snapshots are taken. Immutable, thread-safe.
 *
 * @param storage {@code file:///path}, {@code s3://bucket[/prefix]} or {@code s3://bucket[/prefix]@http(s)://endpoint}
 * @param lockTimeout how long to wait for the lock on the tables; positive
 * @param verification how it is made sure that the storage holds what it was given
 * @param clock what time it is
 */
public record SnapshotSettings(String storage, Duration lockTimeout, Verification verification, Clock clock) {
    public static final Duration DEFAULT_LOCK_TIMEOUT = Duration.ofSeconds(10);

    public SnapshotSettings {
        Objects.requireNonNull(storage, "storage");
        Objects.requireNonNull(verification, "verification");
        Objects.requireNonNull(clock, "clock");
        if (lockTimeout.isNegative() || lockTimeout.isZero()) {
            throw new IllegalArgumentException("the lock timeout has to be positive");
        }
    }

    /** With everything read back. */
    public SnapshotSettings(String storage, Duration lockTimeout, Clock clock) {
        this(storage, lockTimeout, Verification.FULL_READ, clock);
    }
}
