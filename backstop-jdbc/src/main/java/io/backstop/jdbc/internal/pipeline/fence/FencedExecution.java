package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.ReadFence;
import io.backstop.jdbc.internal.analysis.detail.TransactionModes;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.SessionFence;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

import java.sql.SQLException;
import java.util.List;

/**
 * Runs statements on the right side of the read fence: what was judged SAFE behind it, so that the server refuses it where
 * the judgement was wrong; what may write outside. Called within the session's turn. Thread-safe.
 */
public final class FencedExecution {
    /** read_only_sql_transaction (PostgreSQL documentation, appendix A). */
    private static final String READ_ONLY = "25006";

    /** The server's function that refuses what a read-only transaction must not do; RAISE in a function is another. */
    private static final String REFUSING = "PreventCommandIfReadOnly";

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
    public Assessment weigh(GuardedSession session, AssessedText text, Assessment assessment, boolean restsOnCatalog) {
        if (assessment.risk() != RiskLevel.SAFE) {
            return assessment;
        }
        if (refused.contains(text)) {
            return raised(assessment, "changes something: the server refused it in a read-only transaction before");
        }
        if (!restsOnCatalog || !session.fence().watches()) {
            return assessment;
        }
        return switch (FenceNeed.of(assessment)) {
            case MIXED ->
                raised(
                        assessment,
                        "names code of the database's own beside transaction control, so that it cannot be run"
                                + " read-only; send the statements one at a time");
            case WRITE_TRANSACTION ->
                raised(
                        assessment,
                        "names code of the database's own in a query that locks rows or takes numbers from a sequence,"
                                + " so that it cannot be run read-only");
            default -> assessment;
        };
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
     * @throws StatementBlockedException where the server refused it because it would have changed something
     */
    public <T extends @Nullable Object> T read(
            GuardedSession session, AssessedText text, boolean restsOnCatalog, Execution<T> execution)
            throws SQLException {
        SessionFence fence = session.fence();
        if (!fence.watches()) {
            return execution.run();
        }
        FenceNeed need = FenceNeed.of(text.assessment());
        boolean covered = need == FenceNeed.READ && covered(fence, text.assessment(), restsOnCatalog);
        if (restsOnCatalog) {
            fence.restsOnCatalog();
        }
        try {
            T result = session.outsideTransaction()
                    ? alone(session, need, covered, execution)
                    : inTransaction(fence, need, covered, text.assessment(), execution);
            if (need == FenceNeed.TRANSACTION_CONTROL || need == FenceNeed.MIXED || need == FenceNeed.NONE) {
                follow(fence, text);
            }
            return result;
        } catch (SQLException e) {
            if (misjudged(e)) {
                refused.add(text);
                throw blocked(
                        e,
                        "send it again: it is judged HIGH from now on, and can be approved where the policy"
                                + " holds that");
            }
            throw e;
        }
    }

    private static <T extends @Nullable Object> T alone(
            GuardedSession session, FenceNeed need, boolean covered, Execution<T> execution) throws SQLException {
        SessionFence fence = session.fence();
        if (fence.byDefault()) {
            return need == FenceNeed.WRITE_TRANSACTION || need == FenceNeed.MIXED
                    ? writing(fence, execution)
                    : execution.run();
        }
        return covered ? readOnly(session, execution) : execution.run();
    }

    private static <T extends @Nullable Object> T inTransaction(
            SessionFence fence, FenceNeed need, boolean covered, Assessment assessment, Execution<T> execution)
            throws SQLException {
        switch (need) {
            case READ -> {
                if (covered) {
                    fence.enter();
                    if (holds(assessment, CommandTag.DECLARE_CURSOR)) {
                        fence.declared();
                    }
                }
            }
            case TRANSACTION_CONTROL, MIXED -> {
                if (holds(assessment, CommandTag.COMMIT)) {
                    fence.beforeCommit();
                }
                fence.leave();
            }
            case WRITE_TRANSACTION -> fence.leave();
            case NONE -> {
                // It runs on either side.
            }
        }
        return execution.run();
    }

    /** Whether it has to be fenced: all of them, or what rests on the catalog, by itself or by what it goes on with. */
    private static boolean covered(SessionFence fence, Assessment assessment, boolean restsOnCatalog) {
        return fence.coversAll() || restsOnCatalog || (fence.restedOnCatalog() && goesOn(assessment));
    }

    private static boolean goesOn(Assessment assessment) {
        return holds(assessment, CommandTag.FETCH)
                || holds(assessment, CommandTag.MOVE)
                || holds(assessment, CommandTag.EXECUTE);
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

    private static <T extends @Nullable Object> T writing(SessionFence fence, Execution<T> execution)
            throws SQLException {
        fence.allowWrites();
        T result;
        try {
            result = execution.run();
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
        T result;
        if (session.outsideTransaction()) {
            result = fence.byDefault() ? writing(fence, execution) : execution.run();
        } else {
            fence.leave();
            result = execution.run();
        }
        follow(fence, text);
        return result;
    }

    /** What pgjdbc fetches for a result set that it did not fetch whole. */
    public <T extends @Nullable Object> T fetch(GuardedSession session, ServerCall<T> call) throws SQLException {
        SessionFence fence = session.fence();
        if (fence.watches() && session.inTransaction() && (fence.coversAll() || fence.restedOnCatalog())) {
            fence.enter();
        }
        try {
            return call.run();
        } catch (SQLException e) {
            throw misjudged(e) ? blocked(e, "fetch its rows all at once, without a fetch size") : e;
        }
    }

    /** What has the server parse a statement without running it: input functions of literals run, and must only read. */
    public <T extends @Nullable Object> T parse(GuardedSession session, Execution<T> execution) throws SQLException {
        SessionFence fence = session.fence();
        if (!fence.watches()) {
            return execution.run();
        }
        try {
            if (!session.outsideTransaction()) {
                fence.enter();
                return execution.run();
            }
            return fence.byDefault() ? execution.run() : readOnly(session, execution);
        } catch (SQLException e) {
            throw misjudged(e) ? blocked(e, "execute it without asking for its description first") : e;
        }
    }

    /** Keeps in mind which transaction the text has begun, and whether its caller only wants to read. */
    private static void follow(SessionFence fence, AssessedText text) throws SQLException {
        List<StatementAssessment> statements = text.assessment().statements();
        if (statements.isEmpty()) {
            return;
        }
        switch (statements.get(statements.size() - 1).tag()) {
            case BEGIN, START_TRANSACTION -> fence.begun(modes(text).readOnly());
            case SET_TRANSACTION -> {
                TransactionModes modes = modes(text);
                if (modes.ofSession()) {
                    fence.session(modes.readOnly());
                } else if (modes.readOnly()) {
                    fence.begun(true);
                }
            }
            case RESET, DISCARD -> fence.session(false);
            default -> {
                // Anything else leaves that as it was.
            }
        }
    }

    private static TransactionModes modes(AssessedText text) {
        return TransactionModes.of(text.sql(), text.standardConformingStrings());
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
