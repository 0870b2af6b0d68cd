package io.backstop.jdbc.internal.pipeline.session;

import java.time.Clock;
import java.time.Duration;

/**
 * When something was read. Its age is told by the clock and by the time that has really gone by, so that a clock that is set
 * back makes nothing young again. Immutable.
 *
 * @param millis by the clock
 * @param nanos by {@link System#nanoTime}
 */
public record ReadAt(long millis, long nanos) {
    public static ReadAt now(Clock clock) {
        return new ReadAt(clock.millis(), System.nanoTime());
    }

    /** Whether it is younger than that by both. */
    public boolean isWithin(Duration time, Clock clock) {
        long age = clock.millis() - millis;
        return age >= 0 && age < time.toMillis() && System.nanoTime() - nanos < time.toNanos();
    }
}
