package io.backstop.jdbc.internal.control.postgres;

import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/**
 * The time of the store's server, which all hosts agree on: as it was told last, and what has gone by since. The host's own
 * time before the server told it. Thread-safe.
 */
final class ServerClock extends Clock {
    private volatile @Nullable Told told;

    /** @param now what the server said at this moment */
    void tell(Instant now) {
        told = new Told(now, System.nanoTime());
    }

    @Override
    public Instant instant() {
        Told last = told;
        return last == null ? Instant.now() : last.at().plus(Duration.ofNanos(System.nanoTime() - last.nanos()));
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    /** Times of this clock are instants; a zone has no meaning for them. */
    @Override
    public Clock withZone(ZoneId zone) {
        return this;
    }

    private record Told(Instant at, long nanos) {}
}
