package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.ReadFence;
import io.backstop.jdbc.internal.analysis.detail.CursorName;
import io.backstop.jdbc.internal.analysis.detail.TransactionModes;
import io.backstop.jdbc.internal.analysis.query.WriteTransactionNeeds;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.LookedExecution;
import io.backstop.jdbc.internal.pipeline.session.SessionFence;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import io.backstop.jdbc.internal.pipeline.written.LookedText;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Runs statements on the right side of the read fence: what was judged SAFE behind it, so that the server refuses it where
 * the judgement was wrong; what may write outside. Called within the session's turn. Thread-safe.
 */
public final class FencedExecution {
    /** read_only_sql_transaction (PostgreSQL documentation, appendix A). */
    private static final String READ_ONLY = "25006";

    /** The server's function that refuses what a read-only transaction must not do; RAISE in a function is another. */
    private static final String REFUSING = "PreventCommandIfReadOnly";

    private static final String ONCE =
            "send what it goes on with by itself, or let the function be approved that changes something";

    /** invalid_cursor_name: a portal, too, of which the server does not know. */
    private static final String NO_SUCH_PORTAL = "34000";

    /** in_failed_sql_transaction. */
    private static final String FAILED = "25P02";

    private final RefusedShapes refused = new RefusedShapes();

    /** Before anything else is sent for a statement. */
    public void begin(GuardedSession session, ReadFence rule, AssessedText text) throws SQLException {
        SessionFence fence = session.fence();
        fence.follow(rule);
        if (fence.transactionBegins()) {
            fence.beginTransaction(
                    text.assessment().risk() == RiskLevel.SAFE && FenceNeed.of(text.assessment()) == FenceNeed.READ);
        }
    }

    /**
     * The assessment with what the fence adds: what the server has refused before is not SAFE, nor is what rests on the
     * catalog and cannot be fenced.
     */
    public Assessment weigh(GuardedSession session, AssessedText text, Assessment assessment, boolean restsOnCatalog)
            throws SQLException {
        SessionFence fence = session.fence();
        if (assessment.risk() != RiskLevel.SAFE) {
            return fence.watches() && assessment.statements().size() > 1 && goesOn(assessment)
                    ? raised(assessment, "goes on with a cursor or a prepared statement in one text with a write")
                    : assessment;
        }
        if (refused.contains(text)) {
            return raised(assessment, "changes something: the server refused it in a read-only transaction before");
        }
        if (!fence.watches()) {
            return assessment;
        }
        if (!restsOnCatalog && !goesOn(assessment)) {
            return fence.coversAll() && keptUnseen(session, text)
                    ? raised(
                            assessment,
                            "ends a transaction in one text with other statements, so that it cannot be run read-only;"
                                    + " send the statements one at a time")
                    : assessment;
        }
        return switch (FenceNeed.of(assessment)) {
            case MIXED ->
                raised(
                        assessment,
                        "runs code of the database's own beside transaction control, so that it cannot be run read-only;"
                                + " send the statements one at a time");
            case WRITE_TRANSACTION ->
                raised(
                        assessment,
                        "runs code of the database's own in a text that locks rows or takes numbers from a sequence,"
                                + " so that it cannot be run read-only");
            default -> assessment;
        };
    }

    private static boolean keptUnseen(GuardedSession session, AssessedText text) throws SQLException {
        return FenceNeed.of(text.assessment()) == FenceNeed.MIXED
                && MixedText.of(session, text) == MixedText.UNSEEN
                && !refusedAfterRollback(session.fence(), text.assessment());
    }

    private static Assessment raised(Assessment assessment, String reason) {
        Finding finding = new Finding(CatalogWeigher.RULE, RiskLevel.HIGH, reason);
        return Assessment.of(assessment.statements().stream()
                .map(statement -> statement.with(List.of(finding)))
                .toList());
    }

