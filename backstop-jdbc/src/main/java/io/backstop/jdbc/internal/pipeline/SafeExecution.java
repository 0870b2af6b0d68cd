package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Links;
import io.backstop.jdbc.internal.pipeline.event.GuardEvents;
import io.backstop.jdbc.internal.pipeline.event.StatementEvents;
import io.backstop.jdbc.internal.pipeline.fence.FencedExecution;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.internal.pipeline.statement.Submission;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.SQLException;
import java.time.Clock;

/** Runs what is SAFE, behind the read fence. Thread-safe. */
final class SafeExecution {
    private final FencedExecution fenced;
    private final GuardEvents events;
    private final AuditTrail audit;
    private final Clock clock;

    SafeExecution(FencedExecution fenced, GuardEvents events, AuditTrail audit, Clock clock) {
        this.fenced = fenced;
        this.events = events;
        this.audit = audit;
        this.clock = clock;
    }

    private static final Logger LOG = LoggerFactory.getLogger(SafeExecution.class);

    <T extends @Nullable Object> T run(
            GuardedSession session,
            Submission submission,
            AssessedText text,
            boolean restsOnCatalog,
            boolean looks,
            Execution<T> execution)
            throws SQLException {
        audit.safe(session, text);
        try {
            return events.enabled()
                    ? followed(session, text, restsOnCatalog, looks, execution)
                    : fenced.read(session, text, restsOnCatalog, looks, execution);
        } catch (StatementBlockedException e) {
            recordViolation(session, ReviewedStatement.of(submission, text, text.assessment()), e);
            throw e;
        }
    }

    /** The statement did not run, whether or not that can be recorded. */
    private void recordViolation(
            GuardedSession session, ReviewedStatement statement, StatementBlockedException refusal) {
        LOG.warn("the read fence held: {}", refusal.problem());
        try {
            audit.record(Kind.REFUSAL, session, statement, AuditEvent.REFUSED_BY_FENCE, Links.NONE);
        } catch (ControlStoreUnavailableException e) {
            refusal.addSuppressed(e);
        }
    }

    /** A SAFE statement that somebody listens for. */
    private <T extends @Nullable Object> T followed(
            GuardedSession session, AssessedText text, boolean restsOnCatalog, boolean looks, Execution<T> execution)
            throws SQLException {
        StatementEvents told = StatementEvents.of(events, clock, session, text);
        told.judged(new Verdict.Allow(false));
        try {
            T result = fenced.read(session, text, restsOnCatalog, looks, execution);
            told.executed();
            return result;
        } catch (BackstopException e) {
            told.refused(e);
            throw e;
        } catch (SQLException e) {
            told.failed(e);
            throw e;
        }
    }
}
