package io.backstop.api.analysis;

import java.util.Objects;

/**
 * Says that a rule fired on a statement, and why. Immutable, thread-safe.
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