    /**
     * Runs what was judged SAFE.
     *
     * @param looks whether what cannot be fenced is looked at when it has run
     * @throws StatementBlockedException where the server refused it because it would have changed something
     */
    public <T extends @Nullable Object> T read(
            GuardedSession session, AssessedText text, boolean restsOnCatalog, boolean looks, Execution<T> execution)
            throws SQLException {
        SessionFence fence = session.fence();
        if (!fence.watches()) {
            return execution.run();
        }
        FenceNeed need = FenceNeed.of(text.assessment());
        boolean covered = need == FenceNeed.READ && covered(fence, text, restsOnCatalog);
        boolean ours = fence.refusesAlone();
        boolean open = !session.outsideTransaction();
        if (restsOnCatalog) {
            fence.restsOnCatalog();
        }
        MixedText mixed = need == FenceNeed.MIXED ? MixedText.of(session, text) : MixedText.HARMLESS;
        boolean fetches = open && need == FenceNeed.READ && fetchesWriting(fence, text);
        boolean looked = looks && (need == FenceNeed.WRITE_TRANSACTION || mixed == MixedText.LEFT_OPEN || fetches);
        boolean byItself = looked && mixed != MixedText.LEFT_OPEN && (!open || (session.endsUnseen() && !fetches));
        if (looked && !byItself && session.knowsWhatIsWritten()) {
            session.leaveOpen(false, false);
            if (need == FenceNeed.WRITE_TRANSACTION && LookedText.mayGoOn(text.assessment(), execution)) {
                session.ledger().goesOn();
            }
        }
        if (holds(text.assessment(), CommandTag.DISCARD)) {
            session.ledger().lost(); // it drops temporary tables, and what was left open has been looked at
        }
        try {
            if (byItself) {
                return byItself(session, text, open, execution);
            }
            T result = open
                    ? inTransaction(fence, need, mixed, covered, restsOnCatalog, text, execution)
                    : alone(session, need, mixed, covered, text, execution);
            if (need != FenceNeed.READ) {
                TransactionFollower.follow(session, text, open);
            }
            return result;
        } catch (SQLException e) {
            failed(session, e);
            if (ours && misjudged(e)) {
                throw blocked(e, need == FenceNeed.READ && !goesOn(text.assessment()) ? remember(text) : ONCE);
            }
            throw e;
        }
    }

    private String remember(AssessedText text) {
        refused.add(text);
        return "send it again: it is judged HIGH from now on, and can be approved where the policy holds that";
    }

    private <T extends @Nullable Object> T byItself(
            GuardedSession session, AssessedText text, boolean open, Execution<T> execution) throws SQLException {
        ServerCall<T> call = () -> LookedExecution.run(
                        session,
                        () -> {},
                        written -> (!written.holding() || holds(text.assessment(), CommandTag.DECLARE_CURSOR))
                                && session.ledger().unaccounted(written).isEmpty(),
                        execution)
                .orElseThrow(() -> new StatementBlockedException(
                        "the statement was judged SAFE and changed rows, so it was rolled back [" + CatalogWeigher.RULE
                                + "]",
                        remember(text)))
                .result();
        return !open && session.fence().byDefault() && WriteTransactionNeeds.showsSession(text.sql())
                ? writing(session.fence(), call)
                : call.run();
    }

    private static <T extends @Nullable Object> T alone(
            GuardedSession session,
            FenceNeed need,
            MixedText mixed,
            boolean covered,
            AssessedText text,
            Execution<T> execution)
            throws SQLException {
        SessionFence fence = session.fence();
        boolean several = text.assessment().statements().size() > 1;
        if (fence.byDefault()) {
            return switch (need) {
                case WRITE_TRANSACTION -> writing(fence, execution);
                case MIXED -> mixed == MixedText.READ ? execution.run() : writing(fence, execution);
                case TRANSACTION_CONTROL -> several ? writing(fence, execution) : execution.run();
                case READ, NONE -> execution.run();
            };
        }
        return covered ? readOnly(session, execution) : execution.run();
    }

