package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.control.WriteBudgets;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.impact.columns.ReportedRows;
import io.backstop.jdbc.internal.pipeline.impact.plain.PlainTable;
import io.backstop.jdbc.internal.pipeline.impact.plain.PlainWrite;
import io.backstop.jdbc.internal.pipeline.impact.plain.PlainWrites;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.LookedExecution;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.BeforeImages;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import io.backstop.jdbc.internal.pipeline.written.LookedText;
import io.backstop.jdbc.internal.pipeline.written.WriteLedger;
import io.backstop.jdbc.internal.pipeline.written.WrittenRows;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.PolicyNames;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Runs a statement and keeps it only if it changed no more rows than the policy allows, by the server's own count after the
 * fact, and took no table or column away unseen. What cannot be counted is treated as past the limit. Thread-safe.
 */
public final class LimitedExecution {
    private static final Assessment NOTHING = Assessment.of(List.of());

    static final RuleId IMPACT_LIMIT = new RuleId("impact-limit");

    /** invalid_transaction_termination (PostgreSQL documentation, appendix A). */
    private static final String TERMINATION = "2D000";

    /** active_sql_transaction: the statement runs in no transaction block, and did not run. */
    private static final String IN_TRANSACTION = "25001";

    /** Statements that run what cannot be read here, within one transaction. */
    private static final Set<CommandTag> UNSEEN = Set.of(CommandTag.DO, CommandTag.EXECUTE, CommandTag.CALL);

    /** What runs code of the user's, text, the expressions of an index or another server, or writes large objects. */
    private static final Set<RuleId> UNSEEN_CALLS = Set.of(
            CatalogWeigher.RULE,
            Rule.LARGE_OBJECT_WRITE.id(),
            Rule.QUERY_FROM_TEXT.id(),
            Rule.ADMINISTRATIVE_FUNCTION.id(),
            Judge.FOREIGN_TABLE);

    /**
     * The words by which a definition gets another name, or leaves the table that is over it or comes under another: {@code
     * RENAME}, {@code SET SCHEMA}, {@code INHERIT}, {@code DETACH PARTITION} and {@code ATTACH PARTITION}; or by which a column
     * is generated otherwise, {@code DROP EXPRESSION}.
     */
    private static final List<String> REDEFINING =
            List.of("rename", "schema", "inherit", "detach", "attach", "expression");

    /** Commands that insert nothing by themselves. */
    private static final Set<CommandTag> CHANGING = Set.of(CommandTag.UPDATE, CommandTag.DELETE);

    private final CodeOnWrite code;
    private final BudgetCheck budget;
    private final SizesBeforeInserts sizes;
    private final PlainWrites plainWrites = new PlainWrites();

    public LimitedExecution(CodeOnWrite code, WriteBudgets budgets, Clock clock) {
        this.code = code;
        this.sizes = new SizesBeforeInserts(budgets, clock);
        this.budget = new BudgetCheck(budgets, sizes);
    }

    /** To be told before a statement runs, whether or not its rows are counted. */
    public void beginning(GuardedSession session, Assessment assessment, ImpactRules rules) throws SQLException {
        if (CodeOnWrite.inserts(assessment)
                || assessment.statements().stream().anyMatch(each -> !CHANGING.contains(each.tag()))) {
            session.inserting(); // a block or a function may, too
        }
        if (holdsUnseenCode(assessment)) {
            session.fence().restsOnCatalog(); // it may open a cursor, whose query runs when rows are fetched
        }
        if (rules.enabled() && SizesBeforeInserts.attaches(assessment)) {
            sizes.look(session, assessment, rules);
        }
    }

    /**
     * Whether the rows are counted: of a write that updates or deletes, whatever stands beside it, of unseen code, of what fills
     * a new table, and of an INSERT that sets such code off or may reach a protected table by another name.
     */
    public boolean applies(GuardedSession session, Assessment assessment, ImpactRules rules) throws SQLException {
        return rules.enabled()
                && (isScopedWrite(assessment)
                        || runsUnseenCode(assessment)
                        || (assessment.risk() != RiskLevel.CRITICAL
                                && (fillsTable(assessment)
                                        || (protectsAnything(rules) && redefines(assessment))
                                        || (CodeOnWrite.inserts(assessment)
                                                && (protectsAnything(rules)
                                                        || code.of(session).fires(assessment))))));
    }

