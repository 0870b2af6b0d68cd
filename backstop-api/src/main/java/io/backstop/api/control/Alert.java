package io.backstop.api.control;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * Something that operators should look at. The same again, before somebody acknowledged it, is no further alert but counted.
 * Immutable, thread-safe.
 *
 * @param id {@code alrt_} and 16 hexadecimal digits
 * @param kind what happened
 * @param subject what it is about: an agent, a request, a table, an address
 * @param message what happened, in words, without values
 * @param raisedAt when it happened first
 * @param lastAt when it happened last
 * @param count how often it happened
 * @param acknowledgement who has taken care of it
 */
public record Alert(
        String id,
        Kind kind,
        String subject,
        String message,
        Instant raisedAt,
        Instant lastAt,
        long count,
        Optional<Acknowledgement> acknowledgement) {
    public Alert {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(subject, "subject");
        Objects.requireNonNull(message, "message");
        Objects.requireNonNull(raisedAt, "raisedAt");
        Objects.requireNonNull(lastAt, "lastAt");
        Objects.requireNonNull(acknowledgement, "acknowledgement");
    }

    /** Who has taken care of an alert, and since when. */
    public record Acknowledgement(String by, Instant at) {
        public Acknowledgement {
            Objects.requireNonNull(by, "by");
            Objects.requireNonNull(at, "at");
        }
    }

    /** What alerts are about. */
    public enum Kind {
        /** A statement waits for an operator. */
        APPROVAL_REQUESTED,
        /** The policy blocked a statement. */
        BLOCKED,
        /** An agent was put in quarantine. */
        QUARANTINED,
        /** An operator paused writes. */
        PAUSED,
        /** A statement that passed for a read tried to change something. */
        FENCE_VIOLATED,
        /** A way around the guard was tried. */
        BYPASS,
        /** No verified snapshot could be had, so a statement did not run. */
        SNAPSHOT_FAILED,
        /** No sidecar has given a sign of life for too long. */
        SIDECAR_STALE,
        /** A drill did not bring back what it should have. */
        DRILL_FAILED,
        /** The storage of snapshots cannot be read. */
        STORAGE_UNAVAILABLE
    }
}
