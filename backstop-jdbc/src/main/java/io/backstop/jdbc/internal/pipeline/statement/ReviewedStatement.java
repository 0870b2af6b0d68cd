package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.analysis.SqlAnalyzer;

import java.util.List;
import java.util.Optional;

/**
 * A statement that the policy decides about, on its way from the decision to the record of its outcome. Immutable.
 *
 * @param sql the text as it was written, which is not for the record
 * @param maskedSql the text for people, as {@link RecordedText} has it
 * @param sha256 over the text and its values, as {@link Submission#sha256} has it; empty too for a text that is too long
 *     to be read
 * @param assessment what it does, as the policy weighs it
 */
public record ReviewedStatement(String sql, String maskedSql, Optional<String> sha256, Assessment assessment) {
    public static ReviewedStatement of(Submission submission, AssessedText text, Assessment weighed) {
        return new ReviewedStatement(
                text.sql(),
                RecordedText.masked(text.sql(), text.standardConformingStrings()),
                text.sql().length() > SqlAnalyzer.LONGEST_TEXT ? Optional.empty() : submission.sha256(text),
                weighed);
    }

    /** The same text, weighed anew. */
    public ReviewedStatement weighed(Assessment anew) {
        return new ReviewedStatement(sql, maskedSql, sha256, anew);
    }

    /** What it would change, as written. */
    public List<String> tables() {
        return assessment.tables().stream().map(RelationName::toString).toList();
    }
}
