package io.backstop.jdbc.approval;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.Decision;
import io.backstop.api.approval.ExpectedImpact;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A request for approval as the command line's JSON and the HTTP server's answers show it: one flat object. Immutable,
 * thread-safe.
 *
 * @param signedBy the operator whose signature the decision carries, which the guard verifies before it is used
 */
public record ApprovalView(
        String id,
        String sql,
        RiskLevel riskLevel,
        String agentId,
        String database,
        String role,
        String searchPath,
        Map<String, String> settings,
        String operation,
        List<String> tables,
        List<String> reasons,
        List<String> rules,
        String saferWay,
        boolean snapshot,
        ExpectedImpact impact,
        String statementSha256,
        List<List<String>> values,
        boolean signatureRequired,
        ApprovalState state,
        Instant createdAt,
        Instant expiresAt,
        Optional<String> decidedBy,
        Optional<Instant> decidedAt,
        Optional<String> signedBy,
        String comment) {
    public ApprovalView {
        settings = Collections.unmodifiableMap(new TreeMap<>(settings));
        tables = List.copyOf(tables);
        reasons = List.copyOf(reasons);
        rules = List.copyOf(rules);
    }

    public static ApprovalView of(Approval approval) {
        ApprovalRequest request = approval.request();
        return new ApprovalView(
                approval.id(),
                request.sql(),
                request.risk(),
                request.agentId(),
                request.database(),
                request.session().role(),
                request.session().searchPath(),
                request.session().settings(),
                request.operation(),
                request.tables(),
                request.reasons(),
                request.rules(),
                request.saferWay(),
                request.snapshot(),
                request.impact(),
                request.statementSha256(),
                request.values(),
                request.signatureRequired(),
                approval.state(),
                approval.createdAt(),
                approval.expiresAt(),
                approval.decidedBy(),
                approval.decidedAt(),
                approval.decision().flatMap(Decision::signature).map(Decision.Signature::operator),
                approval.decision().map(Decision::comment).orElse(""));
    }
}