    /** What its query would take away with a definition could not be told afterwards from what it makes. */
    private static boolean fillsTable(Assessment assessment) {
        return LookedText.fillsTable(assessment)
                && LookedText.control(assessment).isEmpty();
    }

    /**
     * A RENAME or SET SCHEMA reaches more than what it names: the columns of children and of tables of a type, the members of
     * an extension; and what NO INHERIT names may be the child of a child. Which protected table is not known any more is only
     * seen afterwards.
     */
    private static boolean redefines(Assessment assessment) {
        return assessment.statements().stream()
                .anyMatch(statement -> REDEFINING.stream().anyMatch(statement.mentions()::contains)
                        && !LookedText.isOnRows(Assessment.of(List.of(statement))));
    }

    private static boolean protectsAnything(ImpactRules rules) {
        return !rules.protectedTables().isEmpty() || !rules.protectedColumns().isEmpty();
    }

    /**
     * Runs what is to change no row that is there.
     *
     * @return empty where it did; it was undone then, and has to be counted
     */
    public <T extends @Nullable Object> Optional<LookedExecution.Kept<T>> runLooking(
            GuardedSession session, Assessment assessment, ImpactRules rules, LastLook look, Execution<T> execution)
            throws SQLException {
        boolean defines = !LookedText.isOnRows(assessment);
        return LookedExecution.run(
                session,
                look,
                written -> {
                    boolean harmless = !written.deferring()
                            && !written.holding()
                            && session.ledger().unaccounted(written).keySet().stream()
                                    .allMatch(table -> defines && !WrittenRows.holdsData(table));
                    if (harmless) {
                        sizes.remember(session, assessment, written, rules);
                    }
                    return harmless;
                },
                execution);
    }

    /** What the session's transaction changes from here on is counted by nobody; what was left open is looked at before. */
    public void uncounted(GuardedSession session, ImpactRules rules) throws SQLException {
        settleOpen(session, rules);
        session.ledger().lost();
    }

    /**
     * The same for a statement that is about to run.
     *
     * @param approved whether an operator has let it
     */
    public void uncounted(GuardedSession session, Assessment assessment, ImpactRules rules, boolean approved)
            throws SQLException {
        uncounted(session, rules);
        if (rules.enabled()
                && CodeOnWrite.inserts(assessment)
                && LookedText.control(assessment).isPresent()) {
            if (!approved) {
                SizesBeforeInserts.requirePresentNames(session, rules);
            }
            sizes.look(session, assessment, rules);
        }
    }

    /**
     * Has the sizes of the tables remembered into which a statement inserts whose rows nobody counts.
     *
     * @return how it is to be sent within a transaction; empty where there is nothing to remember
     */
    public <T extends @Nullable Object> Optional<Execution<T>> measuring(
            GuardedSession session, Assessment assessment, ImpactRules rules, Execution<T> execution) {
        return rules.enabled() && LookedText.control(assessment).isEmpty()
                ? sizes.measuring(session, assessment, rules, execution)
                : Optional.empty();
    }

    /**
     * Looks at what was left open in the caller's transaction: statements that were to change no row that was there.
     *
     * @throws ImpactLimitException where they changed more than a policy lets pass; the transaction stays open
     */
    public void settleOpen(GuardedSession session, ImpactRules rules) throws SQLException {
        WriteLedger ledger = session.ledger();
        if (ledger.isOpen() && !session.inFailedTransaction()) {
            session.lookAsWriter(() -> lookAtOpen(session, rules));
        }
    }

