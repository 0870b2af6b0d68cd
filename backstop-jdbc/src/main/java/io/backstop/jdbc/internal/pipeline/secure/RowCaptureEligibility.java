package io.backstop.jdbc.internal.pipeline.secure;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.jdbc.internal.analysis.detail.InsertedRowsText;
import io.backstop.jdbc.internal.analysis.detail.RowLockQuery;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import org.postgresql.PGStatement;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Says of which statements the rows can be saved one by one: of a single UPDATE or DELETE that could be sent again, and
 * whose text with its values can be had. Stateless, thread-safe.
 */
final class RowCaptureEligibility {
    /** What a query of the rows would do a second time, or what leaves no row out. */
    private static final Set<RuleId> MORE_THAN_ROWS = Arrays.stream(Rule.values())
            .filter(rule -> rule != Rule.UPDATE && rule != Rule.DELETE && rule != Rule.INSERT && rule != Rule.MERGE)
            .map(Rule::id)
            .collect(Collectors.toUnmodifiableSet());

    private static final Set<CommandTag> INSERTING = Set.of(CommandTag.INSERT, CommandTag.MERGE);

    private RowCaptureEligibility() {}

    /** The query that tells the rows; empty where whole tables have to be saved. */
    static Optional<RowQuery> query(GuardedSession session, ReviewedStatement statement, Execution<?> execution)
            throws SQLException {
        if (!execution.repeatable() || statement.sha256().isEmpty() || !takesRowsOnly(statement.assessment())) {
            return Optional.empty();
        }
        // pgjdbc writes values as if backslashes were nothing special.
        return session.standardConformingStrings()
                ? RowLockQuery.query(text(session, statement, execution), true)
                        .map(query -> new RowQuery(query, !inserts(statement.assessment())))
                : Optional.empty();
    }

    /** What the text of an INSERT or MERGE tells of its new rows; empty where they could not be told from others. */
    static Optional<InsertedValues> values(GuardedSession session, ReviewedStatement statement, Execution<?> execution)
            throws SQLException {
        if (execution.isBatch() || statement.sha256().isEmpty() || !session.standardConformingStrings()) {
            return Optional.empty();
        }
        Optional<InsertedValues> told = InsertedRowsText.read(text(session, statement, execution), true);
        // What a function of the user's has answered is not asked twice.
        return runsUsersCode(statement.assessment())
                ? told.map(insert -> new InsertedValues(insert.table(), insert.columns(), List.of()))
                : told;
    }

    private static boolean runsUsersCode(Assessment assessment) {
        return assessment.findings().stream().anyMatch(finding -> finding.rule().equals(CatalogWeigher.RULE));
    }

    /** Whether it is one INSERT or MERGE. */
    static boolean inserts(Assessment assessment) {
        return assessment.statements().size() == 1
                && INSERTING.contains(assessment.statements().get(0).tag());
    }

    private static boolean takesRowsOnly(Assessment assessment) {
        return assessment.statements().size() == 1
                && assessment.destructions().size() == 1
                && rowByRow(assessment.destructions().get(0))
                && !runsUsersCode(assessment)
                && assessment.findings().stream().noneMatch(finding -> MORE_THAN_ROWS.contains(finding.rule()));
    }

    private static boolean rowByRow(Destruction destruction) {
        return destruction.kind() == Destruction.Kind.UPDATE || destruction.kind() == Destruction.Kind.DELETE;
    }

    /** As pgjdbc sends it, with the values that are bound; where it cannot write one, a placeholder stays. */
    private static String text(GuardedSession session, ReviewedStatement statement, Execution<?> execution)
            throws SQLException {
        return execution.statement() instanceof PreparedStatement prepared
                ? prepared.unwrap(PGStatement.class).toString()
                : session.sent(statement.sql());
    }
}