    private static <T extends @Nullable Object> T inTransaction(
            SessionFence fence,
            FenceNeed need,
            MixedText mixed,
            boolean covered,
            boolean restsOnCatalog,
            AssessedText text,
            Execution<T> execution)
            throws SQLException {
        switch (need) {
            case READ -> {
                if (covered) {
                    fence.enter();
                    if (restsOnCatalog || declaresHeld(text)) {
                        fence.holdsCursor();
                    }
                }
            }
            case TRANSACTION_CONTROL, MIXED -> {
                return controlling(fence, text, mixed == MixedText.READ, execution);
            }
            case WRITE_TRANSACTION -> {
                fence.leave();
                declaredOutside(fence, text);
                if (!fence.hasFailed() && WriteTransactionNeeds.showsSession(text.sql())) {
                    fence.allowWritesAfterCommit();
                    return writesAllowed(fence, execution);
                }
            }
            case NONE -> {
                // It runs on either side.
            }
        }
        return execution.run();
    }

    /** What a text sends after it has committed begins with the session's default, so that this has to let it write. */
    private static <T extends @Nullable Object> T controlling(
            SessionFence fence, AssessedText text, boolean reads, Execution<T> execution) throws SQLException {
        List<StatementAssessment> statements = text.assessment().statements();
        boolean commits = holds(text.assessment(), CommandTag.COMMIT);
        if (commits && fence.cursorHeld()) {
            if (statements.get(0).tag() != CommandTag.COMMIT) {
                throw new StatementBlockedException(
                        "a COMMIT stands in one text with other statements, and the transaction may hold a cursor whose"
                                + " query runs at the COMMIT; nothing was run [" + CatalogWeigher.RULE + "]",
                        "send the COMMIT by itself");
            }
            fence.beforeCommit();
        }
        if (refusedAfterRollback(fence, text.assessment())) {
            throw new StatementBlockedException(
                    "a ROLLBACK stands in one text between other statements, and what follows it would be read-only;"
                            + " nothing was run [" + CatalogWeigher.RULE + "]",
                    "send the statements one at a time");
        }
        if (fence.transactionBegins()) {
            fence.beginTransaction(false);
        } else {
            fence.leave();
        }
        if (statements.size() == 1 || reads) {
            return execution.run();
        }
        if (rollsBackFirst(text)) {
            fence.allowWritesAfterRollback();
        } else if (commits) {
            fence.allowWritesAfterCommit();
        } else {
            return execution.run();
        }
        return writesAllowed(fence, execution);
    }

    private static boolean refusedAfterRollback(SessionFence fence, Assessment assessment) throws SQLException {
        return fence.refusesAfterRollback() && writesAfterLaterRollback(assessment);
    }

    /** What a text sends after a ROLLBACK in its middle cannot be let write: a setting is undone by that ROLLBACK. */
    private static boolean writesAfterLaterRollback(Assessment assessment) {
        boolean rolledBack = false;
        List<StatementAssessment> statements = assessment.statements();
        for (int i = 1; i < statements.size(); i++) {
            StatementAssessment statement = statements.get(i);
            if (rolledBack && (statement.risk() != RiskLevel.SAFE || statement.needsWriteTransaction())) {
                return true;
            }
            rolledBack |= statement.tag() == CommandTag.ROLLBACK;
        }
        return false;
    }

    /** Whether the session's transaction has failed, and the text rolls it back before it goes on with something else. */
    public static boolean endsFailedTransaction(GuardedSession session, AssessedText text) {
        return session.inFailedTransaction() && text.assessment().statements().size() > 1 && rollsBackFirst(text);
    }

    /** The ROLLBACK TO SAVEPOINT with which a text of several statements takes back that the session's transaction has failed. */
    public static Optional<String> revivesFailedTransaction(GuardedSession session, AssessedText text) {
        List<StatementAssessment> statements = text.assessment().statements();
        if (!session.inFailedTransaction()
                || statements.size() == 1
                || statements.get(0).tag() != CommandTag.ROLLBACK_TO_SAVEPOINT) {
            return Optional.empty();
        }
        return Optional.of(StatementSplitter.first(Lexer.scan(text.sql(), text.standardConformingStrings())));
    }