    private void lookAtOpen(GuardedSession session, ImpactRules rules) throws SQLException {
        WriteLedger ledger = session.ledger();
        boolean looked = ledger.isKnown(); // else nothing has gone on since it was looked at
        WrittenRows written = WrittenRows.read(session.connection());
        Map<Long, Long> more = looked ? ledger.unaccounted(written) : new HashMap<>();
        if (ledger.mayDefine()) {
            more.keySet().removeIf(table -> !WrittenRows.holdsData(table));
        }
        if (!more.isEmpty()) {
            code.outdated(session);
            Count.Result count = Unaccounted.count(session, rules, written, more);
            BudgetCheck.Share share = count.excess().isEmpty() ? take(session, rules, count) : BudgetCheck.Share.NONE;
            Optional<Excess> excess = count.excess().or(share::excess);
            if (excess.isPresent()) {
                ImpactLimitException refusal = new ImpactLimitException(
                        "statements of the transaction that were to change no rows set off code that was made meanwhile: "
                                + excess.get().reason() + "; nothing was committed",
                        "roll the transaction back, and send it again");
                budget.giveBack(share, refusal);
                throw refusal;
            }
            giveBackOnRollback(session, count, share);
        }
        if (looked) {
            sizes.remember(session, NOTHING, written, rules);
        }
        ledger.account(written);
        if (written.deferring() || written.holding()) {
            session.deferring();
        }
    }

    /** Why what it changes cannot be counted, so that it is past the limit before it runs; empty where it can be. */
    public Optional<Excess> uncountable(GuardedSession session, ReviewedStatement statement) throws SQLException {
        return UncountableCode.in(session.connection(), statement.assessment(), statement.sql(), code.of(session));
    }

    private static boolean isScopedWrite(Assessment assessment) {
        return switch (assessment.risk()) {
            case WRITE -> !assessment.destructions().isEmpty();
            case HIGH ->
                assessment.destructions().stream()
                        .map(Destruction::kind)
                        .anyMatch(kind -> kind == Kind.UPDATE || kind == Kind.DELETE);
            default -> false; // nothing to count, or a snapshot is taken
        };
    }

    /** What ends the transaction by itself cannot be undone when it was counted. */
    private static void refuseTransactionControl(Assessment assessment) throws ImpactLimitException {
        Optional<StatementAssessment> control = LookedText.control(assessment);
        if (control.isPresent()) {
            throw new ImpactLimitException(
                    control.get().operation() + " stands in one text with a write whose rows have to be counted,"
                            + " and would keep it before they are; nothing was run",
                    "send the statements one at a time");
        }
    }

    /** The server answers no question in a transaction that has failed, so that nothing is known of what comes next in it. */
    public static ImpactLimitException unseenUntilRolledBack() {
        return new ImpactLimitException(
                "ROLLBACK TO SAVEPOINT stands in one text with what changes something, in a transaction that has failed:"
                        + " what that has changed so far cannot be asked before the text runs; nothing was run",
                "send the statements one at a time");
    }

    /** Not what was counted and undone already: it runs for good where the policy lets it nevertheless. */
    static boolean runsUnseenCode(Assessment assessment) {
        return holdsUnseenCode(assessment)
                && assessment.findings().stream().noneMatch(found(IMPACT_LIMIT).or(found(BudgetCheck.WRITE_BUDGET)));
    }

    static boolean holdsUnseenCode(Assessment assessment) {
        return assessment.statements().stream()
                .anyMatch(statement -> statement.holdsAny(UNSEEN)
                        || statement.findings().stream().map(Finding::rule).anyMatch(UNSEEN_CALLS::contains));
    }

    private static Predicate<Finding> found(RuleId rule) {
        return finding -> finding.rule().equals(rule);
    }

    /** The query of a cursor runs when it is fetched from, or at the COMMIT: after the count. */
    private static void refuseCursor(Assessment assessment) throws ImpactLimitException {
        for (StatementAssessment each : assessment.statements()) {
            if (each.tag() == CommandTag.DECLARE_CURSOR
                    && each.findings().stream().anyMatch(found(CatalogWeigher.RULE))) {
                throw new ImpactLimitException(
                        "DECLARE CURSOR of a query that runs code of the user's: what it changes could not be counted,"
                                + " because it runs when the cursor is fetched from; nothing was run",
                        "send the query itself, or declare the function STABLE if it changes nothing");
            }
        }
    }

