package io.backstop.api.snapshot;

import java.util.Objects;
import java.util.Optional;

/**
 * Tells a server's data from that of every other server, and its history from that of a copy that was promoted. A copy of
 * its files that was not promoted has the same identity. Immutable, thread-safe.
 *
 * @param systemIdentifier what {@code initdb} gave the server, in decimal digits, as {@code pg_control_system} tells it
 * @param timeline the history that it writes, which a promotion and a recovery to a point in time change (PostgreSQL
 *     documentation, 26.3.6, Timelines); empty where it was not known: on a standby, or where it may not be asked for
 */
public record ServerIdentity(String systemIdentifier, Optional<Long> timeline) {
    public ServerIdentity {
        Objects.requireNonNull(systemIdentifier, "systemIdentifier");
        Objects.requireNonNull(timeline, "timeline");
    }

    /** Whether both are known to be of one history; two of which one does not know its timeline are not. */
    public boolean isSameAs(ServerIdentity other) {
        return timeline.isPresent() && equals(other);
    }

    /** Whether both are of servers with the same system identifier, and not known to be of different timelines. */
    public boolean mayBe(ServerIdentity other) {
        return systemIdentifier.equals(other.systemIdentifier)
                && (timeline.isEmpty() || other.timeline.isEmpty() || timeline.equals(other.timeline));
    }

    /** For people: {@code server 7300000000000000001, timeline 2}. */
    @Override
    public String toString() {
        return "server " + systemIdentifier
                + timeline.map(number -> ", timeline " + number).orElse("");
    }
}
