package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.pipeline.audit.AuditTrail;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.PlainText;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.PolicySource;

import java.sql.SQLException;

/**
 * Whether pgjdbc may store a bound value as a large object. It adds one and takes nothing away, and the statement that it is
 * for is judged by itself, so nobody has to approve it; what stops writes stops it. Thread-safe.
 */
final class LargeObjectCheck {
    /** What pgjdbc has the server do, by the fast-path interface and without a text. */
    private static final String CREATION = "SELECT pg_catalog.lo_creat(-1)";

    private final SqlAnalyzer analyzer;
    private final PolicySource policies;
    private final Judge judge;
    private final Refusals refusals;
    private final AuditTrail audit;

    LargeObjectCheck(SqlAnalyzer analyzer, PolicySource policies, Judge judge, Refusals refusals, AuditTrail audit) {
        this.analyzer = analyzer;
        this.policies = policies;
        this.judge = judge;
        this.refusals = refusals;
        this.audit = audit;
    }

    /** Records the decision; refusals are history too. */
    void require(GuardedSession session) throws SQLException {
        Policy policy = policies.current();
        AssessedText text = new SessionTextAssessor(analyzer, session).assess(CREATION);
        Assessment assessment = judge.weigh(text.assessment(), policy);
        ReviewedStatement statement = ReviewedStatement.of(new PlainText(CREATION), text, assessment, policy);
        if (policy.enforcement() != Enforcement.MONITOR
                && judge.decide(assessment, policy, refusals.state(session)) instanceof Verdict.Block block) {
            audit.decided(session, statement, AuditTrail.words(block));
            throw refusals.blocked(session, policy, statement, block);
        }
        audit.decided(session, statement, "allowed: a bound value becomes a large object");
    }
}