    /**
     * Runs it; where the attempt has an excess, everything that it did was undone.
     *
     * @param look is asked when it has run, which may have taken long, and before it is kept
     * @param images of the rows that it changes
     */
    public <T extends @Nullable Object> Attempt<T> run(
            GuardedSession session,
            Assessment assessment,
            ImpactRules rules,
            LastLook look,
            BeforeImages images,
            Execution<T> execution)
            throws SQLException {
        refuseTransactionControl(assessment);
        refuseCursor(assessment);
        if (images.wanted()) {
            settleOpen(session, rules);
        }
        while (images.wanted()) {
            CodeOnWrite.Facts now = code.of(session);
            Optional<PlainWrite> plain = plain(session, assessment, now, execution);
            Optional<Attempt<T>> covered = attempt(session, assessment, rules, now, images, transaction -> {
                if (!transaction.sendBeside(() -> images.store(transaction.own()))) {
                    return Optional.empty();
                }
                Optional<Counted<T>> counted = plain.isPresent()
                        ? prove(session, assessment, rules, plain.get(), look, execution, transaction)
                        : Optional.of(count(session, assessment, rules, now, look, execution, transaction));
                return counted.isPresent() && images.areExact() ? counted : Optional.empty();
            });
            if (covered.isPresent()) {
                return covered.get();
            }
        }
        CodeOnWrite.Facts facts = code.of(session);
        Optional<PlainWrite> plain = plain(session, assessment, facts, execution);
        settleOpen(session, rules); // what fails or is undone leaves its traces in the counters
        if (plain.isPresent()) {
            Optional<Attempt<T>> proved = attempt(
                    session,
                    assessment,
                    rules,
                    facts,
                    BeforeImages.NONE,
                    transaction -> prove(session, assessment, rules, plain.get(), look, execution, transaction));
            if (proved.isPresent()) {
                return proved.get();
            }
        }
        CodeOnWrite.Facts now = code.of(session);
        return attempt(
                        session,
                        assessment,
                        rules,
                        now,
                        BeforeImages.NONE,
                        transaction ->
                                Optional.of(count(session, assessment, rules, now, look, execution, transaction)))
                .orElseThrow();
    }

    private <T extends @Nullable Object> Optional<PlainWrite> plain(
            GuardedSession session, Assessment assessment, CodeOnWrite.Facts facts, Execution<T> execution)
            throws SQLException {
        return execution.repeatable() && !session.isInserting()
                ? plainWrites.find(session, assessment, facts::firesOn)
                : Optional.empty();
    }

    /** Counts it by the server's answer; empty where that is not proved to be all, and the write has to be undone. */
    private <T extends @Nullable Object> Optional<Counted<T>> prove(
            GuardedSession session,
            Assessment assessment,
            ImpactRules rules,
            PlainWrite plain,
            LastLook look,
            Execution<T> execution,
            StatementTransaction transaction)
            throws SQLException {
        session.knowsWhatIsWritten();
        Sent<T> sent = send(transaction, look, execution);
        Optional<Counted<T>> proved = sent.untaken().isPresent()
                ? Optional.empty()
                : answered(session, assessment, rules, plain, execution).map(count -> new Counted<>(sent, count));
        plainWrites.remember(session, plain, proved.isPresent());
        if (proved.isEmpty() && !session.outsideTransaction()) {
            code.outdated(session); // it may have a trigger by now that waits for the commit
        }
        return proved;
    }

    private static <T extends @Nullable Object> Counted<T> count(
            GuardedSession session,
            Assessment assessment,
            ImpactRules rules,
            CodeOnWrite.Facts facts,
            LastLook look,
            Execution<T> execution,
            StatementTransaction transaction)
            throws SQLException {
        Count count = Count.begin(session.connection(), assessment, rules, facts, session.isInserting());
        Sent<T> sent = send(transaction, look, execution);
        if (transaction.own()) {
            // Triggers that wait for the commit would change rows after they were counted.
            transaction.execute("SET CONSTRAINTS ALL IMMEDIATE");
        }
        return new Counted<>(sent, count.end(sent.batchCounts(execution), sent.reported(assessment, execution)));
    }

