package io.backstop.api.analysis;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Says what a text sent to the server does: its statements, and the worst of their risks. The same text always gets the
 * same assessment. Immutable, thread-safe.
 *
 * @param risk the worst risk of the statements, {@link RiskLevel#SAFE} for an empty text
 * @param statements the statements in order; empty for a text of nothing but space, comments and semicolons
 * @param parseErrorPresent whether some part of the text could not be understood; then the risk is
 *     {@link RiskLevel#CRITICAL}
 * @param secondOpinion whether a second reader was asked, and what it said
 */
public record Assessment(
        RiskLevel risk, List<StatementAssessment> statements, boolean parseErrorPresent, SecondOpinion secondOpinion) {
    public Assessment {
        Objects.requireNonNull(risk, "risk");
        Objects.requireNonNull(secondOpinion, "secondOpinion");
        statements = List.copyOf(statements);
        if (parseErrorPresent && risk != RiskLevel.CRITICAL) {
            throw new IllegalArgumentException("what cannot be understood is critical, not " + risk);
        }
    }

    public static Assessment of(List<StatementAssessment> statements) {
        RiskLevel worst = RiskLevel.SAFE;
        boolean parseError = false;
        for (StatementAssessment statement : statements) {
            worst = worst.worse(statement.risk());
            parseError |= !statement.recognised();
        }
        return new Assessment(worst, statements, parseError, SecondOpinion.NOT_ASKED);
    }

    /** This assessment with what a second reader said to it. */
    public Assessment with(SecondOpinion opinion) {
        return new Assessment(risk, statements, parseErrorPresent, opinion);
    }

    /** The operation of the worst statement, the first of them where several are equally bad; {@link CommandTag#EMPTY} for none. */
    public String operation() {
        return statements.stream()
                .filter(statement -> statement.risk() == risk)
                .findFirst()
                .map(StatementAssessment::operation)
                .orElse(CommandTag.EMPTY.text());
    }

    /** Every object that the text changes or removes, once each, in the order of the text. */
    public List<RelationName> tables() {
        return union(statement -> statement.targets().stream().map(Target::name));
    }

    public List<Finding> findings() {
        return union(statement -> statement.findings().stream());
    }

    public List<Destruction> destructions() {
        return union(statement -> statement.destructions().stream());
    }

    /** What its statements take definitions from without taking rows. */
    public List<RemovedDefinition> definitions() {
        return union(statement -> statement.definitions().stream());
    }

    private <T> List<T> union(Function<StatementAssessment, Stream<T>> part) {
        return List.copyOf(statements.stream()
                .flatMap(part)
                .collect(LinkedHashSet::new, LinkedHashSet::add, (a, b) -> a.addAll(b)));
    }
}
