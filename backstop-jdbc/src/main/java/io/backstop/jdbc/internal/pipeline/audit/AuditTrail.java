package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.RecordedText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Puts statements on the record: what was decided before they run, and what came of them. Thread-safe. */
public final class AuditTrail {
    private final AuditSink sink;
    private final BackgroundRecorder background;
    private final OutcomeRecorder outcomes;
    private final Clock clock;

    public AuditTrail(AuditSink sink, BackgroundRecorder background, OutcomeRecorder outcomes, Clock clock) {
        this.sink = sink;
        this.background = background;
        this.outcomes = outcomes;
        this.clock = clock;
    }

    /** Hands a SAFE statement over to be recorded with others, without waiting. */
    public void safe(GuardedSession session, AssessedText text) {
        Instant at = clock.instant();
        String agentId = session.agentId();
        String database = session.database();
        if (text.sql().length() > RecordedText.LONGEST_HARMLESS) {
            String beginning = safeSql(text); // so that what waits does not hold on to the whole
            Assessment assessment = text.assessment();
            background.offer(() -> safeEvent(at, agentId, database, beginning, assessment));
        } else {
            background.offer(() -> safeEvent(at, agentId, database, safeSql(text), text.assessment()));
        }
    }

    private static AuditEvent safeEvent(
            Instant at, String agentId, String database, String sql, Assessment assessment) {
        return new AuditEvent(
                at,
                Kind.DECISION,
                agentId,
                database,
                sql,
                "",
                assessment.operation(),
                List.of(),
                assessment.risk(),
                words(new Verdict.Allow(false)),
                Optional.empty(),
                Optional.empty());
    }

    /** The text of a SAFE statement as it is written down: so short that what waits in memory is bounded in bytes too. */
    public static String safeSql(AssessedText text) {
        return RecordedText.beginning(text.sql(), RecordedText.LONGEST_HARMLESS, text.standardConformingStrings());
    }

    /** Hands the attempt of an agent in quarantine over to be recorded with others, so that it costs little. */
    public void quarantined(GuardedSession session, ReviewedStatement statement, String outcome) {
        AuditEvent event = event(Kind.DECISION, session, statement, RecordedText.LONGEST_HARMLESS, outcome, Links.NONE);
        background.offer(() -> event);
    }

    /**
     * Returns once the decision about a statement is durable.
     *
     * @throws ControlStoreUnavailableException also while the outcomes of earlier statements cannot be recorded
     */
    public void decided(GuardedSession session, ReviewedStatement statement, String verdict)
            throws ControlStoreUnavailableException {
        outcomes.requireRecorded();
        record(Kind.DECISION, session, statement, verdict, Links.NONE);
    }

    /** Returns once the event is durable. */
    public void record(Kind kind, GuardedSession session, ReviewedStatement statement, String outcome, Links links)
            throws ControlStoreUnavailableException {
        AuditEvent event = event(kind, session, statement, RecordedText.LONGEST_IN_AUDIT, outcome, links);
        try {
            sink.append(List.of(event));
        } catch (RuntimeException e) {
            throw new ControlStoreUnavailableException(
                    "the statement cannot be recorded: " + e.getClass().getName(), "see the cause of this error", e);
        }
    }

    /**
     * Has recorded what came of a statement, without waiting and without failing: it has run by now, and the caller has to
     * learn how that went. As long as it is not recorded, no further statement is {@link #decided}.
     */
    public void outcome(GuardedSession session, ReviewedStatement statement, String outcome, Links links) {
        outcomes.add(event(Kind.OUTCOME, session, statement, RecordedText.LONGEST_IN_AUDIT, outcome, links));
    }

    private AuditEvent event(
            Kind kind,
            GuardedSession session,
            ReviewedStatement statement,
            int longestText,
            String outcome,
            Links links) {
        return new AuditEvent(
                clock.instant(),
                kind,
                session.agentId(),
                session.database(),
                RecordedText.beginning(statement.maskedSql(), longestText),
                statement.auditedSha256(),
                statement.assessment().operation(),
                statement.tables(),
                statement.assessment().risk(),
                outcome,
                links.approvalId(),
                links.snapshotGroup(),
                statement.values());
    }

    public static String words(Verdict verdict) {
        if (verdict instanceof Verdict.Block block) {
            return AuditEvent.BLOCKED + block.rule() + "]: " + block.reason();
        }
        if (verdict instanceof Verdict.Hold hold) {
            return "held: " + String.join("; ", hold.reasons());
        }
        return "allowed";
    }

    /** What an event refers to. */
    public record Links(Optional<String> approvalId, Optional<String> snapshotGroup) {
        public static final Links NONE = new Links(Optional.empty(), Optional.empty());
    }

    /** How a statement ended that failed: with this state; the failure's text may hold values. */
    public static String failure(SQLException e) {
        return "failed with " + e.getSQLState();
    }
}