    private static <T extends @Nullable Object> Sent<T> send(
            StatementTransaction transaction, LastLook look, Execution<T> execution) throws SQLException {
        Sent<T> sent;
        try {
            sent = new Sent<>(Optional.of(new LookedExecution.Kept<>(transaction.send(execution))), Optional.empty());
        } catch (SQLException e) {
            if (!transaction.hasRun(e)) {
                throw e;
            }
            sent = new Sent<>(Optional.empty(), Optional.of(e));
        }
        look.require();
        return sent;
    }

    /**
     * A statement that the server ran.
     *
     * @param untaken why the driver cannot take the answer; there is no result then
     */
    private record Sent<T extends @Nullable Object>(
            Optional<LookedExecution.Kept<T>> result, Optional<SQLException> untaken) {
        long[] batchCounts(Execution<T> execution) {
            return result.isPresent() ? execution.batchCounts(result.get().result()) : new long[0];
        }

        /** Empty where the driver does not know. */
        Optional<Long> reported(Assessment assessment, Execution<T> execution) throws SQLException {
            return result.isPresent()
                    ? ReportedRows.of(assessment, execution, batchCounts(execution))
                    : Optional.empty();
        }

        /** @throws SQLException why there is none */
        T taken() throws SQLException {
            if (untaken.isPresent()) {
                throw untaken.get();
            }
            return result.orElseThrow().result();
        }
    }

    /** What a plain write has changed, as the server answered it; empty where that is not proved to be all. */
    private static Optional<Count.Result> answered(
            GuardedSession session, Assessment assessment, ImpactRules rules, PlainWrite write, Execution<?> execution)
            throws SQLException {
        long rows = execution.statement().getLargeUpdateCount();
        Optional<PlainTable> table = PlainTable.proved(session.connection(), write);
        if (rows < 0 || table.isEmpty() || isProtected(table.get(), rules)) {
            return Optional.empty();
        }
        RowCounts answered = write.updates() ? new RowCounts(0, rows, 0) : new RowCounts(0, 0, rows);
        Map<Long, Long> alone = rows == 0 ? Map.of() : Map.of(table.get().oid(), rows);
        return session.ledger().unaccounted(table.get().written()).equals(alone)
                ? Optional.of(Count.of(session.connection(), assessment, rules, table.get(), answered))
                : Optional.empty();
    }

    /** Its text has been judged by that already; the full count looks again. */
    private static boolean isProtected(PlainTable table, ImpactRules rules) {
        return Stream.concat(rules.protectedTables().stream(), rules.protectedColumns().keySet().stream())
                .anyMatch(each -> PolicyNames.means(each, table.name()));
    }

