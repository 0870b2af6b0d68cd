package io.backstop.jdbc.internal.pipeline.impact.plain;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An UPDATE or DELETE of one table that names no other relation and holds no other command: where nothing of the user's runs
 * by it, the number of rows that the server answers is all that it changed. Immutable.
 *
 * @param table as the text names it
 * @param updates whether it updates, and does not delete
 * @param names every name of the text, the table's among them
 * @param operators every operator of the text, and those that words of the grammar stand for
 */
public record PlainWrite(RelationName table, boolean updates, List<String> names, Set<String> operators) {
    /** The server cuts longer names, and where they are not ASCII folds and cuts them by its own encoding. */
    private static final int LONGEST_NAME = 63;

    /** What IN, BETWEEN, LIKE, ILIKE, NULLIF, CASE and IS DISTINCT FROM look up by name (PostgreSQL's gram.y and parse_expr.c). */
    private static final Set<String> OF_WORDS =
            Set.of("=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~");

    private static final String RETURNING = "returning";

    public PlainWrite {
        names = List.copyOf(names);
        operators = Stream.concat(operators.stream(), OF_WORDS.stream()).collect(Collectors.toUnmodifiableSet());
    }

    /** What the text is, if it is one; a RETURNING would leave the server's answer out. */
    static Optional<PlainWrite> of(Assessment assessment) {
        if (assessment.risk() != RiskLevel.WRITE || assessment.statements().size() != 1) {
            return Optional.empty();
        }
        StatementAssessment statement = assessment.statements().get(0);
        boolean updates = statement.tag() == CommandTag.UPDATE;
        if (!(updates || statement.tag() == CommandTag.DELETE)
                || !statement.inner().isEmpty()
                || statement.targets().size() != 1
                || !assessment
                        .tables()
                        .equals(List.of(statement.targets().get(0).name()))) {
            return Optional.empty();
        }
        MentionedNames mentions = statement.mentions();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < mentions.size(); i++) {
            String name = mentions.name(i);
            if (name.equals(RETURNING)
                    || name.length() > LONGEST_NAME
                    || !StandardCharsets.US_ASCII.newEncoder().canEncode(name)) {
                return Optional.empty();
            }
            names.add(name);
        }
        return names.isEmpty() || mentions.casts()
                ? Optional.empty()
                : Optional.of(new PlainWrite(statement.targets().get(0).name(), updates, names, mentions.operators()));
    }
}
