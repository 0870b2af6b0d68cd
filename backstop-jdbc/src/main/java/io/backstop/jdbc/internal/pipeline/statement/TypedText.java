package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.StatementAssessment;

import java.util.Set;

/**
 * A text with the types of the values that it is sent with: as if it named them, because what reads such a value runs in the
 * server. Immutable.
 */
record TypedText(ValueTypes types, AssessedText text) {
    /** They take no values, and where they name nothing they take every table. */
    private static final Set<CommandTag> WITHOUT_VALUES =
            Set.of(CommandTag.ANALYZE, CommandTag.VACUUM, CommandTag.CLUSTER, CommandTag.REPACK, CommandTag.REINDEX);

    static TypedText of(AssessedText text, ValueTypes types) {
        MentionedNames.Builder builder = new MentionedNames.Builder();
        types.names().stream().sorted().forEach(type -> builder.name(type, false, false, false));
        MentionedNames names = builder.build();
        Assessment assessment = Assessment.of(text.assessment().statements().stream()
                .map(statement -> mentioning(statement, names))
                .toList());
        return new TypedText(types, new AssessedText(text.sql(), assessment, text.standardConformingStrings(), types));
    }

    private static StatementAssessment mentioning(StatementAssessment statement, MentionedNames names) {
        return WITHOUT_VALUES.contains(statement.tag())
                ? statement
                : statement.mentioning(statement.mentions().and(names));
    }
}