    /** Empty where it could not be counted in this way; it was undone then. */
    private <T extends @Nullable Object> Optional<Attempt<T>> attempt(
            GuardedSession session,
            Assessment assessment,
            ImpactRules rules,
            CodeOnWrite.Facts facts,
            BeforeImages images,
            Counting<T> counting)
            throws SQLException {
        StatementTransaction transaction =
                images.wanted() ? StatementTransaction.aroundCopy(session) : StatementTransaction.around(session);
        BudgetCheck.Share share = BudgetCheck.Share.NONE;
        session.ledger().counting();
        boolean decided = false;
        boolean keeping = false;
        try {
            Optional<Counted<T>> counted = counting.run(transaction);
            if (counted.isEmpty()) {
                session.ledger().lost();
                images.discard(new SQLException("the write is run in another way"));
                transaction.undoWhole();
                return Optional.empty();
            }
            Count.Result count = counted.get().count();
            session.ledger().account(count.written());
            Optional<Excess> excess = count.excess();
            if (excess.isEmpty()) {
                sizes.remember(session, assessment, count, rules);
                if (count.written().deferring()) {
                    // At a higher isolation level the catalog was seen as it was, without the newest tables.
                    sizes.remember(session, NOTHING, WrittenRows.read(session.connection()), rules);
                }
                share = take(session, rules, count);
                excess = share.excess();
            }
            if (excess.isPresent()) {
                SQLException why = new SQLException(excess.get().reason());
                transaction.undo(why);
                images.discard(why);
                budget.giveBack(share, why);
            } else {
                transaction.sendBeside(() -> {
                    images.keeping(transaction.own(), count.changedTables());
                    return true;
                });
                keeping = true; // whether the rows are changed is known when it is done
                keep(session, transaction, count, share, facts);
                images.kept(transaction.own());
            }
            decided = true;
            return Optional.of(new Attempt<>(counted.get().sent().taken(), excess));
        } catch (SQLException | RuntimeException | Error e) {
            if (decided) {
                throw e; // the server would have kept it without a transaction around it
            }
            session.ledger().lost();
            transaction.undo(e);
            if (!keeping || isUndone(e)) {
                images.discard(e instanceof Exception failure ? failure : new SQLException(e));
            }
            if (isUndone(e)) {
                budget.giveBack(share, e);
            }
            if (transaction.own() && e instanceof SQLException failure && TERMINATION.equals(failure.getSQLState())) {
                throw endsItsTransaction(failure);
            }
            throw e;
        }
    }

    /** Sends the statement, and counts what it changes. */
    private interface Counting<T extends @Nullable Object> {
        Optional<Counted<T>> run(StatementTransaction transaction) throws SQLException;
    }

    private record Counted<T extends @Nullable Object>(Sent<T> sent, Count.Result count) {}

    private BudgetCheck.Share take(GuardedSession session, ImpactRules rules, Count.Result counted)
            throws SQLException {
        return budget.take(
                session, rules.budget(), counted.changed(), counted.tables(), new TableSizes(session.connection()));
    }

    private void keep(
            GuardedSession session,
            StatementTransaction transaction,
            Count.Result counted,
            BudgetCheck.Share share,
            CodeOnWrite.Facts facts)
            throws SQLException {
        transaction.keep();
        if (!transaction.own()) {
            if (counted.changed().inserted() > 0) {
                session.inserting(); // a trigger may, too
            }
            giveBackOnRollback(session, counted, share);
            if (facts.deferrable() || counted.written().deferring()) {
                session.deferring();
            }
        }
    }

    private void giveBackOnRollback(GuardedSession session, Count.Result counted, BudgetCheck.Share share) {
        if (share.entry().isPresent() && counted.transaction().isPresent()) {
            session.uncommitted().onRollback(counted.transaction().get(), why -> budget.giveBack(share, why));
        }
    }

    /** Whether the server has said so, and the connection is not lost: then it is not known what became of a commit. */
    private static boolean isUndone(Throwable failure) {
        return !(failure instanceof SQLException e)
                || (e.getSQLState() != null
                        && !e.getSQLState().startsWith("08")
                        && !e.getSQLState().startsWith("57P"));
    }

    /**
     * Runs what the caller's transaction has left for its commit, before the commit is sent, and counts it.
     *
     * @param work what has them run
     * @throws ImpactLimitException where they changed too much; they were undone, and the transaction goes on
     */
    public <T extends @Nullable Object> T settle(GuardedSession session, ImpactRules rules, ServerCall<T> work)
            throws SQLException {
        Connection connection = session.connection();
        settleOpen(session, rules);
        session.fence().leave();
        session.send("SAVEPOINT backstop_settle");
        Count count = Count.begin(connection, NOTHING, rules, code.of(session), session.isInserting());
        T result = work.run();
        Count.Result counted = count.end(new long[0], Optional.empty());
        session.ledger().account(counted.written());
        Optional<Excess> excess = counted.excess();
        if (excess.isEmpty()) {
            sizes.remember(session, NOTHING, counted, rules);
            BudgetCheck.Share share = take(session, rules, counted);
            excess = share.excess();
            if (excess.isPresent()) {
                budget.giveBack(share, new SQLException(excess.get().reason()));
            }
        }
        if (excess.isPresent()) {
            session.send("ROLLBACK TO SAVEPOINT backstop_settle");
            session.send("RELEASE SAVEPOINT backstop_settle");
            throw new ImpactLimitException(
                    "the deferred triggers of the transaction were undone: "
                            + excess.get().reason(),
                    "roll the transaction back, and send its statements one at a time in auto-commit mode, where they can"
                            + " be approved");
        }
        session.send("RELEASE SAVEPOINT backstop_settle");
        if (counted.written().holding() && !declaredByCaller(session)) {
            session.fence().holdsCursor(); // its query runs at the commit, and must not write
        }
        return result;
    }

