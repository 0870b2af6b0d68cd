package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent.Kind;
import io.backstop.api.error.BackstopException;
import io.backstop.api.policy.Verdict;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail.Links;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.fence.SyntaxCheck;
import io.backstop.jdbc.internal.pipeline.impact.CodeOnWrite;
import io.backstop.jdbc.internal.pipeline.impact.Excess;
import io.backstop.jdbc.internal.pipeline.impact.LimitedExecution;
import io.backstop.jdbc.internal.pipeline.lookup.CheckedDrop;
import io.backstop.jdbc.internal.pipeline.lookup.HarmlessDrop;
import io.backstop.jdbc.internal.pipeline.secure.SecuredExecution;
import io.backstop.jdbc.internal.pipeline.secure.WriteCover;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.LookedExecution;
import io.backstop.jdbc.internal.pipeline.session.QueryTimeouts;
import io.backstop.jdbc.internal.pipeline.statement.BeforeImages;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.RecordedText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.internal.pipeline.written.LookedText;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.SessionState;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.util.Optional;

/** Judges a statement that is not simply SAFE, and takes it through what the verdict asks for. Thread-safe. */
final class StatementReview {
    private final Judge judge;
    private final Refusals refusals;
    private final LastJudgement lastJudgement;
    private final ApprovalStep approvals;
    private final AllowedExecution allowed;
    private final SecuredExecution secured;
    private final LimitedExecution limited;
    private final CatalogWeigher catalog;
    private final CodeOnWrite codeOnWrite;
    private final QueryTimeouts timeouts;
    private final AuditTrail audit;
    private final SyntaxCheck syntax = new SyntaxCheck();

    StatementReview(
            Judge judge,
            Refusals refusals,
            LastJudgement lastJudgement,
            ApprovalStep approvals,
            AllowedExecution allowed,
            SecuredExecution secured,
            LimitedExecution limited,
            CatalogWeigher catalog,
            CodeOnWrite codeOnWrite,
            QueryTimeouts timeouts,
            AuditTrail audit) {
        this.judge = judge;
        this.refusals = refusals;
        this.lastJudgement = lastJudgement;
        this.approvals = approvals;
        this.allowed = allowed;
        this.secured = secured;
        this.limited = limited;
        this.catalog = catalog;
        this.codeOnWrite = codeOnWrite;
        this.timeouts = timeouts;
        this.audit = audit;
    }

    /** Judges for the record, and runs it. */
    <T extends @Nullable Object> T observe(StatementRun<T> run, ReviewedStatement statement) throws SQLException {
        run.session().changed(Optional.empty());
        Verdict verdict = judge.decide(statement.assessment(), run.policy(), SessionState.CLEAR);
        audit.decided(run.session(), statement, "monitored, would be " + AuditTrail.words(verdict));
        run.events().judged(verdict);
        run.session().ledger().lost();
        return allowed.perform(run, statement, Optional.empty(), Optional.empty());
    }

