package io.backstop.cli.control;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.jdbc.approval.ApprovalFilter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import java.util.Optional;

/** The options that choose requests for approval. */
final class ApprovalFilterOptions {
    @Option(names = "--agent", paramLabel = "ID", description = "Only requests of this agent.")
    private @Nullable String agent;

    @Option(names = "--risk", paramLabel = "RISK", description = "Only this risk: WRITE, HIGH or CRITICAL.")
    private @Nullable RiskLevel risk;

    @Option(names = "--table", paramLabel = "TABLE", description = "Only statements that change this table.")
    private @Nullable String table;

    ApprovalFilter filter() {
        return new ApprovalFilter(Optional.ofNullable(agent), Optional.ofNullable(risk), Optional.ofNullable(table));
    }
}
