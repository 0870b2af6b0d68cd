package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.policy.Judge;

import java.util.List;

/**
 * Why a write is past a limit. Immutable.
 *
 * @param finding what the policy then has to decide about
 * @param wayBack what could undo it
 */
public record Excess(Finding finding, WayBack wayBack) {
    /** More rows than a limit on each statement, or rows that the policy protects. */
    static Excess counted(String reason) {
        return new Excess(new Finding(LimitedExecution.IMPACT_LIMIT, RiskLevel.CRITICAL, reason), WayBack.SNAPSHOT);
    }

    /** Rows whose number cannot be known, nor where they are. */
    static Excess uncounted(String reason) {
        return new Excess(new Finding(LimitedExecution.IMPACT_LIMIT, RiskLevel.CRITICAL, reason), WayBack.NONE);
    }

    /** The same on the other side of a foreign table. */
    static Excess elsewhere(String reason) {
        return new Excess(new Finding(LimitedExecution.IMPACT_LIMIT, RiskLevel.CRITICAL, reason), WayBack.UNKNOWN);
    }

    /** What could undo a statement. */
    public enum WayBack {
        /** A snapshot of what it names. */
        SNAPSHOT,
        /** Nothing. */
        NONE,
        /** What it changes is elsewhere, and an operator has to know whether that matters. */
        UNKNOWN
    }

    /** A part of a sentence whose subject is the statement. */
    public String reason() {
        return finding.reason();
    }

    /**
     * The assessment as it is once the excess is known. What unseen code would destroy is not known even then, so no
     * snapshot could cover it.
     */
    public Assessment raised(Assessment assessment) {
        return Assessment.of(assessment.statements().stream().map(this::raised).toList());
    }

    private StatementAssessment raised(StatementAssessment statement) {
        if (statement.risk() == RiskLevel.SAFE) {
            return statement;
        }
        StatementAssessment raised = statement.with(List.of(finding));
        return switch (wayBack) {
            case SNAPSHOT -> statement.destructions().isEmpty() ? unrecoverable(raised) : raised;
            case NONE -> unrecoverable(raised);
            case UNKNOWN ->
                raised.with(List.of(new Finding(Judge.FOREIGN_TABLE, RiskLevel.CRITICAL, finding.reason())))
                        .destroying(List.of());
        };
    }

    private static StatementAssessment unrecoverable(StatementAssessment statement) {
        return statement.destroying(List.of(new Destruction(Kind.UNRECOVERABLE, List.of(), false, false)));
    }
}
