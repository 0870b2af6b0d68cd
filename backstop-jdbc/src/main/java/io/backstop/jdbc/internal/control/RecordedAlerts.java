package io.backstop.jdbc.internal.control;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.control.Alert;
import io.backstop.jdbc.policy.Judge;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;

/** Finds out which events of the audit log operators are alerted of. Stateless. */
final class RecordedAlerts {
    /** What the pipeline throws where no snapshot could be had, and where a way around it was tried. */
    private static final String NO_SNAPSHOT = "ZB007";

    private static final String UNGUARDED = "ZB009";

    /** They hold for every statement while they last, and were an alert when they began. */
    private static final Set<String> LASTING = Set.of(Judge.PAUSED.value(), Judge.QUARANTINED.value());

    /** What alerts of a pause are about. */
    static final String WRITES = "writes";

    private RecordedAlerts() {}

    static void raise(Connection connection, AuditEvent event) throws SQLException {
        Optional<Alert.Kind> kind = kind(event);
        if (kind.isPresent()) {
            boolean ofOperator = event.kind() == AuditEvent.Kind.OPERATOR;
            String what = ofOperator
                    ? "operator " + event.agentId() + " paused writes: " + event.outcome()
                    : event.operation() + " of agent " + event.agentId() + " on " + event.database() + ": "
                            + event.outcome();
            AlertRepository.raise(connection, kind.get(), ofOperator ? WRITES : event.agentId(), what, event.at());
        }
    }

    private static Optional<Alert.Kind> kind(AuditEvent event) {
        String outcome = event.outcome();
        return switch (event.kind()) {
            case DECISION -> blocked(outcome) ? Optional.of(Alert.Kind.BLOCKED) : Optional.empty();
            case OPERATOR ->
                event.operation().equals(PauseRepository.PAUSE) ? Optional.of(Alert.Kind.PAUSED) : Optional.empty();
            case REFUSAL, OUTCOME -> {
                if (outcome.equals(AuditEvent.REFUSED_BY_FENCE)) {
                    yield Optional.of(Alert.Kind.FENCE_VIOLATED);
                }
                if (outcome.endsWith(NO_SNAPSHOT)) {
                    yield Optional.of(Alert.Kind.SNAPSHOT_FAILED);
                }
                yield outcome.endsWith(UNGUARDED) ? Optional.of(Alert.Kind.BYPASS) : Optional.empty();
            }
        };
    }

    private static boolean blocked(String outcome) {
        int end = outcome.indexOf(']');
        return outcome.startsWith(AuditEvent.BLOCKED)
                && end > 0
                && !LASTING.contains(outcome.substring(AuditEvent.BLOCKED.length(), end));
    }
}
