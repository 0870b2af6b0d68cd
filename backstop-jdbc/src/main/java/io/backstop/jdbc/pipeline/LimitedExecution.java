package io.backstop.jdbc.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.pipeline.AuditTrail.Case;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Runs a scoped write and keeps it only if it changed no more rows than the policy allows. The count is the server's own,
 * after the fact: the answer's update count, or the transaction's statistics where the answer holds rows instead.
 * Stateless, thread-safe.
 */
final class LimitedExecution {
    static final RuleId IMPACT_LIMIT = new RuleId("impact-limit");

    private static final String CHANGED_ROWS = """
            SELECT CASE WHEN current_setting('track_counts')::boolean
                THEN coalesce(sum(n_tup_upd + n_tup_del), 0) ELSE -1 END
            FROM pg_catalog.pg_stat_xact_user_tables""";

    private static final Set<String> COUNTING = Set.of("UPDATE", "DELETE", "MERGE", "INSERT");

    private static final Pattern RETURNING = Pattern.compile("returning", Pattern.CASE_INSENSITIVE);

    /** Whether the statement is one whose rows are counted: a write that is WRITE by its text and updates or deletes. */
    static boolean applies(Assessment assessment, ImpactRules rules) {
        return rules.enabled()
                && assessment.risk() == RiskLevel.WRITE
                && !assessment.destructions().isEmpty();
    }

    /** Runs it; where the attempt has an excess, everything that it did was undone. */
    <T extends @Nullable Object> Attempt<T> run(
            Connection connection, Case statement, ImpactRules rules, Execution<T> execution) throws SQLException {
        Assessment assessment = statement.assessment();
        Transaction transaction = Transaction.around(connection);
        try {
            boolean counted =
                    answersWithCount(assessment, statement.submission().sql());
            long before = counted ? 0 : statisticsOf(connection);
            T result = transaction.send(execution);
            long changed = counted ? execution.changedRows(result) : sinceThen(connection, before);
            Optional<Finding> excess = excess(connection, assessment, rules, changed);
            if (excess.isPresent()) {
                transaction.undo(new SQLException(excess.get().reason()));
            } else {
                transaction.keep();
            }
            return new Attempt<>(result, excess);
        } catch (SQLException | RuntimeException | Error e) {
            transaction.undo(e);
            throw e;
        }
    }

    /** The assessment as it is once the count is known. */
    static Assessment raised(Assessment assessment, Finding excess) {
        return Assessment.of(assessment.statements().stream()
                .map(statement -> statement.destructions().isEmpty() ? statement : statement.with(List.of(excess)))
                .toList());
    }

    /** What the caller is told where the raised statement is refused. */
    static ImpactLimitException refusal(Finding excess, BackstopException refusal) {
        return new ImpactLimitException("the write was rolled back: " + excess.reason(), refusal.hint(), refusal);
    }

    /** Whether the answer will be an update count: not where a RETURNING makes it rows. */
    private static boolean answersWithCount(Assessment assessment, String sql) {
        return assessment.statements().size() == 1
                && COUNTING.contains(assessment.statements().get(0).operation())
                && !RETURNING.matcher(sql).find();
    }

    private static Optional<Finding> excess(
            Connection connection, Assessment assessment, ImpactRules rules, long changed) throws SQLException {
        if (changed < 0) {
            return Optional.of(excess("the number of changed rows cannot be known while track_counts is off"));
        }
        if (changed > rules.maxWriteRows()) {
            return Optional.of(
                    excess("it changed " + changed + " rows, and the policy lets " + rules.maxWriteRows() + " pass"));
        }
        if (changed > 1 && sharePasses(connection, assessment, rules, changed)) {
            return Optional.of(excess(
                    "it changed " + changed + " rows, more than " + rules.maxWritePercent() + " percent of the table"));
        }
        return Optional.empty();
    }

    private static Finding excess(String reason) {
        return new Finding(IMPACT_LIMIT, RiskLevel.CRITICAL, reason);
    }

    /** Whether the changed rows are a larger share of their table than the policy allows. Reads no more rows than it has to. */
    private static boolean sharePasses(Connection connection, Assessment assessment, ImpactRules rules, long changed)
            throws SQLException {
        List<Destruction> destructions = assessment.destructions();
        int percent = rules.maxWritePercent();
        if (percent == 100
                || destructions.size() != 1
                || destructions.get(0).relations().size() != 1
                || changed > Integer.MAX_VALUE) {
            return false;
        }
        Destruction destruction = destructions.get(0);
        RelationName table = destruction.relations().get(0);
        if (!readable(connection, table)) {
            return false;
        }
        // Deleted rows are no longer there to be counted.
        int counted = destruction.kind() == Kind.DELETE ? 100 - percent : 100;
        long enough = (changed * counted + percent - 1) / percent;
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT count(*) FROM (SELECT FROM " + table.quoted() + " LIMIT " + enough + ") AS present")) {
            row.next();
            return row.getLong(1) < enough;
        }
    }

    private static boolean readable(Connection connection, RelationName table) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                "SELECT coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass(?), 'SELECT'), false)")) {
            statement.setString(1, table.quoted());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    private static long sinceThen(Connection connection, long before) throws SQLException {
        long now = statisticsOf(connection);
        return now < 0 ? now : now - before;
    }

    private static long statisticsOf(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(CHANGED_ROWS)) {
            row.next();
            return row.getLong(1);
        }
    }

    /** What came of it: a result, or why it was undone. */
    record Attempt<T extends @Nullable Object>(T result, Optional<Finding> excess) {}
}
