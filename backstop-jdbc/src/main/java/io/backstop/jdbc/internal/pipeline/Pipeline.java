package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.event.ConnectionEvent;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.audit.BackgroundRecorder;
import io.backstop.jdbc.internal.pipeline.audit.OutcomeRecorder;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.catalog.WeighedText;
import io.backstop.jdbc.internal.pipeline.event.GuardEvents;
import io.backstop.jdbc.internal.pipeline.event.StatementEvents;
import io.backstop.jdbc.internal.pipeline.fence.FencedExecution;
import io.backstop.jdbc.internal.pipeline.impact.CodeOnWrite;
import io.backstop.jdbc.internal.pipeline.impact.LimitedExecution;
import io.backstop.jdbc.internal.pipeline.lookup.SessionLookup;
import io.backstop.jdbc.internal.pipeline.secure.SecuredExecution;
import io.backstop.jdbc.internal.pipeline.secure.SidecarReadiness;
import io.backstop.jdbc.internal.pipeline.session.CancellableExecution;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.QueryTimeouts;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.PreparedText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import io.backstop.jdbc.internal.pipeline.statement.Submission;
import io.backstop.jdbc.internal.pipeline.written.LookedText;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.PolicySource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/**
 * The one path of a statement, and the only caller of the parts: analyse, judge, record, approve, snapshot, execute,
 * record the outcome. Thread-safe; each execution belongs to one session.
 */
public final class Pipeline implements AutoCloseable {
    /** How long a guard that is closed lets statements that are under way come to their end. */
    private static final Duration LAST_STATEMENTS = Duration.ofSeconds(3);

    private static final Logger LOG = LoggerFactory.getLogger(Pipeline.class);

    private final SqlAnalyzer analyzer;
    private final PolicySource policies;
    private final Judge judge = new Judge();
    private final BackgroundRecorder background;
    private final OutcomeRecorder outcomes;
    private final StatementsUnderWay underWay = new StatementsUnderWay();
    private final AuditTrail audit;
    private final GuardEvents events;
    private final Clock clock;
    private final ApprovalStep approvals;
    private final FencedExecution fenced = new FencedExecution();
    private final SafeExecution safe;
    private final SessionLookup lookup = new SessionLookup();
    private final CatalogWeigher catalog;
    private final DescriptionCheck descriptions;
    private final LargeObjectCheck largeObjects;
    private final DeferredTriggerCheck deferredTriggers;
    private final StatementReview reviews;
    private final QueryTimeouts timeouts = new QueryTimeouts();

    public Pipeline(PipelineParts parts) {
        ControlStore store = parts.store();
        this.analyzer = parts.analyzer();
        this.policies = parts.policies();
        this.background = new BackgroundRecorder(store.audit());
        this.outcomes = new OutcomeRecorder(store.audit());
        this.audit = new AuditTrail(store.audit(), background, outcomes, parts.clock());
        this.events = new GuardEvents(parts.listeners());
        this.clock = parts.clock();
        this.safe = new SafeExecution(fenced, events, audit, clock);
        CodeOnWrite codeOnWrite = new CodeOnWrite(clock);
        this.catalog = new CatalogWeigher(clock, codeOnWrite::outdated);
        this.descriptions = new DescriptionCheck(catalog, judge);
        LimitedExecution limited = new LimitedExecution(codeOnWrite, store.budgets(), clock);
        this.deferredTriggers = new DeferredTriggerCheck(policies, limited);
        SecuredExecution secured = new SecuredExecution(
                parts.snapshots(),
                store.snapshots(),
                new SidecarReadiness(store.heartbeats(), clock),
                parts.progress());
        Refusals refusals = new Refusals(store);
        this.largeObjects = new LargeObjectCheck(analyzer, policies, judge, refusals, audit);
        this.approvals = new ApprovalStep(new ApprovalGate(parts.approvals(), timeouts), secured, refusals, audit);
        LastJudgement lastJudgement = new LastJudgement(policies, judge, secured, refusals);
        AllowedExecution allowed =
                new AllowedExecution(secured, fenced, approvals, lastJudgement, codeOnWrite, timeouts, audit);
        this.reviews = new StatementReview(
                judge,
                refusals,
                lastJudgement,
                approvals,
                allowed,
                secured,
                limited,
                catalog,
                codeOnWrite,
                timeouts,
                audit);
    }

    /**
     * Reads a text when it is prepared. Cached, and cheap.
     *
     * @param call whether JDBC prepares it as a call
     */
    public PreparedText prepare(String sql, boolean call, GuardedSession session) throws SQLException {
        return new PreparedText(sql, call, new SessionTextAssessor(analyzer, session));
    }

    /** A connection is guarded from now on. */
    public void opened(GuardedSession session) throws SQLException {
        session.fence().follow(policies.latest().readFence());
        ConnectionEvent event = event(session);
        events.offer(listener -> listener.connectionOpened(event));
    }

    /** A guarded connection was closed. */
    public void closed(GuardedSession session) {
        catalog.closed(session);
        ConnectionEvent event = event(session);
        events.offer(listener -> listener.connectionClosed(event));
    }