    /** Whether the text begins with a ROLLBACK after which nothing goes on: a chain keeps what the transaction may do. */
    private static boolean rollsBackFirst(AssessedText text) {
        return text.assessment().statements().get(0).tag() == CommandTag.ROLLBACK
                && !TransactionModes.chainsFirst(text.sql(), text.standardConformingStrings());
    }

    /** Whether it has to be fenced: all of them, or what rests on the catalog, by itself or by what it goes on with. */
    private static boolean covered(SessionFence fence, AssessedText text, boolean restsOnCatalog) {
        if (goesOn(text.assessment())) {
            return (fence.coversAll() || restsOnCatalog || fence.restedOnCatalog()) && !fetchesWriting(fence, text);
        }
        return fence.coversAll() || restsOnCatalog;
    }

    private static boolean goesOn(Assessment assessment) {
        return holds(assessment, CommandTag.FETCH)
                || holds(assessment, CommandTag.MOVE)
                || holds(assessment, CommandTag.EXECUTE);
    }

    /** Whether it fetches from a cursor that was declared as one that may write. */
    private static boolean fetchesWriting(SessionFence fence, AssessedText text) {
        return text.assessment().statements().size() == 1
                && !holds(text.assessment(), CommandTag.EXECUTE)
                && cursor(text).filter(cursor -> fence.mayWrite(cursor.name())).isPresent();
    }

    /** Whether rows of it may be fetched when it has been looked at. */
    private static boolean declaresHeld(AssessedText text) {
        return holds(text.assessment(), CommandTag.DECLARE_CURSOR)
                && (text.assessment().statements().size() > 1
                        || cursor(text).filter(cursor -> !cursor.held()).isEmpty());
    }

    private static void declaredOutside(SessionFence fence, AssessedText text) {
        if (holds(text.assessment(), CommandTag.DECLARE_CURSOR)
                && text.assessment().statements().size() == 1) {
            cursor(text).ifPresent(cursor -> fence.writes(cursor.name()));
        }
    }

    private static Optional<CursorName> cursor(AssessedText text) {
        return CursorName.of(text.sql(), text.standardConformingStrings());
    }

    private static boolean holds(Assessment assessment, CommandTag tag) {
        for (StatementAssessment statement : assessment.statements()) {
            if (statement.tag() == tag) {
                return true;
            }
        }
        return false;
    }

    private static <T extends @Nullable Object> T readOnly(GuardedSession session, Execution<T> execution)
            throws SQLException {
        StatementTransaction transaction = StatementTransaction.readOnly(session);
        T result;
        try {
            result = transaction.send(execution);
        } catch (SQLException | RuntimeException | Error e) {
            transaction.undo(e);
            throw e;
        }
        transaction.keep();
        return result;
    }

    private static <T extends @Nullable Object> T writing(SessionFence fence, ServerCall<T> call) throws SQLException {
        fence.allowWrites();
        return writesAllowed(fence, call);
    }

    private static <T extends @Nullable Object> T writesAllowed(SessionFence fence, ServerCall<T> call)
            throws SQLException {
        T result;
        try {
            result = call.run();
        } catch (SQLException | RuntimeException | Error e) {
            fence.refuseWrites(e);
            throw e;
        }
        fence.refuseWrites(new SQLException("the statement ran"));
        return result;
    }

    /** Runs what may write, outside any transaction of Backstop's own. */
    public <T extends @Nullable Object> T write(GuardedSession session, AssessedText text, Execution<T> execution)
            throws SQLException {
        SessionFence fence = session.fence();
        if (!fence.watches()) {
            return execution.run();
        }
        boolean open = !session.outsideTransaction();
        T result;
        if (!open) {
            result = fence.byDefault() ? writing(fence, execution) : execution.run();
        } else {
            declaredOutside(fence, text);
            result = controlling(fence, text, false, execution);
        }
        TransactionFollower.follow(session, text, open);
        return result;
    }

