package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.session.CancellableExecution;
import org.postgresql.util.PSQLException;

import java.sql.SQLException;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Whether a failure proves that a statement changed nothing, so that its approval may be given back. Everything else spends
 * the approval: a call may fail in the client after the server has run and committed what it was sent. Stateless,
 * thread-safe.
 */
final class NotRunProof {
    /** Commands that run within one transaction, whose failure undoes all that they did. */
    private static final Set<CommandTag> UNDONE_BY_FAILURE = undoneByFailure();

    private static Set<CommandTag> undoneByFailure() {
        Set<CommandTag> commands = EnumSet.range(CommandTag.CREATE_ACCESS_METHOD, CommandTag.DROP_VIEW);
        commands.addAll(Set.of(
                CommandTag.SELECT,
                CommandTag.SELECT_INTO,
                CommandTag.INSERT,
                CommandTag.UPDATE,
                CommandTag.DELETE,
                CommandTag.MERGE,
                CommandTag.TRUNCATE,
                CommandTag.EXPLAIN_ANALYZE,
                CommandTag.REFRESH_MATERIALIZED_VIEW,
                CommandTag.GRANT,
                CommandTag.REVOKE,
                CommandTag.REASSIGN_OWNED,
                CommandTag.COMMENT,
                CommandTag.SECURITY_LABEL));
        // Outside a transaction, or in several; or a script of an extension, which may run anything.
        commands.removeAll(Set.of(
                CommandTag.CREATE_DATABASE,
                CommandTag.ALTER_DATABASE,
                CommandTag.DROP_DATABASE,
                CommandTag.CREATE_TABLESPACE,
                CommandTag.DROP_TABLESPACE,
                CommandTag.CREATE_SUBSCRIPTION,
                CommandTag.ALTER_SUBSCRIPTION,
                CommandTag.DROP_SUBSCRIPTION,
                CommandTag.CREATE_INDEX,
                CommandTag.DROP_INDEX,
                CommandTag.CREATE_EXTENSION,
                CommandTag.ALTER_EXTENSION,
                CommandTag.ALTER_SYSTEM));
        return commands;
    }

    /** What may act outside the transaction, or run code that does. */
    private static final Set<RuleId> ACTS_OUTSIDE = Stream.concat(
                    Stream.of(
                                    Rule.UNRECOGNISED,
                                    Rule.SERVER_FILE,
                                    Rule.SERVER_PROGRAM,
                                    Rule.ALTER_SYSTEM,
                                    Rule.UNSEEN_FUNCTION,
                                    Rule.CALL_PROCEDURE,
                                    Rule.ANONYMOUS_BLOCK,
                                    Rule.EXECUTE_PREPARED,
                                    Rule.TWO_PHASE_COMMIT,
                                    Rule.LOAD_LIBRARY,
                                    Rule.ADMINISTRATIVE_FUNCTION,
                                    Rule.QUERY_FROM_TEXT,
                                    Rule.SEQUENCE_CHANGE)
                            .map(Rule::id),
                    Stream.of(CatalogWeigher.RULE))
            .collect(Collectors.toUnmodifiableSet());

    /** After these the session is over, or broken, and nobody knows what was kept (appendix A of PostgreSQL's documentation). */
    private static final Set<String> UNCERTAIN_CLASSES = Set.of("08", "53", "57P", "58", "XX");

    private static final Set<String> UNCERTAIN_STATES = Set.of("25P03", "25P04");

    private NotRunProof() {}

    static boolean holds(SQLException failure, Assessment assessment, CancellableExecution<?> execution) {
        if (!execution.sent()) {
            return true;
        }
        if (!execution.isUndoable() || actsOutside(assessment)) {
            return false;
        }
        if (failure instanceof RecoveryNotReadyException) {
            return failure.getSuppressed().length == 0; // Backstop undid it, and nothing went wrong with that
        }
        return execution.failedWith(failure) && isErrorOfTheServer(failure) && isUndoneByFailure(assessment);
    }

    private static boolean isErrorOfTheServer(SQLException failure) {
        if (!(failure instanceof PSQLException postgres) || postgres.getServerErrorMessage() == null) {
            return false;
        }
        String state = String.valueOf(failure.getSQLState());
        return !UNCERTAIN_STATES.contains(state) && UNCERTAIN_CLASSES.stream().noneMatch(state::startsWith);
    }

    private static boolean isUndoneByFailure(Assessment assessment) {
        if (assessment.statements().size() != 1) {
            return false;
        }
        StatementAssessment only = assessment.statements().get(0);
        return UNDONE_BY_FAILURE.contains(only.tag())
                && UNDONE_BY_FAILURE.containsAll(only.inner())
                && !only.mentions().contains("concurrently"); // as DETACH PARTITION: in several transactions
    }

    private static boolean actsOutside(Assessment assessment) {
        return assessment.findings().stream().map(Finding::rule).anyMatch(ACTS_OUTSIDE::contains);
    }
}
