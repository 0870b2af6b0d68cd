package io.backstop.api.analysis;

import java.util.Objects;

/**
 * One rule that fired on a statement, and what it means for this one.
 *
 * @param rule the rule
 * @param risk the least risk that the rule gives the statement
 * @param reason a lower-case sentence for people; holds no bind values
 */
public record Finding(RuleId rule, RiskLevel risk, String reason) {
    public Finding {
        Objects.requireNonNull(rule, "rule");
        Objects.requireNonNull(risk, "risk");
        Objects.requireNonNull(reason, "reason");
    }
}
