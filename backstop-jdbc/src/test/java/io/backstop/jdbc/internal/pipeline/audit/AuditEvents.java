package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Audit events for the tests of those who record them. */
final class AuditEvents {
    private AuditEvents() {}

    static AuditEvent of(AuditEvent.Kind kind, String sql) {
        return new AuditEvent(
                Instant.EPOCH,
                kind,
                "agent",
                "localhost:5432/shop",
                sql,
                "",
                "SELECT",
                List.of(),
                RiskLevel.SAFE,
                "allowed",
                Optional.empty(),
                Optional.empty());
    }
}
