package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The comparison of a snapshot with the table made from it, and its result. Immutable, thread-safe.
 *
 * @param snapshotId the snapshot
 * @param target the restored table
 * @param thoroughness how the rows were compared; where they were not read back, no check says that they were
 * @param checks the comparisons in the order in which they are read best: rows first
 */
public record Validation(String snapshotId, RelationName target, RowVerification thoroughness, List<Check> checks) {
    private static final String UNREAD = "unread   row checksum: rows were counted as they were loaded, not read back";

    public Validation {
        Objects.requireNonNull(snapshotId, "snapshotId");
        Objects.requireNonNull(target, "target");
        Objects.requireNonNull(thoroughness, "thoroughness");
        checks = List.copyOf(checks);
    }

    /** Whether the table is, in everything that was compared, what was stored. */
    public boolean holds() {
        return checks.stream().allMatch(Check::holds);
    }

    /** The comparisons that do not hold. */
    public List<Check> failures() {
        return checks.stream().filter(check -> !check.holds()).toList();
    }

    /** One line for each comparison, and for the one that was not made, for people. */
    @Override
    public String toString() {
        Stream<String> lines = checks.stream().map(Check::toString);
        return switch (thoroughness) {
            case EVERY_ROW -> lines.collect(Collectors.joining("\n"));
            case COUNTS -> Stream.concat(lines, Stream.of(UNREAD)).collect(Collectors.joining("\n"));
        };
    }

    /**
     * One comparison.
     *
     * @param subject what was compared: {@code rows}, {@code column email}
     * @param expected what the snapshot says
     * @param actual what the database says; for a part that is not there, {@code nothing}
     */
    public record Check(String subject, String expected, String actual) {
        public Check {
            Objects.requireNonNull(subject, "subject");
            Objects.requireNonNull(expected, "expected");
            Objects.requireNonNull(actual, "actual");
        }

        /** Whether both say the same. */
        public boolean holds() {
            return expected.equals(actual);
        }

        /** {@code ok subject: value}, or {@code DIFFERS subject: expected …, found …}. */
        @Override
        public String toString() {
            return holds()
                    ? "ok       " + subject + ": " + actual
                    : "DIFFERS  " + subject + ": expected " + expected + ", found " + actual;
        }
    }
}
