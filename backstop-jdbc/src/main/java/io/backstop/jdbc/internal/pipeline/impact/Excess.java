package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;

import java.util.List;

/**
 * Why a write is past a limit. Immutable.
 *
 * @param finding what the policy then has to decide about
 * @param storable whether a snapshot of what the statement names could undo it
 */
public record Excess(Finding finding, boolean storable) {
    /** More rows than a limit on each statement, or rows that the policy protects. */
    static Excess counted(String reason) {
        return new Excess(new Finding(LimitedExecution.IMPACT_LIMIT, RiskLevel.CRITICAL, reason), true);
    }

    /** Rows whose number cannot be known, nor where they are. */
    static Excess uncounted(String reason) {
        return new Excess(new Finding(LimitedExecution.IMPACT_LIMIT, RiskLevel.CRITICAL, reason), false);
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
        return statement.destructions().isEmpty() || !storable
                ? raised.destroying(List.of(new Destruction(Kind.UNRECOVERABLE, List.of(), false, false)))
                : raised;
    }
}
