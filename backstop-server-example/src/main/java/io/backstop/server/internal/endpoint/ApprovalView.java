package io.backstop.server.internal.endpoint;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A request for approval as answers show it: one flat object. Immutable, thread-safe. */
public record ApprovalView(
        String id,
        String sql,
        RiskLevel riskLevel,
        String agentId,
        String database,
        String role,
        String searchPath,
        String operation,
        List<String> tables,
        List<String> reasons,
        String statementSha256,
        ApprovalState state,
        Instant createdAt,
        Instant expiresAt,
        Optional<String> decidedBy,
        Optional<Instant> decidedAt) {
    static ApprovalView of(Approval approval) {
        ApprovalRequest request = approval.request();
        return new ApprovalView(
                approval.id(),
                request.sql(),
                request.risk(),
                request.agentId(),
                request.database(),
                request.role(),
                request.searchPath(),
                request.operation(),
                request.tables(),
                request.reasons(),
                request.statementSha256(),
                approval.state(),
                approval.createdAt(),
                approval.expiresAt(),
                approval.decidedBy(),
                approval.decidedAt());
    }
}