    /** JDBC ended the session's transaction. */
    public void ended(GuardedSession session) {
        catalog.ended(session);
    }

    /** JDBC went back to a savepoint of the session's transaction. */
    public void wentBack(GuardedSession session) {
        catalog.wentBack(session);
    }

    private ConnectionEvent event(GuardedSession session) {
        return new ConnectionEvent(clock.instant(), session.configuredAgent(), session.database());
    }

    /**
     * Runs what a caller submitted if it may run, with everything that has to be done before and after.
     *
     * @throws BackstopException where it is refused; it did not run then, or was rolled back
     */
    public <T extends @Nullable Object> T run(GuardedSession session, Submission submission, Execution<T> execution)
            throws SQLException {
        session.turn().lock();
        try {
            return inTurn(session, submission, execution);
        } finally {
            if (session.turn().isHeldByCurrentThread()) { // a wait for an approval may have ended in another's turn
                session.running(null);
                endTurn(session);
                session.turn().unlock();
            }
        }
    }

    /**
     * Has the server say what a prepared statement takes and returns, which parses it: behind the read fence, whatever it is.
     *
     * @throws StatementBlockedException where pgjdbc would run it for that
     */
    public <T extends @Nullable Object> T describe(GuardedSession session, Submission prepared, Execution<T> execution)
            throws SQLException {
        session.turn().lock();
        try {
            session.beginTurn();
            AssessedText text = prepared.assess(new SessionTextAssessor(analyzer, session));
            Policy policy = policies.latest();
            fenced.begin(session, policy.readFence(), text);
            if (policy.enforcement() != Enforcement.MONITOR) {
                descriptions.require(session, text, policy);
            }
            return fenced.parse(session, execution);
        } finally {
            checkFence(session);
            session.turn().unlock();
        }
    }

    /** A wait for an approval may have ended because the connection was closed, which a pool may have given away since. */
    private void endTurn(GuardedSession session) throws SQLException {
        if (!session.isOver()) {
            session.uncommitted().settle(); // where it was a ROLLBACK
            checkFence(session);
        }
    }

    /**
     * What pgjdbc sends for a result set or large object that is there already: the rest of its rows, a cursor in it.
     *
     * @param within whether that came from behind the read fence
     */
    public <T extends @Nullable Object> T fetch(GuardedSession session, boolean within, ServerCall<T> call)
            throws SQLException {
        return inTurn(session, () -> fenced.fetch(session, within, call));
    }

    /** What pgjdbc asks the catalog by itself. */
    public <T extends @Nullable Object> T ask(GuardedSession session, ServerCall<T> call) throws SQLException {
        return inTurn(session, () -> fenced.ask(session, call));
    }

    /** The same where that may be about a type, as with every value that is not of a common one. */
    public <T extends @Nullable Object> T askOfType(GuardedSession session, ServerCall<T> call) throws SQLException {
        return session.fence().watches() && catalog.mayAnswerDriver(session)
                ? ask(session, call)
                : session.whileOpen(call);
    }

    /**
     * What pgjdbc stores as a large object because it is bound as one.
     *
     * @throws BackstopException where nothing may be written now
     */
    public <T extends @Nullable Object> T create(GuardedSession session, ServerCall<T> call) throws SQLException {
        return inTurn(session, () -> {
            largeObjects.require(session);
            return fenced.create(session, call);
        });
    }

    private <T extends @Nullable Object> T inTurn(GuardedSession session, ServerCall<T> call) throws SQLException {
        session.turn().lock();
        try {
            session.beginTurn();
            session.fence().follow(policies.latest().readFence());
            return call.run();
        } finally {
            session.turn().unlock();
        }
    }

    private <T extends @Nullable Object> T inTurn(GuardedSession session, Submission submission, Execution<T> execution)
            throws SQLException {
        session.beginTurn();
        session.running(execution.statement());
        AssessedText text = submission.assess(new SessionTextAssessor(analyzer, session));
        Policy latest = policies.latest();
        boolean revived = latest.enforcement() != Enforcement.MONITOR && endFailure(session, text);
        fenced.begin(session, latest.readFence(), text);
        try {
            return settled(session, submission, text, latest, execution);
        } catch (BackstopException e) {
            if (revived && session.turn().isHeldByCurrentThread()) {
                session.failAgain(e);
            }
            throw e;
        } finally {
            if (LookedText.endsCounters(text.assessment())
                    && session.turn().isHeldByCurrentThread()
                    && session.inTransaction()) {
                session.ledger().beginAnew();
            }
        }
    }

    private <T extends @Nullable Object> T settled(
            GuardedSession session, Submission submission, AssessedText text, Policy latest, Execution<T> execution)
            throws SQLException {
        return (session.isDeferring() || session.ledger().isOpen())
                        && DeferredTriggerRuns.areLookedAtBefore(text.assessment())
                ? deferredTriggers.run(
                        session, text.assessment(), () -> judged(session, submission, text, latest, execution))
                : judged(session, submission, text, latest, execution);
    }

