package io.backstop.jdbc.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.ImpactLimitException;

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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Raises to HIGH what calls a VOLATILE function of the user's, itself or through a view: such a function may do anything.
 * Their names are read from the catalog once in a while for each database, and again after a change of the schema. Names
 * are compared without their schema, so that no search path hides one. Functions of extensions are judged by their names
 * alone, as PostgreSQL's own are. Thread-safe.
 */
final class VolatileCode {
    static final RuleId RULE = new RuleId("volatile-function");

    /** How long another session's new function may go unnoticed. */
    private static final Duration FRESH = Duration.ofSeconds(30);

    // Operators are qualified, because on the session's search path they may mean anything.
    private static final String NAMES = """
            WITH RECURSIVE functions AS (
                SELECT p.oid, p.proname FROM pg_catalog.pg_proc AS p
                JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
                WHERE p.provolatile OPERATOR(pg_catalog.=) 'v' AND p.prokind OPERATOR(pg_catalog.<>) 'p'
                AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS e
                    WHERE e.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                    AND e.objid OPERATOR(pg_catalog.=) p.oid AND e.deptype OPERATOR(pg_catalog.=) 'e')),
            rules AS (
                SELECT r.ev_class, d.refclassid, d.refobjid FROM pg_catalog.pg_depend AS d
                JOIN pg_catalog.pg_rewrite AS r ON r.oid OPERATOR(pg_catalog.=) d.objid
                WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass),
            views AS (
                SELECT ev_class FROM rules JOIN functions ON functions.oid OPERATOR(pg_catalog.=) refobjid
                WHERE refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                UNION
                SELECT rules.ev_class FROM rules JOIN views ON views.ev_class OPERATOR(pg_catalog.=) refobjid
                WHERE refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass)
            SELECT 'f', proname FROM functions
            UNION ALL
            SELECT 'u', p.proname FROM pg_catalog.pg_proc AS p
            JOIN pg_catalog.pg_language AS l ON l.oid OPERATOR(pg_catalog.=) p.prolang
                AND l.lanname OPERATOR(pg_catalog.<>) 'internal' AND l.lanname OPERATOR(pg_catalog.<>) 'c'
            WHERE pg_catalog.array_to_string(p.proconfig, ' ') OPERATOR(pg_catalog.~~) '%track_counts=%'
            OR pg_catalog.strpos(pg_catalog.lower(p.prosrc), 'track_counts') OPERATOR(pg_catalog.>) 0
                AND p.prosrc OPERATOR(pg_catalog.~*) '(^|[^a-z_])set(_config)?[^a-z_;][^;]*track_counts'
            UNION ALL
            SELECT 'v', c.relname FROM views JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) views.ev_class""";

    private final Map<String, Known> byDatabase = new ConcurrentHashMap<>();
    private final Clock clock;

    VolatileCode(Clock clock) {
        this.clock = clock;
    }

    /** The assessment with what the catalog adds to it; itself where that is nothing. */
    Assessment weigh(Session session, Assessment assessment) throws SQLException {
        if (isSecured(assessment) || !runsAnything(assessment) || session.inFailedTransaction()) {
            return assessment;
        }
        Known known = known(session);
        for (StatementAssessment statement : assessment.statements()) {
            if (known.findIn(statement).isPresent()) {
                return raised(assessment, known);
            }
        }
        return assessment;
    }

    /**
     * Refuses to count rows where {@code track_counts} may be off meanwhile, and on again when somebody looks: by the text
     * itself, or by a function of the database. Which functions a text comes to run, through triggers too, is not known.
     */
    void requireCounts(Session session, String sql) throws SQLException {
        if (ChangedRows.mayBeHiddenBy(sql)) {
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
    void forget(Session session) {
        byDatabase.remove(session.database());
    }

    /** Behind a snapshot it is looked afterwards what else was destroyed. */
    private static boolean isSecured(Assessment assessment) {
        return assessment.risk() == RiskLevel.CRITICAL
                && !assessment.destructions().isEmpty();
    }

    private static boolean runsAnything(Assessment assessment) {
        for (StatementAssessment statement : assessment.statements()) {
            if (!statement.functions().isEmpty() || !statement.reads().isEmpty()) {
                return true;
            }
        }
        return false;
    }

    private static Assessment raised(Assessment assessment, Known known) {
        return Assessment.of(assessment.statements().stream()
                .map(statement -> known.findIn(statement)
                        .map(what -> statement.with(List.of(new Finding(
                                RULE, RiskLevel.HIGH, "runs code of the user's that may change anything: " + what))))
                        .orElse(statement))
                .toList());
    }

    private Known known(Session session) throws SQLException {
        Known known = byDatabase.get(session.database());
        if (known == null || known.readAt().plus(FRESH).isBefore(clock.instant())) {
            known = read(session.connection());
            byDatabase.put(session.database(), known);
        }
        return known;
    }

    private Known read(Connection connection) throws SQLException {
        Set<String> functions = new HashSet<>();
        Set<String> views = new HashSet<>();
        Set<String> uncounted = new HashSet<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(NAMES)) {
            while (rows.next()) {
                Set<String> kind = switch (rows.getString(1)) {
                    case "f" -> functions;
                    case "u" -> uncounted;
                    default -> views;
                };
                kind.add(rows.getString(2));
            }
        }
        return new Known(clock.instant(), functions, views, uncounted);
    }

    private record Known(Instant readAt, Set<String> functions, Set<String> views, Set<String> uncounted) {
        Optional<String> findIn(StatementAssessment statement) {
            if (!functions.isEmpty()) {
                for (String function : statement.functions()) {
                    if (functions.contains(function.substring(function.lastIndexOf('.') + 1))) {
                        return Optional.of(function);
                    }
                }
            }
            if (!views.isEmpty()) {
                for (RelationName relation : statement.reads()) {
                    if (views.contains(relation.name())) {
                        return Optional.of(relation.toString());
                    }
                }
            }
            return Optional.empty();
        }
    }
}
