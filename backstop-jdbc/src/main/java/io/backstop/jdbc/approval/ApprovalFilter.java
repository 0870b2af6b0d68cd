package io.backstop.jdbc.approval;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;

import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Which requests a caller wants to see: those that pass everything that is given. Immutable, thread-safe.
 *
 * @param agentId who asked
 * @param risk exactly this risk
 * @param table a table that the statement would change, as it names it, or without the schema
 */
public record ApprovalFilter(Optional<String> agentId, Optional<RiskLevel> risk, Optional<String> table)
        implements Predicate<Approval> {
    public static final ApprovalFilter ALL = new ApprovalFilter(Optional.empty(), Optional.empty(), Optional.empty());

    public ApprovalFilter {
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(risk, "risk");
        Objects.requireNonNull(table, "table");
    }

    @Override
    public boolean test(Approval approval) {
        return agentId.filter(agent -> !agent.equals(approval.request().agentId()))
                        .isEmpty()
                && risk.filter(level -> level != approval.request().risk()).isEmpty()
                && table.filter(wanted -> approval.request().tables().stream()
                                .noneMatch(name -> name.equals(wanted) || name.endsWith("." + wanted)))
                        .isEmpty();
    }
}
