package io.backstop.jdbc.internal.control;

import io.backstop.api.audit.AuditEvent;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** Records the acts of operators in the audit log, in the same unit of work as the act. Thread-safe. */
public final class OperatorTrail {
    private final Clock clock;

    public OperatorTrail(Clock clock) {
        this.clock = clock;
    }

    void record(Connection connection, String operator, String act, String detail, Optional<String> approvalId)
            throws SQLException {
        AuditEvent event = AuditEvent.ofOperator(clock.instant(), operator, "", act, List.of(), detail, approvalId);
        AuditRepository.append(connection, List.of(event));
    }
}
