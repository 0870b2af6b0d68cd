package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Pause;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.PausedException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.event.ConnectionEvent;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.api.policy.Verdict;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Links;
import io.backstop.jdbc.internal.pipeline.audit.BackgroundRecorder;
import io.backstop.jdbc.internal.pipeline.audit.OutcomeRecorder;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.catalog.WeighedText;
import io.backstop.jdbc.internal.pipeline.event.GuardEvents;
import io.backstop.jdbc.internal.pipeline.event.StatementEvents;
import io.backstop.jdbc.internal.pipeline.fence.FencedExecution;
import io.backstop.jdbc.internal.pipeline.fence.SyntaxCheck;
import io.backstop.jdbc.internal.pipeline.impact.CodeOnWrite;
import io.backstop.jdbc.internal.pipeline.impact.Excess;
import io.backstop.jdbc.internal.pipeline.impact.LimitedExecution;
import io.backstop.jdbc.internal.pipeline.lookup.CheckedDrop;
import io.backstop.jdbc.internal.pipeline.lookup.HarmlessDrop;
import io.backstop.jdbc.internal.pipeline.lookup.SessionLookup;
import io.backstop.jdbc.internal.pipeline.secure.SecuredExecution;
import io.backstop.jdbc.internal.pipeline.secure.SidecarReadiness;
import io.backstop.jdbc.internal.pipeline.session.CancellableExecution;
import io.backstop.jdbc.internal.pipeline.session.CurrentAgent;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.QueryTimeouts;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import io.backstop.jdbc.internal.pipeline.statement.PreparedText;
import io.backstop.jdbc.internal.pipeline.statement.RecordedText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import io.backstop.jdbc.internal.pipeline.statement.Submission;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.PolicySource;
import io.backstop.jdbc.policy.SessionState;
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
    private final ControlStore store;
    private final BackgroundRecorder background;
    private final OutcomeRecorder outcomes;
    private final StatementsUnderWay underWay = new StatementsUnderWay();
    private final AuditTrail audit;
    private final GuardEvents events;
    private final Clock clock;
    private final ApprovalGate approvals;
    private final SecuredExecution secured;
    private final FencedExecution fenced = new FencedExecution();
    private final SyntaxCheck syntax = new SyntaxCheck();
    private final SessionLookup lookup = new SessionLookup();
    private final CodeOnWrite codeOnWrite;
    private final LimitedExecution limited;
    private final CatalogWeigher catalog;
    private final QueryTimeouts timeouts = new QueryTimeouts();

    public Pipeline(PipelineParts parts) {
        this.analyzer = parts.analyzer();
        this.policies = parts.policies();
        this.store = parts.store();
        this.background = new BackgroundRecorder(store.audit());
        this.outcomes = new OutcomeRecorder(store.audit());
        this.audit = new AuditTrail(store.audit(), background, outcomes, parts.clock());
        this.events = new GuardEvents(parts.listeners());
        this.clock = parts.clock();
        this.catalog = new CatalogWeigher(parts.clock());
        this.codeOnWrite = new CodeOnWrite(parts.clock());
        this.limited = new LimitedExecution(codeOnWrite, store.budgets());
        this.approvals = new ApprovalGate(parts.approvals(), timeouts);
        this.secured = new SecuredExecution(
                parts.snapshots(),
                store.snapshots(),
                new SidecarReadiness(store.heartbeats(), parts.clock()),
                parts.progress());
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
            session.uncommitted().settle(); // where it was a ROLLBACK
            checkFence(session);
            session.turn().unlock();
        }
    }

    /**
     * Has the server say what a prepared statement takes and returns, which parses it: behind the read fence, whatever it is.
     *
     * @throws StatementBlockedException where pgjdbc would run it for that
     */
    public <T extends @Nullable Object> T describe(
            GuardedSession session, PreparedText prepared, Execution<T> execution) throws SQLException {
        session.turn().lock();
        try {
            session.beginTurn();
            AssessedText text = prepared.assess(new SessionTextAssessor(analyzer, session));
            Policy policy = policies.latest();
            fenced.begin(session, policy.readFence(), text);
            if (policy.enforcement() != Enforcement.MONITOR) {
                requireDescribable(session, text, policy);
            }
            return fenced.parse(session, execution);
        } finally {
            checkFence(session);
            session.turn().unlock();
        }
    }

    private void requireDescribable(GuardedSession session, AssessedText text, Policy policy) throws SQLException {
        String described = "a description of " + text.assessment().operation() + " is refused: ";
        if (session.sendsPlainText() && text.assessment().risk() != RiskLevel.SAFE) {
            throw new StatementBlockedException(
                    described + "under preferQueryMode=simple pgjdbc runs the statement for it",
                    "leave preferQueryMode out of the URL, or execute the statement without describing it");
        }
        Assessment assessment = catalog.weigh(session, text).assessment();
        boolean runsCode = assessment.findings().stream()
                .anyMatch(finding -> finding.rule().equals(CatalogWeigher.RULE));
        if (runsCode && !(judge.decide(assessment, policy, SessionState.CLEAR) instanceof Verdict.Allow)) {
            throw new StatementBlockedException(
                    described + "it names code of the user's, which the server may run to read its literals",
                    "execute the statement, which can be approved, without describing it first");
        }
    }

    /** What pgjdbc fetches for a result set that is there already: the rest of its rows, or a cursor in it. */
    public <T extends @Nullable Object> T fetch(GuardedSession session, ServerCall<T> call) throws SQLException {
        return inTurn(session, () -> fenced.fetch(session, call));
    }

    /** What pgjdbc asks the catalog by itself. */
    public <T extends @Nullable Object> T ask(GuardedSession session, ServerCall<T> call) throws SQLException {
        return inTurn(session, () -> fenced.ask(session, call));
    }

    /** What pgjdbc stores as a large object because it is bound as one. */
    public <T extends @Nullable Object> T create(GuardedSession session, ServerCall<T> call) throws SQLException {
        return inTurn(session, () -> fenced.create(session, call));
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
        AssessedText text = submission.assess(new SessionTextAssessor(analyzer, session));
        Policy latest = policies.latest();
        fenced.begin(session, latest.readFence(), text);
        return session.isDeferring() && DeferredTriggerRuns.in(text.assessment())
                ? settled(session, submission, text, latest, execution)
                : judged(session, submission, text, latest, execution);
    }

    /** A JDBC commit is about to be sent. */
    public void committing(GuardedSession session) throws SQLException {
        if (!session.isDeferring()) {
            return;
        }
        session.turn().lock();
        try {
            session.beginTurn();
            settle(session);
        } finally {
            session.uncommitted().settle(); // where that ended the transaction
            session.turn().unlock();
        }
    }

    /** Counts what triggers do that the caller's transaction has left for its commit. */
    private void settle(GuardedSession session) throws SQLException {
        Policy policy = policies.current();
        if (session.isDeferring() && !session.inFailedTransaction() && counts(policy)) {
            limited.settle(session, policy.impact(), () -> {
                try {
                    session.send("SET CONSTRAINTS ALL IMMEDIATE");
                } catch (SQLException e) {
                    session.send("ROLLBACK"); // as the commit that fails would
                    throw e;
                }
                return Boolean.TRUE;
            });
        }
    }

    private static boolean counts(Policy policy) {
        return policy.enforcement() != Enforcement.MONITOR && policy.impact().enabled();
    }

    /** What has deferred triggers run, or commits them. */
    private <T extends @Nullable Object> T settled(
            GuardedSession session, Submission submission, AssessedText text, Policy latest, Execution<T> execution)
            throws SQLException {
        Policy policy = policies.current();
        if (DeferredTriggerRuns.commits(text.assessment()) || session.inFailedTransaction() || !counts(policy)) {
            settle(session);
            return judged(session, submission, text, latest, execution);
        }
        return limited.settle(session, policy.impact(), () -> judged(session, submission, text, latest, execution));
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
            audit.safe(session, text);
            return read(session, submission, text, weighed.restsOnCatalog(), execution);
        }
        Policy policy = policies.current();
        ReviewedStatement statement = ReviewedStatement.of(submission, text, judge.weigh(assessment, policy));
        StatementEvents told = StatementEvents.of(events, clock, session, statement);
        CancellableExecution<T> cancellable = session.begin(execution);
        underWay.begin();
        try {
            StatementRun<T> run = new StatementRun<>(session, submission, text, policy, cancellable, told);
            T result = policy.enforcement() == Enforcement.MONITOR ? observe(run, statement) : review(run, statement);
            told.executed();
            return result;
        } catch (BackstopException e) {
            Optional<ApprovalRequiredException> held = held(e);
            if (held.isEmpty() || !approvals.waits()) {
                if (!(e instanceof ApprovalRequiredException)) { // it is held, and that was told
                    told.refused(e);
                }
                throw e;
            }
            await(session, cancellable, held.get(), told);
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

    private void await(
            GuardedSession session,
            CancellableExecution<?> execution,
            ApprovalRequiredException held,
            StatementEvents told)
            throws SQLException {
        try {
            approvals.awaitDecision(session, execution, held);
        } catch (ApprovalRequiredException e) {
            throw e; // it is held, and that was told
        } catch (BackstopException e) {
            told.refused(e);
            throw e;
        } catch (SQLException e) {
            told.failed(e);
            throw e;
        }
    }

    /** The request that a refusal is about, if an operator can still decide it. */
    private static Optional<ApprovalRequiredException> held(BackstopException refusal) {
        if (refusal instanceof ApprovalRequiredException held) {
            return Optional.of(held);
        }
        return refusal instanceof ImpactLimitException && refusal.getCause() instanceof ApprovalRequiredException held
                ? Optional.of(held)
                : Optional.empty();
    }

    private <T extends @Nullable Object> T read(
            GuardedSession session,
            Submission submission,
            AssessedText text,
            boolean restsOnCatalog,
            Execution<T> execution)
            throws SQLException {
        try {
            return events.enabled()
                    ? followed(session, text, restsOnCatalog, execution)
                    : fenced.read(session, text, restsOnCatalog, execution);
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
            audit.record(Kind.REFUSAL, session, statement, "refused by the read fence", Links.NONE);
        } catch (ControlStoreUnavailableException e) {
            refusal.addSuppressed(e);
        }
    }

    /** What a statement did to the session's default, by whatever way, is undone at once. */
    private void checkFence(GuardedSession session) {
        if (session.fence().restored()) {
            LOG.info("a statement had switched default_transaction_read_only off; it is on again");
        }
    }

    /** A SAFE statement that somebody listens for. */
    private <T extends @Nullable Object> T followed(
            GuardedSession session, AssessedText text, boolean restsOnCatalog, Execution<T> execution)
            throws SQLException {
        StatementEvents told = StatementEvents.of(events, clock, session, text);
        told.judged(new Verdict.Allow(false));
        try {
            T result = fenced.read(session, text, restsOnCatalog, execution);
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

    private <T extends @Nullable Object> T review(StatementRun<T> run, ReviewedStatement statement)
            throws SQLException {
        refuseSyntaxError(run, statement);
        Optional<HarmlessDrop> drop = harmlessDrop(run, statement);
        if (drop.isPresent()) {
            CheckedDrop<T> checked =
                    check(run, statement.weighed(drop.get().recorded(statement.assessment())), drop.get());
            if (checked.harmless()) {
                return checked.result();
            }
        }
        return decide(run, statement);
    }

    /** What is no SQL is the caller's mistake, and no dangerous attempt. */
    private void refuseSyntaxError(StatementRun<?> run, ReviewedStatement statement) throws SQLException {
        Optional<String> text = run.submission().preparable();
        if (!statement.assessment().parseErrorPresent()
                || statement.assessment().statements().size() != 1
                || statement.sql().length() > SqlAnalyzer.LONGEST_TEXT
                || text.isEmpty()) {
            return;
        }
        SessionState state = state(run.session());
        if (state.pause().isPresent() || state.quarantine().isPresent()) {
            return;
        }
        Optional<SQLException> refusal = syntax.refusal(run.session(), text.get());
        if (refusal.isPresent()) {
            audit.record(Kind.REFUSAL, run.session(), statement, failure(refusal.get()), Links.NONE);
            throw refusal.get();
        }
    }

    /** Only where the policy lets it run as such, at once. */
    private Optional<HarmlessDrop> harmlessDrop(StatementRun<?> run, ReviewedStatement statement) throws SQLException {
        if (!run.execution().repeatable()) {
            return Optional.empty();
        }
        Optional<HarmlessDrop> drop = HarmlessDrop.find(run.session(), statement);
        if (drop.isEmpty()) {
            return drop;
        }
        Assessment judged = judge.weigh(drop.get().judged(statement.assessment()), run.policy());
        Verdict verdict = judge.decide(judged, run.policy(), state(run.session()));
        return drop.filter(harmless -> verdict instanceof Verdict.Allow allow && !allow.snapshot());
    }

    private <T extends @Nullable Object> CheckedDrop<T> check(
            StatementRun<T> run, ReviewedStatement statement, HarmlessDrop drop) throws SQLException {
        Verdict verdict = new Verdict.Allow(false);
        audit.decided(run.session(), statement, AuditTrail.words(verdict));
        run.events().judged(verdict);
        CheckedDrop<T> checked;
        try {
            checked = CheckedDrop.run(run.session(), drop, run.execution());
        } catch (SQLException e) {
            audit.outcome(run.session(), statement, failure(e), Links.NONE);
            throw e;
        }
        String outcome = checked.harmless() ? "executed" : "rolled back: it took away what was not there before";
        audit.outcome(run.session(), statement, outcome, Links.NONE);
        return checked;
    }

    private <T extends @Nullable Object> T decide(StatementRun<T> run, ReviewedStatement statement)
            throws SQLException {
        Verdict verdict = readable(statement, judge.decide(statement.assessment(), run.policy(), state(run.session())));
        if (verdict instanceof Verdict.Block block && block.rule().equals(Judge.QUARANTINED)) {
            audit.quarantined(run.session(), statement, AuditTrail.words(verdict));
        } else {
            audit.decided(run.session(), statement, AuditTrail.words(verdict)); // refusals are history too
        }
        run.events().judged(verdict);
        if (verdict instanceof Verdict.Block block) {
            throw blocked(run, statement, block);
        }
        Optional<String> approvalId = Optional.empty();
        if (verdict instanceof Verdict.Hold hold) {
            if (takesSnapshot(hold, statement)) {
                secured.checked(run.session(), statement, run.policy().recovery());
            }
            approvalId = Optional.of(approve(run, statement, hold));
        }
        if (takesSnapshot(verdict, statement)) {
            return secure(run, statement, approvalId);
        }
        if (approvalId.isEmpty()
                && limited.applies(
                        run.session(), statement.assessment(), run.policy().impact())) {
            return limit(run, statement);
        }
        return perform(run, statement, new Links(approvalId, Optional.empty()));
    }

    /** What is too long to be read, by Backstop or by an operator, is blocked. */
    private static Verdict readable(ReviewedStatement statement, Verdict verdict) {
        int length = statement.sql().length();
        if (length > SqlAnalyzer.LONGEST_TEXT && !(verdict instanceof Verdict.Block block && ofState(block))) {
            return new Verdict.Block(
                    Judge.TEXT_TOO_LONG,
                    "its text has " + length + " characters, and at most " + SqlAnalyzer.LONGEST_TEXT + " are read");
        }
        if (length > RecordedText.LONGEST_APPROVABLE && verdict instanceof Verdict.Hold) {
            return new Verdict.Block(
                    Judge.TEXT_TOO_LONG,
                    "it needs an approval, its text has " + length + " characters, and an operator is asked to read at"
                            + " most " + RecordedText.LONGEST_APPROVABLE);
        }
        return verdict;
    }

    private static boolean ofState(Verdict.Block block) {
        return block.rule().equals(Judge.PAUSED) || block.rule().equals(Judge.QUARANTINED);
    }

    private SessionState state(GuardedSession session) throws BackstopException {
        return new SessionState(
                store.pause().current(),
                isUnknown(session) ? Optional.empty() : store.quarantine().current(session.agentId()));
    }

    private BackstopException blocked(StatementRun<?> run, ReviewedStatement statement, Verdict.Block block)
            throws BackstopException {
        String problem = statement.assessment().operation() + " is refused: " + block.reason();
        if (block.rule().equals(Judge.PAUSED)) {
            return paused(statement, block.reason());
        }
        if (block.rule().equals(Judge.QUARANTINED)) {
            return new AgentQuarantinedException(problem, "wait until then; an operator can lift the quarantine");
        }
        countRefusal(run, statement);
        if (block.rule().equals(Judge.TEXT_TOO_LONG)) {
            return new StatementBlockedException(
                    problem + " [" + block.rule() + "]", "send the same work in several shorter statements");
        }
        return new StatementBlockedException(
                problem + " [" + block.rule() + "]",
                "no approval lets it run; policy " + run.policy().name() + " would have to be changed");
    }

    private void countRefusal(StatementRun<?> run, ReviewedStatement statement) throws BackstopException {
        if (!isUnknown(run.session())) {
            store.quarantine()
                    .refused(
                            run.session().agentId(),
                            statement.maskedSql(),
                            run.policy().quarantine());
        }
    }

    /** One agent without an id must not put all others without one in quarantine. */
    private static boolean isUnknown(GuardedSession session) {
        return session.agentId().equals(CurrentAgent.UNKNOWN);
    }

    private String approve(StatementRun<?> run, ReviewedStatement statement, Verdict.Hold hold) throws SQLException {
        try {
            String approvalId = approvals.obtain(
                    run.session(),
                    statement,
                    hold,
                    takesSnapshot(hold, statement),
                    () -> CatalogImpact.of(run.session(), statement.assessment()));
            run.execution().startOver();
            refuseIfPausedMeanwhile(statement, approvalId);
            return approvalId;
        } catch (BackstopException e) {
            if (e instanceof ApprovalRequiredException held) {
                run.events().held(held.approvalId());
            }
            if (!(e instanceof ApprovalRequiredException) || !approvals.waits()) {
                audit.record(Kind.REFUSAL, run.session(), statement, e.getSQLState(), ApprovalGate.links(e));
            }
            if (ApprovalGate.isDenial(e)) {
                countRefusal(run, statement);
            }
            throw e;
        }
    }

    /** A pause overrides an approval, also one that was waited for. */
    private void refuseIfPausedMeanwhile(ReviewedStatement statement, String approvalId) throws BackstopException {
        Optional<Pause> pause = store.pause().current();
        if (pause.isPresent()) {
            PausedException refusal =
                    paused(statement, "writes are paused: " + pause.get().reason());
            approvals.release(approvalId, refusal);
            throw refusal;
        }
    }

    private static PausedException paused(ReviewedStatement statement, String reason) {
        return new PausedException(
                statement.assessment().operation() + " is refused: " + reason,
                "reads go on; an operator ends the pause");
    }

    private <T extends @Nullable Object> T secure(
            StatementRun<T> run, ReviewedStatement statement, Optional<String> approvalId) throws SQLException {
        SecuredExecution.Outcome<T> outcome;
        long began = System.nanoTime();
        QueryTimeouts.Count timeout = timeouts.of(run.execution());
        try {
            outcome = secured.run(
                    run.session(),
                    statement,
                    run.policy().recovery(),
                    approvalId,
                    () -> lookAgain(run, statement, new Passed(approvalId.isPresent(), true)),
                    run.execution());
        } catch (SQLException e) {
            releaseUnused(approvalId, run, statement, e);
            SQLException failure = run.execution().translate(e);
            audit.outcome(run.session(), statement, failure(failure), new Links(approvalId, Optional.empty()));
            throw failure;
        } finally {
            timeout.end();
        }
        Links links = new Links(approvalId, outcome.rows().map(SecuredRows::groupId));
        audit.outcome(run.session(), statement, outcome.words(), links);
        outcome.rows().ifPresent(rows -> run.events().secured(rows, began));
        return outcome.result();
    }

    /** Gives back the approval of a statement that certainly did not run; a statement that may have run has spent it. */
    private void releaseUnused(
            Optional<String> approvalId, StatementRun<?> run, ReviewedStatement statement, SQLException failure) {
        if (approvalId.isPresent() && NotRunProof.holds(failure, statement.assessment(), run.execution())) {
            approvals.release(approvalId.get(), failure);
        }
    }

    private <T extends @Nullable Object> T limit(StatementRun<T> run, ReviewedStatement statement) throws SQLException {
        Optional<Excess> uncountable = limited.uncountable(run.session(), statement);
        if (uncountable.isPresent()) {
            return pastLimit(run, statement, uncountable.get());
        }
        LimitedExecution.Attempt<T> attempt;
        try {
            catalog.requireCounts(run.session(), statement.sql());
            attempt = limited.run(
                    run.session(),
                    statement.assessment(),
                    run.policy().impact(),
                    () -> lookAgain(run, statement, new Passed(false, false)),
                    run.execution());
        } catch (SQLException e) {
            audit.outcome(run.session(), statement, failure(e), Links.NONE);
            throw e;
        } finally {
            if (!statement.assessment().statements().stream().allMatch(each -> EvaluatingCommands.onRows(each.tag()))) {
                forget(run.session());
            }
        }
        if (attempt.excess().isEmpty()) {
            audit.outcome(run.session(), statement, "executed", Links.NONE);
            return attempt.result();
        }
        Excess excess = attempt.excess().get();
        audit.outcome(run.session(), statement, "rolled back: " + excess.reason(), Links.NONE);
        if (!run.execution().repeatable()) {
            throw LimitedExecution.unrepeatable(attempt, run.execution());
        }
        ReviewedStatement raised = statement.weighed(excess.raised(statement.assessment()));
        try {
            return review(run, raised);
        } catch (BackstopException e) {
            throw LimitedExecution.refusal(excess, e);
        }
    }

    /** What cannot be counted is judged as if it had been counted, and was too much. */
    private <T extends @Nullable Object> T pastLimit(StatementRun<T> run, ReviewedStatement statement, Excess excess)
            throws SQLException {
        audit.outcome(run.session(), statement, "not run: " + excess.reason(), Links.NONE);
        try {
            return review(run, statement.weighed(excess.raised(statement.assessment())));
        } catch (BackstopException e) {
            throw LimitedExecution.refusalUnrun(excess, e);
        }
    }

    private void forget(GuardedSession session) {
        codeOnWrite.forget(session);
    }

    /**
     * Judges once more, after a wait: what was paused, quarantined or forbidden meanwhile does not run.
     *
     * @param passed what the statement has been through
     */
    private void lookAgain(StatementRun<?> run, ReviewedStatement statement, Passed passed) throws BackstopException {
        Policy policy = policies.current();
        Verdict verdict = judge.decide(judge.weigh(statement.assessment(), policy), policy, state(run.session()));
        if (verdict instanceof Verdict.Block block) {
            throw blocked(run, statement, block);
        }
        if ((verdict instanceof Verdict.Hold && !passed.approval())
                || (takesSnapshot(verdict, statement) && !passed.snapshot())) {
            throw new StatementBlockedException(
                    statement.assessment().operation() + " is refused: the policy was changed while it waited, and asks"
                            + " for more now; nothing was changed",
                    "send it again");
        }
    }

    /** What a statement has been through when it is about to run. */
    private record Passed(boolean approval, boolean snapshot) {}

    private <T extends @Nullable Object> T perform(StatementRun<T> run, ReviewedStatement statement, Links links)
            throws SQLException {
        T result;
        try {
            result = send(run, statement, links.approvalId().isPresent());
        } catch (SQLException e) {
            releaseUnused(links.approvalId(), run, statement, e);
            audit.outcome(run.session(), statement, failure(e), links);
            throw e;
        } finally {
            if (statement.assessment().risk().atLeast(RiskLevel.HIGH)) {
                forget(run.session());
            }
        }
        audit.outcome(run.session(), statement, "executed", links);
        return result;
    }

    /**
     * Sends what neither a limit nor a snapshot looks after. What takes rows away may wait for locks that no snapshot has
     * taken before, and is looked at when it has them; it can still be undone then.
     */
    private <T extends @Nullable Object> T send(StatementRun<T> run, ReviewedStatement statement, boolean approved)
            throws SQLException {
        LastLook look = () -> lookAgain(run, statement, new Passed(approved, true));
        if (run.policy().enforcement() == Enforcement.MONITOR) {
            return fenced.write(run.session(), run.text(), run.execution());
        }
        if (!UndoableExecution.applies(statement.assessment())) {
            if (approved) {
                look.require();
            }
            return fenced.write(run.session(), run.text(), run.execution());
        }
        return UndoableExecution.run(run.session(), look, run.execution());
    }

    private <T extends @Nullable Object> T observe(StatementRun<T> run, ReviewedStatement statement)
            throws SQLException {
        Verdict verdict = judge.decide(statement.assessment(), run.policy(), SessionState.CLEAR);
        audit.decided(run.session(), statement, "monitored, would be " + AuditTrail.words(verdict));
        run.events().judged(verdict);
        return perform(run, statement, Links.NONE);
    }

    /** Rows do not go without a snapshot; a definition alone does, where there is nowhere to keep it. */
    private boolean takesSnapshot(Verdict verdict, ReviewedStatement statement) {
        boolean wanted = (verdict instanceof Verdict.Allow allow && allow.snapshot())
                || (verdict instanceof Verdict.Hold hold && hold.snapshot());
        return wanted && (statement.assessment().risk() == RiskLevel.CRITICAL || secured.hasStorage());
    }

    /** The state of a failure; its text may hold values. */
    private static String failure(SQLException e) {
        return "failed with " + e.getSQLState();
    }

    @Override
    public void close() {
        underWay.awaitEnd(LAST_STATEMENTS);
        timeouts.close();
        outcomes.close();
        background.close();
        events.close();
    }

    /**
     * One statement's way through the pipeline.
     *
     * @param submission what arrived
     * @param text as it was read when it arrived
     * @param policy the policy at the time of its arrival
     */
    private record StatementRun<T extends @Nullable Object>(
            GuardedSession session,
            Submission submission,
            AssessedText text,
            Policy policy,
            CancellableExecution<T> execution,
            StatementEvents events) {}
}
