package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;

/**
 * A text as it was read under one setting of its session. Immutable, thread-safe.
 *
 * @param sql as the caller wrote it; the texts of a batch with a semicolon between them
 * @param assessment the worse of what was written and what pgjdbc sends
 * @param standardConformingStrings whether backslashes in its ordinary strings are just that
 * @param ownTypes whether a value of a type that is not PostgreSQL's own is sent with it, whose code runs when it is read
 */
public record AssessedText(String sql, Assessment assessment, boolean standardConformingStrings, boolean ownTypes) {
    /** A text without such values. */
    public AssessedText(String sql, Assessment assessment, boolean standardConformingStrings) {
        this(sql, assessment, standardConformingStrings, false);
    }

    /** The same text with another assessment of it. */
    public AssessedText assessedAs(Assessment other) {
        return new AssessedText(sql, other, standardConformingStrings, ownTypes);
    }
}