    /**
     * Does first what the text begins with: in a failed transaction nothing can be looked up, nor undone.
     *
     * @return whether the transaction goes on from a savepoint
     */
    private boolean endFailure(GuardedSession session, AssessedText text) throws SQLException {
        if (FencedExecution.endsFailedTransaction(session, text)) {
            rollBack(session);
        }
        Optional<String> toSavepoint = FencedExecution.revivesFailedTransaction(session, text);
        if (toSavepoint.isPresent()) {
            session.aroundSavepoint(false, () -> {
                session.send(toSavepoint.get());
                return true;
            });
            wentBack(session);
        }
        return toSavepoint.isPresent();
    }

    /** The text then rolls back an empty one. */
    private void rollBack(GuardedSession session) throws SQLException {
        session.send("ROLLBACK");
        session.rolledBack();
        ended(session);
        if (session.connection().getAutoCommit()) {
            session.send("BEGIN"); // else the driver begins one with the text
        }
    }

    /** A JDBC commit is about to be sent. */
    public void committing(GuardedSession session) throws SQLException {
        if (!session.isDeferring() && !session.ledger().isOpen()) {
            return;
        }
        session.turn().lock();
        try {
            session.beginTurn();
            deferredTriggers.settle(session);
        } finally {
            session.uncommitted().settle(); // where that ended the transaction
            session.turn().unlock();
        }
    }

    /** A pool is about to have a connection back whose transaction is open, in the turn of who closes it. */
    public void closing(GuardedSession session) throws SQLException {
        if (session.isDeferring() || session.ledger().isOpen()) {
            deferredTriggers.settle(session);
        }
    }

    private <T extends @Nullable Object> T judged(
            GuardedSession session, Submission submission, AssessedText text, Policy latest, Execution<T> execution)
            throws SQLException {
        AssessedText acting = text;
        if (text.assessment().risk() != RiskLevel.SAFE) {
            acting = lookup.weigh(session, text);
            text = text.assessedAs(acting.assessment());
        }
        WeighedText weighed = catalog.weigh(session, acting);
        Assessment assessment = fenced.weigh(session, text, weighed.assessment(), weighed.restsOnCatalog());
        boolean mayHaveRun = true;
        try {
            return weighed(
                    session,
                    submission,
                    text,
                    latest,
                    new WeighedText(assessment, weighed.restsOnCatalog()),
                    execution);
        } catch (BackstopException e) {
            mayHaveRun = false; // or was undone
            throw e;
        } catch (SQLException e) {
            catalog.failed(session, assessment, e);
            throw e;
        } finally {
            if (mayHaveRun) {
                catalog.ran(session, assessment);
            }
        }
    }

    private <T extends @Nullable Object> T weighed(
            GuardedSession session,
            Submission submission,
            AssessedText text,
            Policy latest,
            WeighedText weighed,
            Execution<T> execution)
            throws SQLException {
        Assessment assessment = weighed.assessment();
        if (assessment.risk() == RiskLevel.SAFE && !latest.quarantine().blocksSafeQueries()) {
            return safe.run(
                    session,
                    submission,
                    text,
                    weighed.restsOnCatalog(),
                    DeferredTriggerCheck.counts(latest),
                    execution);
        }
        Policy policy = policies.current();
        ReviewedStatement statement = ReviewedStatement.of(submission, text, judge.weigh(assessment, policy), policy);
        StatementEvents told = StatementEvents.of(events, clock, session, statement);
        CancellableExecution<T> cancellable = session.begin(execution);
        StatementRun<T> run = new StatementRun<>(session, submission, text, policy, cancellable, told);
        underWay.begin();
        try {
            T result = policy.enforcement() == Enforcement.MONITOR
                    ? reviews.observe(run, statement)
                    : reviews.review(run, statement);
            told.executed();
            return result;
        } catch (BackstopException e) {
            SQLException failure = cancellable.translate(e);
            if (!failure.equals(e)) { // it was cancelled while it waited for something else than the server
                told.failed(failure);
                throw failure;
            }
            if (!(e instanceof ApprovalRequiredException)
                    && !approvals.waitsFor(e)) { // else it is held, and that was told
                told.refused(e);
            }
            approvals.awaitDecision(run, statement, e);
        } catch (SQLException e) {
            told.failed(e);
            throw e;
        } finally {
            underWay.end();
            session.end(cancellable);
        }
        // Other threads had their turn meanwhile, and policy, pause and quarantine may have changed.
        return inTurn(session, submission, execution);
    }

    /** What a statement did to the session's default, by whatever way, is undone at once. */
    private void checkFence(GuardedSession session) {
        if (session.fence().restored()) {
            LOG.info("a statement had switched default_transaction_read_only off; it is on again");
        }
    }

    @Override
    public void close() {
        underWay.awaitEnd(LAST_STATEMENTS);
        timeouts.close();
        outcomes.close();
        background.close();
        events.close();
    }
}