    /**
     * What pgjdbc sends for what the application has already: further rows of a result set, a cursor among its values, parts
     * of a large object. A transaction that begins with it can write.
     *
     * @param within whether that came from behind the fence
     */
    public <T extends @Nullable Object> T fetch(GuardedSession session, boolean within, ServerCall<T> call)
            throws SQLException {
        SessionFence fence = session.fence();
        if (fence.watches() && fence.byDefault() && fence.transactionBegins()) {
            return writing(fence, call);
        }
        boolean ours = fence.refusesAlone();
        if (fence.watches() && session.inTransaction()) {
            if (!within) {
                fence.leave();
                if (session.ledger().isOpen()) {
                    session.knowsWhatIsWritten(); // what it changes is on top of that
                }
            } else if (fence.coversAll() || fence.restedOnCatalog()) {
                fence.enter();
            }
        }
        boolean failed = session.inFailedTransaction();
        try {
            return sent(session, ours, call, "fetch its rows all at once, without a fetch size");
        } catch (SQLException e) {
            if (failed && NO_SUCH_PORTAL.equals(e.getSQLState())) {
                // It went with the fence when another statement failed behind that; without one it would still be
                // there.
                throw new SQLException(
                        "current transaction is aborted, commands ignored until end of transaction block", FAILED, e);
            }
            throw e;
        }
    }

    /** What pgjdbc asks the catalog by itself, if it has to ask at all. */
    public <T extends @Nullable Object> T ask(GuardedSession session, ServerCall<T> call) throws SQLException {
        if (!session.fence().watches()) {
            return call.run();
        }
        boolean ours = session.fence().refusesAlone();
        return sent(
                session,
                ours,
                () -> CatalogQuestion.ask(session, call),
                "set the search path so that pg_catalog comes first, or is not on it");
    }

    private static <T extends @Nullable Object> T sent(
            GuardedSession session, boolean ours, ServerCall<T> call, String instead) throws SQLException {
        try {
            return call.run();
        } catch (SQLException e) {
            failed(session, e);
            throw ours && misjudged(e) ? blocked(e, instead) : e;
        }
    }

    /** What pgjdbc sends to make a large object of a value that is bound: it writes, and takes nothing away. */
    public <T extends @Nullable Object> T create(GuardedSession session, ServerCall<T> call) throws SQLException {
        SessionFence fence = session.fence();
        if (fence.watches() && !session.outsideTransaction()) {
            if (fence.transactionBegins()) {
                fence.beginTransaction(false);
            } else {
                fence.leave();
            }
        }
        return call.run();
    }

    /** What has the server parse a statement without running it: input functions of literals run, and must only read. */
    public <T extends @Nullable Object> T parse(GuardedSession session, Execution<T> execution) throws SQLException {
        SessionFence fence = session.fence();
        if (!fence.watches()) {
            return execution.run();
        }
        boolean ours = fence.refusesAlone();
        try {
            if (!session.outsideTransaction()) {
                fence.enter();
                return execution.run();
            }
            return fence.byDefault() ? execution.run() : readOnly(session, execution);
        } catch (SQLException e) {
            failed(session, e);
            throw ours && misjudged(e) ? blocked(e, "execute it without asking for its description first") : e;
        }
    }

    /** What cannot be done about it is told with the failure. */
    private static void failed(GuardedSession session, SQLException failure) {
        try {
            session.fence().failed();
        } catch (SQLException e) {
            failure.addSuppressed(e);
        }
    }

    private static boolean misjudged(SQLException failure) {
        return READ_ONLY.equals(failure.getSQLState())
                && failure instanceof PSQLException postgres
                && refusedByServer(postgres.getServerErrorMessage());
    }

    private static boolean refusedByServer(@Nullable ServerErrorMessage message) {
        return message != null && REFUSING.equals(message.getRoutine());
    }

    private static StatementBlockedException blocked(SQLException failure, String hint) {
        return new StatementBlockedException(
                "the statement was judged SAFE and would have changed something, so the server refused it;"
                        + " nothing was changed [" + CatalogWeigher.RULE + "]",
                hint,
                failure);
    }
}
