package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.SessionState;

import java.sql.SQLException;

/** What may be described, which has the server read it. Thread-safe. */
final class DescriptionCheck {
    private final CatalogWeigher catalog;
    private final Judge judge;

    DescriptionCheck(CatalogWeigher catalog, Judge judge) {
        this.catalog = catalog;
        this.judge = judge;
    }

    /** @throws StatementBlockedException where pgjdbc would run it for that, or the server code of the user's */
    void require(GuardedSession session, AssessedText text, Policy policy) throws SQLException {
        String described = "a description of " + text.assessment().operation() + " is refused: ";
        if (session.sendsPlainText() && text.assessment().risk() != RiskLevel.SAFE) {
            throw new StatementBlockedException(
                    described + "under preferQueryMode=simple pgjdbc runs the statement for it",
                    "leave preferQueryMode out of the URL, or execute the statement without describing it");
        }
        Assessment assessment = catalog.weigh(session, text).assessment();
        boolean runsCode = assessment.findings().stream()
                .anyMatch(finding -> finding.rule().equals(CatalogWeigher.RULE));
        if (runsCode && !(judge.decide(assessment, policy, SessionState.CLEAR) instanceof Verdict.Allow)) {
            throw new StatementBlockedException(
                    described + "it names code of the user's, which the server may run to read its literals",
                    "execute the statement, which can be approved, without describing it first");
        }
    }
}
