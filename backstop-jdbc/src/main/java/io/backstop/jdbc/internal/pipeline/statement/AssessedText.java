package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;

/**
 * A text as it was read under one setting of its session. Immutable, thread-safe.
 *
 * @param sql as the caller wrote it; the texts of a batch with a semicolon between them
 * @param assessment the worse of what was written and what pgjdbc sends
 * @param standardConformingStrings whether backslashes in its ordinary strings are just that
 */
public record AssessedText(String sql, Assessment assessment, boolean standardConformingStrings) {
    /** The same text with another assessment of it. */
    public AssessedText assessedAs(Assessment other) {
        return new AssessedText(sql, other, standardConformingStrings);
    }
}
