package io.backstop.jdbc.internal.pipeline.lookup;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.detail.RoleSetting;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * What the session knows of a text that is not SAFE by itself: which statement an EXECUTE runs, and whether a SET ROLE changes
 * the role. Stateless, thread-safe.
 */
public final class SessionLookup {
    /**
     * The text as it comes to act in the session at this moment; itself where nothing is known. The text of another that it
     * executes is added to its own.
     */
    public AssessedText weigh(GuardedSession session, AssessedText text) throws SQLException {
        if (fires(text.assessment(), Rule.EXECUTE_PREPARED)) {
            return new ExecutedStatements(session, text).resolved();
        }
        return fires(text.assessment(), Rule.SET_ROLE) && keepsRole(session, text) ? withoutRule(text) : text;
    }

    private static boolean fires(Assessment assessment, Rule rule) {
        return assessment.statements().stream().anyMatch(statement -> fires(statement, rule));
    }

    static boolean fires(StatementAssessment statement, Rule rule) {
        return statement.findings().stream().anyMatch(finding -> finding.rule().equals(rule.id()));
    }

    /** Whether it sets the role that is in force already, in the session that is asked. */
    private static boolean keepsRole(GuardedSession session, AssessedText text) throws SQLException {
        if (text.assessment().statements().size() != 1 || session.inFailedTransaction()) {
            return false;
        }
        Optional<RoleSetting> setting = RoleSetting.read(text.sql(), text.standardConformingStrings());
        if (setting.isEmpty()) {
            return false;
        }
        List<String> roles =
                session.rowOfBackend("SELECT pg_catalog.pg_backend_pid(), current_user::text, session_user::text");
        return !roles.isEmpty()
                && roles.get(0).equals(setting.get().role())
                && (!setting.get().ofSession() || roles.get(1).equals(roles.get(0)));
    }

    private static AssessedText withoutRule(AssessedText text) {
        StatementAssessment statement = text.assessment().statements().get(0);
        return text.assessedAs(Assessment.of(List.of(statement.without(Rule.SET_ROLE.id()))));
    }
}
