package io.backstop.jdbc.control;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditRecord;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A record of the audit log as answers show it: one flat object. Immutable, thread-safe. */
public record AuditView(
        long sequence,
        Instant at,
        AuditEvent.Kind kind,
        String agentId,
        RiskLevel riskLevel,
        String operation,
        String outcome,
        String sql,
        List<String> tables,
        String database,
        String statementSha256,
        Optional<String> approvalId,
        Optional<String> snapshotGroup,
        String hash) {
    public static AuditView of(AuditRecord record) {
        AuditEvent event = record.event();
        return new AuditView(
                record.sequence(),
                event.at(),
                event.kind(),
                event.agentId(),
                event.risk(),
                event.operation(),
                event.outcome(),
                event.sql(),
                event.tables(),
                event.database(),
                event.statementSha256(),
                event.approvalId(),
                event.snapshotGroup(),
                record.hash());
    }
}
