package io.backstop.recovery.model;

import io.backstop.api.snapshot.SnapshotManifest;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.format.ResolverStyle;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;

/** A moment in a table's history, before which it is wanted back. Immutable, thread-safe. */
public sealed interface RecoveryPoint {
    /** Whether a snapshot was taken for what happened at that moment, or later where that is a time. */
    boolean isReachedBy(SnapshotManifest manifest);

    /** As it was before the statement that a snapshot, a group of snapshots or an approval is of. */
    record Statement(String id) implements RecoveryPoint {
        public Statement {
            Objects.requireNonNull(id, "id");
        }

        @Override
        public boolean isReachedBy(SnapshotManifest manifest) {
            return manifest.snapshotId().equals(id)
                    || manifest.groupId().equals(id)
                    || manifest.approvalId().filter(id::equals).isPresent();
        }

        @Override
        public String toString() {
            return id;
        }
    }

    /** As it was at a time: before the first statement from then on that a snapshot was taken for. */
    record Time(Instant time) implements RecoveryPoint {
        public Time {
            Objects.requireNonNull(time, "time");
        }

        @Override
        public boolean isReachedBy(SnapshotManifest manifest) {
            return !manifest.createdAt().isBefore(time);
        }

        @Override
        public String toString() {
            return time.toString();
        }
    }

    /**
     * Reads a snapshot's, a group's or an approval's id, or a time with its offset as ISO 8601 or PostgreSQL writes it.
     *
     * @throws RecoveryException where it is none of these
     */
    static RecoveryPoint parse(String text) throws RecoveryException {
        if (Parsing.ID.matcher(text).matches()) {
            return new Statement(text);
        }
        try {
            return new Time(OffsetDateTime.parse(text, Parsing.TIME).toInstant());
        } catch (DateTimeParseException e) {
            throw new RecoveryException(
                    "`" + text + "` is no moment in the history of a table",
                    "name a snapshot (snap_…), an approval (appr_…), a number of the audit, or a time with its offset, "
                            + "2026-05-06T12:29:00Z or '2026-05-06 12:29:00+00'",
                    e);
        }
    }

    /** Kept apart, for everything in an interface is public. */
    final class Parsing {
        private static final Pattern ID = Pattern.compile("(?:snap|grp|appr)_[0-9A-Za-z_-]+");

        private static final DateTimeFormatter TIME = new DateTimeFormatterBuilder()
                .append(DateTimeFormatter.ISO_LOCAL_DATE)
                .appendPattern("['T'][' ']")
                .append(DateTimeFormatter.ISO_LOCAL_TIME)
                .appendPattern("[' ']")
                .appendPattern("[XXX][X]")
                .toFormatter(Locale.ROOT)
                .withResolverStyle(ResolverStyle.STRICT);

        private Parsing() {}
    }
}
