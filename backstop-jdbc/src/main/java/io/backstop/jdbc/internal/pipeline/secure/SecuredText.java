package io.backstop.jdbc.internal.pipeline.secure;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.internal.postgres.TrackCounts;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;

import java.util.Set;

/** What a text that destroys rows must not hold besides, if they are to be secured. Stateless, thread-safe. */
final class SecuredText {
    /**
     * What may stand beside a destructive statement in one text. Anything else could end the transaction that holds the
     * locks, or change what the names mean, between the snapshot and the destruction.
     */
    private static final Set<CommandTag> COMPANIONS = Set.of(
            CommandTag.SELECT,
            CommandTag.INSERT,
            CommandTag.UPDATE,
            CommandTag.DELETE,
            CommandTag.MERGE,
            CommandTag.TRUNCATE,
            CommandTag.DROP_TABLE,
            CommandTag.DROP_FOREIGN_TABLE,
            CommandTag.DROP_VIEW,
            CommandTag.DROP_MATERIALIZED_VIEW,
            CommandTag.DROP_INDEX);

    /** What else may stand beside one that takes definitions alone: it runs in a transaction, and keeps the names' meaning. */
    private static final Set<CommandTag> DEFINING = Set.of(
            CommandTag.ALTER_TABLE,
            CommandTag.ALTER_FOREIGN_TABLE,
            CommandTag.ALTER_INDEX,
            CommandTag.ALTER_SEQUENCE,
            CommandTag.ALTER_VIEW,
            CommandTag.COMMENT,
            CommandTag.CREATE_FUNCTION,
            CommandTag.CREATE_POLICY,
            CommandTag.CREATE_PROCEDURE,
            CommandTag.CREATE_RULE,
            CommandTag.CREATE_SCHEMA,
            CommandTag.CREATE_SEQUENCE,
            CommandTag.CREATE_STATISTICS,
            CommandTag.CREATE_TABLE,
            CommandTag.CREATE_TRIGGER,
            CommandTag.CREATE_TYPE,
            CommandTag.CREATE_VIEW,
            CommandTag.DROP_DOMAIN,
            CommandTag.DROP_FUNCTION,
            CommandTag.DROP_AGGREGATE,
            CommandTag.DROP_POLICY,
            CommandTag.DROP_PROCEDURE,
            CommandTag.DROP_ROUTINE,
            CommandTag.DROP_RULE,
            CommandTag.DROP_SEQUENCE,
            CommandTag.DROP_STATISTICS,
            CommandTag.DROP_TRIGGER,
            CommandTag.DROP_TYPE);

    private SecuredText() {}

    /**
     * Whether what a text takes definitions from can be stored before it. It runs without where that cannot be: no rows go
     * by it.
     */
    static boolean canStoreDefinitions(ReviewedStatement statement) {
        return (statement.assessment().statements().size() == 1
                        || statement.assessment().statements().stream()
                                .allMatch(each -> COMPANIONS.contains(each.tag()) || DEFINING.contains(each.tag())))
                && !TrackCounts.mayBeSwitchedOffBy(statement.sql());
    }

    /** @throws RecoveryNotReadyException where the text could do something else than what was secured, or hide what it does */
    static void check(ReviewedStatement statement) throws BackstopException {
        refuseMixedText(statement);
        refuseHiding(statement);
    }

    private static void refuseMixedText(ReviewedStatement statement) throws BackstopException {
        if (statement.assessment().statements().size() == 1
                || (statement.assessment().risk() != RiskLevel.CRITICAL
                        && statement.assessment().destructions().stream().allMatch(Destruction::ofViewsAlone))) {
            return;
        }
        for (StatementAssessment each : statement.assessment().statements()) {
            if (!COMPANIONS.contains(each.tag())) {
                throw new RecoveryNotReadyException(
                        each.operation() + " stands in one text with a statement that destroys rows,"
                                + " and could change what that does after the snapshot",
                        "send the statements one at a time");
            }
        }
    }

    /** What the statement's triggers destroy is found by the server's counters. */
    private static void refuseHiding(ReviewedStatement statement) throws BackstopException {
        if (TrackCounts.mayBeSwitchedOffBy(statement.sql())) {
            throw new RecoveryNotReadyException(
                    "track_counts stands in a text that destroys rows, and what its triggers destroy could not be told",
                    "send the statements one at a time, and the word as a bound value");
        }
    }
}
