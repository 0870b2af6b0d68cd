package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.internal.postgres.TrackCounts;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Raises to HIGH what runs a VOLATILE function of the user's, by calling it or through a view, an operator, an aggregate, a
 * cast, a domain or another function: such a function may do anything. What they are called is read from the catalog once
 * in a while for each database, and again after a change of the schema. Thread-safe.
 */
public final class VolatileCode {
    public static final RuleId RULE = new RuleId("volatile-function");

    /** How long another session's new function may go unnoticed. */
    private static final Duration FRESH = Duration.ofSeconds(30);

    private static final String UNCOUNTED = "SELECT p.proname " + TrackCounts.FUNCTIONS_THAT_MAY_SWITCH_IT_OFF;

    private final Map<String, Known> byDatabase = new ConcurrentHashMap<>();
    private final Clock clock;

    public VolatileCode(Clock clock) {
        this.clock = clock;
    }

    /** The assessment with what the catalog adds to it; itself where that is nothing. */
    public Assessment weigh(GuardedSession session, AssessedText text) throws SQLException {
        Assessment assessment = text.assessment();
        if (isSecured(assessment) || !runsAnything(assessment) || session.inFailedTransaction()) {
            return assessment;
        }
        Known known = known(session);
        for (StatementAssessment statement : assessment.statements()) {
            if (known.names().findIn(statement, text.sql()).isPresent()) {
                return raised(assessment, known.names(), text.sql());
            }
        }
        return assessment;
    }

    /**
     * Refuses to count rows where {@code track_counts} may be off meanwhile, and on again when somebody looks: by the text
     * itself, or by a function of the database. Which functions a text comes to run, through triggers too, is not known.
     */
    public void requireCounts(GuardedSession session, String sql) throws SQLException {
        if (TrackCounts.mayBeSwitchedOffBy(sql)) {
            throw new ImpactLimitException(
                    "track_counts stands in a text whose rows have to be counted; nothing was run",
                    "send the statements one at a time, and the word as a bound value");
        }
        Set<String> uncounted = known(session).uncounted();
        if (!uncounted.isEmpty()) {
            throw new ImpactLimitException(
                    "how many rows the statement changes cannot be known while function "
                            + uncounted.iterator().next() + " may switch track_counts off",
                    "take the setting out of the function, or switch impact_analysis_enabled off in the policy");
        }
    }

    /** After a change of the schema. */
    public void forget(GuardedSession session) {
        byDatabase.remove(session.database());
    }

    /** Behind a snapshot it is looked afterwards what else was destroyed. */
    private static boolean isSecured(Assessment assessment) {
        return assessment.risk() == RiskLevel.CRITICAL
                && !assessment.destructions().isEmpty();
    }

    private static boolean runsAnything(Assessment assessment) {
        for (StatementAssessment statement : assessment.statements()) {
            if (!statement.functions().isEmpty()
                    || !statement.reads().isEmpty()
                    || VolatileNames.evaluates(statement)) {
                return true;
            }
        }
        return false;
    }

    private static Assessment raised(Assessment assessment, VolatileNames names, String sql) {
        return Assessment.of(assessment.statements().stream()
                .map(statement -> names.findIn(statement, sql)
                        .map(what -> statement.with(List.of(new Finding(
                                RULE, RiskLevel.HIGH, "runs code of the user's that may change anything: " + what))))
                        .orElse(statement))
                .toList());
    }

    private Known known(GuardedSession session) throws SQLException {
        Known known = byDatabase.get(session.database());
        if (known == null || known.readAt().plus(FRESH).isBefore(clock.instant())) {
            known = read(session.connection());
            byDatabase.put(session.database(), known);
        }
        return known;
    }

    private Known read(Connection connection) throws SQLException {
        Set<String> uncounted = new HashSet<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(UNCOUNTED)) {
            while (rows.next()) {
                uncounted.add(rows.getString(1));
            }
        }
        return new Known(clock.instant(), VolatileNamesReader.read(connection), uncounted);
    }

    private record Known(Instant readAt, VolatileNames names, Set<String> uncounted) {}
}
