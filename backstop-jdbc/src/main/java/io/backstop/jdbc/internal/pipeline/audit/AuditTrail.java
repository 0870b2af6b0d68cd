package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.audit.AuditSink;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.analysis.SecretMask;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Puts statements on the record: what was decided before they run, and what came of them. Thread-safe. */
public final class AuditTrail {
    /** How much of a SAFE text is recorded, in characters, so that what waits in memory is bounded in bytes too. */
    private static final int LONGEST_SAFE_TEXT = 4_000;

    private final AuditSink sink;
    private final BackgroundRecorder background;
    private final Clock clock;

    public AuditTrail(AuditSink sink, BackgroundRecorder background, Clock clock) {
        this.sink = sink;
        this.background = background;
        this.clock = clock;
    }

    /** Hands a SAFE statement over to be recorded with others, without waiting. */
    public void safe(GuardedSession session, AssessedText text) {
        Instant at = clock.instant();
        String agentId = session.agentId();
        String database = session.database();
        background.offer(() -> new AuditEvent(
                at,
                Kind.DECISION,
                agentId,
                database,
                safeSql(text),
                "",
                text.assessment().operation(),
                List.of(),
                text.assessment().risk(),
                words(new Verdict.Allow(false)),
                Optional.empty(),
                Optional.empty()));
    }

    /** The text of a SAFE statement as it is written down: cut where it is long, secrets in it masked. */
    public static String safeSql(AssessedText text) {
        String sql = text.sql();
        String kept = sql.length() <= LONGEST_SAFE_TEXT ? sql : sql.substring(0, LONGEST_SAFE_TEXT) + "…";
        return SecretMask.mask(kept, text.standardConformingStrings());
    }

    /** Returns once the event is durable. */
    public void record(Kind kind, GuardedSession session, ReviewedStatement statement, String outcome, Links links)
            throws ControlStoreUnavailableException {
        sink.append(List.of(event(kind, session, statement, outcome, links)));
    }

    /**
     * Records what came of a statement, without waiting and without failing: it has run by now, and the caller has to learn
     * how that went.
     */
    public void outcome(GuardedSession session, ReviewedStatement statement, String outcome, Links links) {
        AuditEvent event = event(Kind.OUTCOME, session, statement, outcome, links);
        background.offer(() -> event);
    }

    private AuditEvent event(
            Kind kind, GuardedSession session, ReviewedStatement statement, String outcome, Links links) {
        return new AuditEvent(
                clock.instant(),
                kind,
                session.agentId(),
                session.database(),
                statement.maskedSql(),
                statement.sha256().orElse(""),
                statement.assessment().operation(),
                statement.tables(),
                statement.assessment().risk(),
                outcome,
                links.approvalId(),
                links.snapshotGroup());
    }

    public static String words(Verdict verdict) {
        if (verdict instanceof Verdict.Block block) {
            return "blocked [" + block.rule() + "]: " + block.reason();
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
}
