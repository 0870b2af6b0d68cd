package io.backstop.jdbc.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.analysis.SecretMask;

import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** Puts statements on the record: what was decided before they run, and what came of them. Thread-safe. */
final class AuditTrail {
    private final AuditSink sink;
    private final SafeStatementRecorder safeStatements;
    private final Clock clock;

    AuditTrail(AuditSink sink, SafeStatementRecorder safeStatements, Clock clock) {
        this.sink = sink;
        this.safeStatements = safeStatements;
        this.clock = clock;
    }

    /** Hands a SAFE statement over to be recorded with others, without waiting. */
    void safe(Session session, Submission submission) {
        safeStatements.offer(session.agentId(), session.database(), submission);
    }

    /** Returns once the event is durable. */
    void record(AuditEvent.Kind kind, Session session, Case statement, String outcome, Links links)
            throws ControlStoreUnavailableException {
        Assessment assessment = statement.assessment();
        sink.append(List.of(new AuditEvent(
                clock.instant(),
                kind,
                session.agentId(),
                session.database(),
                statement.maskedSql(),
                statement.submission().sha256().orElse(""),
                assessment.operation(),
                assessment.tables().stream().map(RelationName::toString).toList(),
                assessment.risk(),
                outcome,
                links.approvalId(),
                links.snapshotGroup())));
    }

    /** What an event refers to. */
    record Links(Optional<String> approvalId, Optional<String> snapshotGroup) {
        static final Links NONE = new Links(Optional.empty(), Optional.empty());
    }

    /** A submission as the policy weighs it. */
    record Case(Submission submission, Assessment assessment) {
        String maskedSql() {
            return SecretMask.mask(submission.sql(), submission.standardConformingStrings());
        }
    }
}
