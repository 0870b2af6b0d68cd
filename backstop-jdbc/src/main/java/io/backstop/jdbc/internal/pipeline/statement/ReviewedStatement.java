package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.RecordedValues;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.analysis.detail.SecretParameters;

import java.util.List;
import java.util.Optional;

/**
 * A statement that the policy decides about, on its way from the decision to the record of its outcome. Immutable.
 *
 * @param sql the text as it was written, which is not for the record
 * @param maskedSql the text for people, as {@link RecordedText} has it
 * @param sha256 over the text and its values, as {@link Submission#sha256} has it; empty too for a text that is too long
 *     to be read
 * @param recording how its values are recorded
 * @param values the values bound to it as text, as {@link Submission#values} has it; empty where none are to be recorded
 * @param types of the values bound to it
 * @param assessment what it does, as the policy weighs it
 */
public record ReviewedStatement(
        String sql,
        String maskedSql,
        Optional<String> sha256,
        RecordedValues recording,
        List<List<String>> values,
        ValueTypes types,
        Assessment assessment) {
    /** A statement of which no values are recorded. */
    public static ReviewedStatement of(Submission submission, AssessedText text, Assessment weighed) {
        return of(submission, text, weighed, RecordedValues.HASH, List.of());
    }

    /** @param policy says whether values are recorded */
    public static ReviewedStatement of(Submission submission, AssessedText text, Assessment weighed, Policy policy) {
        boolean asText = policy.disclosure().values() == RecordedValues.TEXT
                && text.sql().length() <= RecordedText.LONGEST_APPROVABLE;
        return of(
                submission,
                text,
                weighed,
                policy.disclosure().values(),
                asText
                        ? submission.values(
                                text,
                                SecretParameters.Names.with(
                                        policy.impact().protectedColumns().values()))
                        : List.of());
    }

    private static ReviewedStatement of(
            Submission submission,
            AssessedText text,
            Assessment weighed,
            RecordedValues recording,
            List<List<String>> values) {
        return new ReviewedStatement(
                text.sql(),
                RecordedText.masked(text.sql(), text.standardConformingStrings()),
                text.sql().length() > SqlAnalyzer.LONGEST_TEXT ? Optional.empty() : submission.sha256(text),
                recording,
                values,
                text.types(),
                weighed);
    }

    /** The same text, weighed anew. */
    public ReviewedStatement weighed(Assessment anew) {
        return new ReviewedStatement(sql, maskedSql, sha256, recording, values, types, anew);
    }

    /** The same without its whole text, for what waits to be told. */
    public ReviewedStatement shortened() {
        return new ReviewedStatement(
                "",
                RecordedText.beginning(maskedSql, RecordedText.LONGEST_IN_AUDIT),
                sha256,
                recording,
                List.of(),
                types,
                assessment);
    }

    /** The digest as the audit has it. */
    public String auditedSha256() {
        return recording == RecordedValues.NONE ? "" : sha256.orElse("");
    }

    /** What it would change, as written. */
    public List<String> tables() {
        return assessment.tables().stream().map(RelationName::toString).toList();
    }
}