    /** Whether the cursors that wait for the commit are those that texts of the caller's have declared as ones that may write. */
    private static boolean declaredByCaller(GuardedSession session) throws SQLException {
        for (String cursor : WrittenRows.heldCursors(session.connection())) {
            if (!session.fence().mayWrite(cursor)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Why a statement cannot be counted that the server refuses to run in the transaction in which it would have been; empty
     * where the caller's own is why, or the failure is another.
     */
    public static Optional<Excess> outsideTransaction(GuardedSession session, SQLException failure)
            throws SQLException {
        return IN_TRANSACTION.equals(failure.getSQLState()) && session.outsideTransaction()
                ? Optional.of(
                        Excess.uncounted("what its code changes cannot be counted, because it runs in no transaction"))
                : Optional.empty();
    }

    /** Without Backstop it would have run: there was no transaction around it. */
    private static ImpactLimitException endsItsTransaction(SQLException failure) {
        return new ImpactLimitException(
                "the code ends its own transaction (COMMIT or ROLLBACK), so what it changes could not be counted before it"
                        + " is kept; it was rolled back",
                "take COMMIT and ROLLBACK out of it; where the policy holds it for approval, or has"
                        + " impact_analysis_enabled off, it runs as it is",
                failure);
    }

    /** The refusal of a statement that was run and undone. */
    public static ImpactLimitException refusal(Excess excess, BackstopException refusal) {
        return new ImpactLimitException(
                "the write was rolled back: " + excess.reason() + "; " + refusal.problem(), refusal.hint(), refusal);
    }

    /** The refusal of a statement that was not run, because it could not be counted. */
    public static ImpactLimitException refusalUnrun(Excess excess, BackstopException refusal) {
        return new ImpactLimitException(
                "the write was not run: " + excess.reason() + "; " + refusal.problem(), refusal.hint(), refusal);
    }

    /** What the caller is told where the statement was undone, and cannot be run again. */
    public static <T extends @Nullable Object> ImpactLimitException unrepeatable(
            Attempt<T> attempt, Execution<T> execution) {
        String reason = attempt.excess().orElseThrow().reason();
        return execution.batchCounts(attempt.result()).length > 0
                ? new ImpactLimitException(
                        "the batch was rolled back: " + reason,
                        "send it in smaller batches, or as one statement that can be approved")
                : new ImpactLimitException(
                        "the statement was rolled back: " + reason
                                + "; it cannot be run again, because one of its values is"
                                + " a stream that has been read",
                        "bind it with setBytes or setString, or change fewer rows at a time");
    }

    /** What the caller is told of a statement that changed rows unexpectedly, and cannot be run again to be counted. */
    public static ImpactLimitException changedMore(Execution<?> execution) {
        String changed = " was rolled back: it changed rows that were there, by code that was made meanwhile";
        return new ImpactLimitException(
                execution.isBatch()
                        ? "the batch" + changed
                        : "the statement" + changed
                                + "; it cannot be run again, because one of its values is a stream that has been read",
                "send it again");
    }

    /** What came of it: a result, or why it was undone. */
    public record Attempt<T extends @Nullable Object>(T result, Optional<Excess> excess) {}
}
