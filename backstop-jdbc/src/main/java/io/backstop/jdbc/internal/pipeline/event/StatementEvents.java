package io.backstop.jdbc.internal.pipeline.event;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.api.error.BackstopException;
import io.backstop.api.event.GuardListener;
import io.backstop.api.event.Refusal;
import io.backstop.api.event.StatementEvent;
import io.backstop.api.policy.Verdict;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.RecordedText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * The events of one execution. None is made where nobody listens, and each is made in the delivering thread. Belongs to one
 * execution; not thread-safe.
 */
public final class StatementEvents {
    /** successful_completion, for a failure that the driver gave no state (PostgreSQL documentation, appendix A). */
    private static final String NO_STATE = "00000";

    private final GuardEvents events;
    private final StatementOnce statement;
    private final long arrived = System.nanoTime();

    private StatementEvents(GuardEvents events, Supplier<StatementEvent> statement) {
        this.events = events;
        this.statement = new StatementOnce(statement);
    }

    public static StatementEvents of(GuardEvents events, Clock clock, GuardedSession session, AssessedText safe) {
        Instant at = clock.instant();
        String agentId = session.agentId();
        String database = session.database();
        if (safe.sql().length() > RecordedText.LONGEST_HARMLESS) {
            String beginning = AuditTrail.safeSql(safe); // so that what waits does not hold on to the whole
            Assessment assessment = safe.assessment();
            return new StatementEvents(
                    events, () -> event(at, agentId, database, beginning, "", List.of(), assessment));
        }
        return new StatementEvents(
                events, () -> event(at, agentId, database, AuditTrail.safeSql(safe), "", List.of(), safe.assessment()));
    }

    public static StatementEvents of(
            GuardEvents events, Clock clock, GuardedSession session, ReviewedStatement reviewed) {
        Instant at = clock.instant();
        String agentId = session.agentId();
        String database = session.database();
        if (reviewed.sql().length() <= RecordedText.LONGEST_IN_AUDIT) {
            return new StatementEvents(events, () -> event(at, agentId, database, reviewed));
        }
        // What waits must not hold on to the whole text.
        ReviewedStatement beginning = reviewed.shortened();
        return new StatementEvents(events, () -> event(at, agentId, database, beginning));
    }

    private static StatementEvent event(Instant at, String agentId, String database, ReviewedStatement reviewed) {
        return event(
                at,
                agentId,
                database,
                reviewed.maskedSql(),
                reviewed.sha256().orElse(""),
                reviewed.tables(),
                reviewed.assessment());
    }

    private static StatementEvent event(
            Instant at,
            String agentId,
            String database,
            String sql,
            String sha256,
            List<String> tables,
            Assessment assessment) {
        return new StatementEvent(
                at,
                agentId,
                database,
                sql,
                sha256,
                assessment.operation(),
                tables,
                assessment.risk(),
                assessment.findings().stream().map(Finding::rule).distinct().toList());
    }

    public void judged(Verdict verdict) {
        Duration took = sinceArrival();
        offer((listener, event) -> listener.judged(event, verdict, took));
    }

    public void held(String approvalId) {
        offer((listener, event) -> listener.held(event, approvalId));
    }

    public void refused(BackstopException refusal) {
        Refusal described = Refusal.of(refusal);
        offer((listener, event) -> listener.refused(event, described));
    }

    /** @param began when the work on the snapshot began, by {@link System#nanoTime} */
    public void secured(SecuredRows rows, long began) {
        List<SnapshotManifest> manifests = List.copyOf(rows.manifests());
        Duration took = Duration.ofNanos(System.nanoTime() - began);
        offer((listener, event) -> listener.secured(event, manifests, took));
    }

    public void executed() {
        Duration took = sinceArrival();
        offer((listener, event) -> listener.executed(event, took));
    }

    public void failed(SQLException failure) {
        String state = failure.getSQLState() == null ? NO_STATE : failure.getSQLState();
        Duration took = sinceArrival();
        offer((listener, event) -> listener.failed(event, state, took));
    }

    private Duration sinceArrival() {
        return Duration.ofNanos(System.nanoTime() - arrived);
    }

    private void offer(BiConsumer<GuardListener, StatementEvent> call) {
        if (events.enabled()) {
            events.offer(listener -> call.accept(listener, statement.get()));
        }
    }

    /** Makes the event when it is first delivered. Confined to the delivering thread. */
    private static final class StatementOnce implements Supplier<StatementEvent> {
        private final Supplier<StatementEvent> maker;
        private @Nullable StatementEvent made;

        StatementOnce(Supplier<StatementEvent> maker) {
            this.maker = maker;
        }

        @Override
        public StatementEvent get() {
            StatementEvent event = made;
            if (event == null) {
                event = maker.get();
                made = event;
            }
            return event;
        }
    }
}
