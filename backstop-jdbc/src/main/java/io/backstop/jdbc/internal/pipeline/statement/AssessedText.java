package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;

/**
 * A text as it was read under one setting of its session. Immutable, thread-safe.
 *
 * @param sql as the caller wrote it; the texts of a batch with a semicolon between them
 * @param assessment the worse of what was written and what pgjdbc sends
 * @param standardConformingStrings whether backslashes in its ordinary strings are just that
 * @param types of the values that are sent with it
 */
public record AssessedText(String sql, Assessment assessment, boolean standardConformingStrings, ValueTypes types) {
    /** A text without such values. */
    public AssessedText(String sql, Assessment assessment, boolean standardConformingStrings) {
        this(sql, assessment, standardConformingStrings, ValueTypes.NONE);
    }

    /** The same text with another assessment of it. */
    public AssessedText assessedAs(Assessment other) {
        return new AssessedText(sql, other, standardConformingStrings, types);
    }
}
