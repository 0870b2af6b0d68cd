package io.backstop.jdbc.internal.pipeline.written;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.pipeline.statement.Execution;

import java.sql.SQLException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** Which texts are looked at when they have run, and how. Stateless, thread-safe. */
public final class LookedText {
    /** What ends a transaction, so that what has run in it can be undone no more. */
    private static final Set<CommandTag> ENDING = set(
            CommandTag.COMMIT,
            CommandTag.COMMIT_PREPARED,
            CommandTag.ROLLBACK,
            CommandTag.ROLLBACK_PREPARED,
            CommandTag.PREPARE_TRANSACTION);

    /** What begins one, or moves a savepoint to which what is counted would be rolled back. */
    private static final Set<CommandTag> MARKING = set(
            CommandTag.BEGIN,
            CommandTag.START_TRANSACTION,
            CommandTag.SAVEPOINT,
            CommandTag.RELEASE_SAVEPOINT,
            CommandTag.ROLLBACK_TO_SAVEPOINT);

    /** What neither rows nor definitions are changed by. */
    private static final Set<CommandTag> BESIDE = set(
            CommandTag.SET,
            CommandTag.RESET,
            CommandTag.SHOW,
            CommandTag.SET_TRANSACTION,
            CommandTag.SET_CONSTRAINTS,
            CommandTag.LOCK,
            CommandTag.LISTEN,
            CommandTag.UNLISTEN,
            CommandTag.NOTIFY,
            CommandTag.DEALLOCATE,
            CommandTag.CLOSE,
            CommandTag.FETCH,
            CommandTag.MOVE);

    /** A query fills what they make or fill anew. */
    private static final Set<CommandTag> FILLING = set(
            CommandTag.CREATE_TABLE_AS,
            CommandTag.SELECT_INTO,
            CommandTag.CREATE_MATERIALIZED_VIEW,
            CommandTag.REFRESH_MATERIALIZED_VIEW);

    /** pgjdbc sends no more than about 64 kB of answers' worth at once, for each of which it reckons 250 bytes. */
    private static final int SENT_AT_ONCE = 200;

    private LookedText() {}

    private static Set<CommandTag> set(CommandTag first, CommandTag... others) {
        return Collections.unmodifiableSet(EnumSet.of(first, others));
    }

    /**
     * Whether it is to change no row that is there, and it is looked at whether that is so. Not where it ends its transaction
     * itself.
     */
    public static boolean isLookedAt(Assessment assessment) {
        return (assessment.risk() == RiskLevel.WRITE || assessment.risk() == RiskLevel.HIGH) && !ends(assessment);
    }

    /** Whether it holds what is HIGH and defines nothing, as a setting. */
    public static boolean holdsSetting(Assessment assessment) {
        return assessment.statements().stream()
                .anyMatch(each -> each.risk() == RiskLevel.HIGH && !EvaluatingCommands.defines(each.tag()));
    }

    /** Whether it reads or inserts rows, and defines nothing. */
    public static boolean isOnRows(Assessment assessment) {
        return !fillsTable(assessment)
                && assessment.statements().stream()
                        .map(StatementAssessment::tag)
                        .allMatch(tag -> EvaluatingCommands.onRows(tag)
                                || BESIDE.contains(tag)
                                || MARKING.contains(tag)
                                || ENDING.contains(tag));
    }

    /** Whether it makes a table or materialized view of what a query returns. */
    public static boolean fillsTable(Assessment assessment) {
        return assessment.statements().stream().anyMatch(each -> each.holdsAny(FILLING));
    }

    /** The first statement that begins, marks or ends a transaction. */
    public static Optional<StatementAssessment> control(Assessment assessment) {
        return assessment.statements().stream()
                .filter(each -> MARKING.contains(each.tag()) || ENDING.contains(each.tag()))
                .findFirst();
    }

    /** Whether a cursor or a portal may be left of it, which goes on whenever it is fetched from. */
    public static boolean mayGoOn(Assessment assessment, Execution<?> execution) throws SQLException {
        return assessment.statements().stream().anyMatch(each -> each.tag() == CommandTag.DECLARE_CURSOR)
                || execution.statement().getFetchSize() > 0;
    }

    /**
     * Whether it ends a transaction, and is so long that pgjdbc sends it in parts: between them the server takes its statistics
     * over, and the counters begin anew.
     */
    public static boolean endsCounters(Assessment assessment) {
        return assessment.statements().size() > SENT_AT_ONCE && ends(assessment);
    }

    private static boolean ends(Assessment assessment) {
        return assessment.statements().stream().anyMatch(each -> ENDING.contains(each.tag()));
    }
}