    /** @throws BackstopException where it is refused; it did not run then, or was rolled back */
    <T extends @Nullable Object> T review(StatementRun<T> run, ReviewedStatement statement) throws SQLException {
        run.session().changed(Optional.empty());
        refuseSyntaxError(run, statement);
        Optional<HarmlessDrop> drop = harmlessDrop(run, statement);
        if (drop.isPresent()) {
            ReviewedStatement harmless = statement.weighed(drop.get().recorded(statement.assessment()));
            if (isStored(run, harmless)) {
                return decide(run, harmless);
            }
            CheckedDrop<T> checked = check(run, harmless, drop.get());
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
        SessionState state = refusals.state(run.session());
        if (state.pause().isPresent() || state.quarantine().isPresent()) {
            return;
        }
        Optional<SQLException> refusal = syntax.refusal(run.session(), text.get());
        if (refusal.isPresent()) {
            audit.record(Kind.REFUSAL, run.session(), statement, AuditTrail.failure(refusal.get()), Links.NONE);
            throw refusal.get();
        }
    }

    /** Whether it runs at once, behind a snapshot of what goes by it. */
    private boolean isStored(StatementRun<?> run, ReviewedStatement statement) throws SQLException {
        Verdict verdict = judge.decide(statement.assessment(), run.policy(), refusals.state(run.session()));
        return verdict instanceof Verdict.Allow && secured.applies(verdict, statement);
    }

    /** Only where the policy lets it run as such, at once, and nothing that it removes is stored as it stands. */
    private Optional<HarmlessDrop> harmlessDrop(StatementRun<?> run, ReviewedStatement statement) throws SQLException {
        if (!run.execution().repeatable()) {
            return Optional.empty();
        }
        Optional<HarmlessDrop> drop = HarmlessDrop.find(run.session(), statement);
        if (drop.isEmpty() || (!drop.get().findsNothing() && isStored(run, statement))) {
            return Optional.empty();
        }
        Assessment judged = judge.weigh(drop.get().judged(statement.assessment()), run.policy());
        Verdict verdict = judge.decide(judged, run.policy(), refusals.state(run.session()));
        return drop.filter(harmless -> verdict instanceof Verdict.Allow);
    }

    private <T extends @Nullable Object> CheckedDrop<T> check(
            StatementRun<T> run, ReviewedStatement statement, HarmlessDrop drop) throws SQLException {
        Verdict verdict = new Verdict.Allow(false);
        audit.decided(run.session(), statement, AuditTrail.words(verdict));
        run.events().judged(verdict);
        limited.uncounted(run.session(), run.policy().impact());
        CheckedDrop<T> checked;
        try {
            checked = CheckedDrop.run(run.session(), drop, run.execution());
        } catch (SQLException e) {
            audit.outcome(run.session(), statement, AuditTrail.failure(e), Links.NONE);
            throw e;
        }
        String outcome = checked.harmless() ? "executed" : "rolled back: it took away what was not there before";
        audit.outcome(run.session(), statement, outcome, Links.NONE);
        return checked;
    }

    private <T extends @Nullable Object> T decide(StatementRun<T> run, ReviewedStatement statement)
            throws SQLException {
        Verdict verdict =
                readable(statement, judge.decide(statement.assessment(), run.policy(), refusals.state(run.session())));
        if (verdict instanceof Verdict.Block block && block.rule().equals(Judge.QUARANTINED)) {
            audit.quarantined(run.session(), statement, AuditTrail.words(verdict));
        } else {
            audit.decided(run.session(), statement, AuditTrail.words(verdict)); // refusals are history too
        }
        run.events().judged(verdict);
        if (verdict instanceof Verdict.Block block) {
            throw refusals.blocked(run.session(), run.policy(), statement, block);
        }
        if (verdict instanceof Verdict.Hold || run.policy().impact().enabled()) {
            refuseUnseen(run.session(), statement);
        }
        Optional<ApprovalGate.Approved> approved = Optional.empty();
        if (verdict instanceof Verdict.Hold hold) {
            if (secured.applies(hold, statement)) {
                secured.checked(run.session(), statement, run.policy().recovery());
            }
            limited.uncounted(
                    run.session(), run.policy().impact()); // a preview is rolled back, and counted by the server
            approved = Optional.of(approvals.approve(run, statement, hold));
        }
        limited.beginning(run.session(), statement.assessment(), run.policy().impact());
        boolean counted = approved.isEmpty()
                && (limited.applies(
                                run.session(),
                                statement.assessment(),
                                run.policy().impact())
                        || secured.coversInserted(statement, run.policy().recovery()));
        // A definition is stored by the way; what it may free of its protection has to be seen.
        boolean definesAlone = statement.assessment().risk() != RiskLevel.CRITICAL;
        if (secured.applies(verdict, statement) && !(counted && definesAlone)) {
            limited.uncounted(
                    run.session(), statement.assessment(), run.policy().impact(), approved.isPresent());
            return allowed.secure(run, statement, approved.map(ApprovalGate.Approved::id), measured(run, statement));
        }
        if (counted) {
            return limit(run, statement);
        }
        if (approved.isEmpty() && run.policy().impact().enabled() && LookedText.isLookedAt(statement.assessment())) {
            return lookAfter(run, statement);
        }
        return performUnlooked(run, statement, approved);
    }

    /** What is to change no row that is there: whether that is so is looked at before it is kept. */
    private <T extends @Nullable Object> T lookAfter(StatementRun<T> run, ReviewedStatement statement)
            throws SQLException {
        GuardedSession session = run.session();
        boolean onRows = LookedText.isOnRows(statement.assessment());
        boolean controls = LookedText.control(statement.assessment()).isPresent();
        boolean setting = LookedText.holdsSetting(statement.assessment());
        if (controls || (onRows && !session.outsideTransaction() && !session.endsUnseen())) {
            if (!session.knowsWhatIsWritten()) {
                return performUnlooked(run, statement, Optional.empty());
            }
            session.leaveOpen(true, !onRows);
            if (setting && LookedText.mayGoOn(statement.assessment(), run.execution())) {
                session.ledger().goesOn();
            }
            return allowed.perform(run, statement, Optional.empty(), Optional.empty());
        }
        if (!session.outsideTransaction()) {
            limited.settleOpen(session, run.policy().impact()); // what is undone leaves its traces in the counters
        }
        Optional<LookedExecution.Kept<T>> kept;
        try {
            kept = limited.runLooking(
                    session,
                    statement.assessment(),
                    run.policy().impact(),
                    lastJudgement.unsecured(run, statement, false),
                    setting ? allowed.following(run, run.execution()) : run.execution());
        } catch (SQLException e) {
            if (!onRows && LimitedExecution.outsideTransaction(session, e).isPresent()) {
                return performUnlooked(run, statement, Optional.empty());
            }
            audit.outcome(session, statement, AuditTrail.failure(e), Links.NONE);
            throw e;
        } finally {
            if (!onRows) {
                codeOnWrite.forget(session);
            }
        }
        if (kept.isPresent()) {
            audit.outcome(session, statement, "executed", Links.NONE);
            return kept.get().result();
        }
        audit.outcome(session, statement, "rolled back: it changed rows that were there, and is counted", Links.NONE);
        codeOnWrite.outdated(session);
        if (!run.execution().repeatable()) {
            throw LimitedExecution.changedMore(run.execution());
        }
        return limit(run, statement);
    }

    /** A text that takes a failed transaction back itself leaves no moment for a question to the server. */
    private void refuseUnseen(GuardedSession session, ReviewedStatement statement) throws SQLException {
        boolean rollsBack = LookedText.control(statement.assessment())
                .filter(control -> control.tag() == CommandTag.ROLLBACK_TO_SAVEPOINT)
                .isPresent();
        if (rollsBack && session.inFailedTransaction()) {
            SQLException refusal = LimitedExecution.unseenUntilRolledBack();
            audit.outcome(session, statement, AuditTrail.failure(refusal), Links.NONE);
            throw refusal;
        }
    }

    private <T extends @Nullable Object> T performUnlooked(
            StatementRun<T> run, ReviewedStatement statement, Optional<ApprovalGate.Approved> approved)
            throws SQLException {
        limited.uncounted(run.session(), statement.assessment(), run.policy().impact(), approved.isPresent());
        return allowed.perform(run, statement, approved, measured(run, statement));
    }

    private <T extends @Nullable Object> Optional<Execution<T>> measured(
            StatementRun<T> run, ReviewedStatement statement) {
        return limited.measuring(
                run.session(), statement.assessment(), run.policy().impact(), run.execution());
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

    private <T extends @Nullable Object> T limit(StatementRun<T> run, ReviewedStatement statement) throws SQLException {
        Optional<Excess> uncountable = limited.uncountable(run.session(), statement);
        if (uncountable.isPresent()) {
            return pastLimit(run, statement, uncountable.get());
        }
        Optional<WriteCover> cover =
                secured.cover(run.session(), statement, run.policy().recovery(), run.execution());
        long began = System.nanoTime();
        Optional<QueryTimeouts.Count> timeout =
                cover.isPresent() ? Optional.of(timeouts.of(run.execution())) : Optional.empty();
        LimitedExecution.Attempt<T> attempt;
        try {
            catalog.requireCounts(run.session(), statement.sql());
            attempt = limited.run(
                    run.session(),
                    statement.assessment(),
                    run.policy().impact(),
                    lastJudgement.counted(run, statement),
                    cover.isPresent() ? cover.get() : BeforeImages.NONE,
                    run.execution());
        } catch (SQLException e) {
            Optional<Excess> outside = LimitedExecution.outsideTransaction(run.session(), e);
            if (outside.isPresent() && run.execution().repeatable()) {
                return pastLimit(run, statement, outside.get());
            }
            SQLException failure = run.execution().translate(e);
            // The server may have run and kept what the driver cannot answer for.
            Optional<String> change = cover.flatMap(WriteCover::rows).map(SecuredRows::groupId);
            run.session().changed(change);
            audit.outcome(run.session(), statement, AuditTrail.failure(failure), new Links(Optional.empty(), change));
            throw failure;
        } finally {
            timeout.ifPresent(QueryTimeouts.Count::end);
            if (!statement.assessment().statements().stream().allMatch(each -> EvaluatingCommands.onRows(each.tag()))) {
                codeOnWrite.forget(run.session());
            }
        }
        if (attempt.excess().isEmpty()) {
            Optional<SecuredRows> rows = cover.flatMap(WriteCover::rows);
            Optional<String> change = rows.map(SecuredRows::groupId);
            run.session().changed(change);
            audit.outcome(run.session(), statement, "executed", new Links(Optional.empty(), change));
            rows.ifPresent(stored -> run.events().secured(stored, began));
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
}
