package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.jdbc.internal.pipeline.impact.LimitedExecution;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import io.backstop.jdbc.policy.PolicySource;
import org.jspecify.annotations.Nullable;

import java.sql.SQLException;

/** Looks at what a caller's transaction has left for its end: deferred triggers, and what was to change nothing. Thread-safe. */
final class DeferredTriggerCheck {
    private final PolicySource policies;
    private final LimitedExecution limited;

    DeferredTriggerCheck(PolicySource policies, LimitedExecution limited) {
        this.policies = policies;
        this.limited = limited;
    }

    /** Before the transaction's commit. */
    void settle(GuardedSession session) throws SQLException {
        Policy policy = policies.current();
        settleOpen(session, policy);
        if (session.isDeferring() && !session.inFailedTransaction() && counts(policy)) {
            session.lookAsWriter(() -> limited.settle(session, policy.impact(), () -> {
                try {
                    session.send("SET CONSTRAINTS ALL IMMEDIATE");
                } catch (SQLException e) {
                    session.send("ROLLBACK"); // as the commit that fails would
                    throw e;
                }
                return Boolean.TRUE;
            }));
        }
    }

    private void settleOpen(GuardedSession session, Policy policy) throws SQLException {
        if (counts(policy)) {
            limited.settleOpen(session, policy.impact());
        }
    }

    /** What has deferred triggers run, or commits them, or drops temporary tables. */
    <T extends @Nullable Object> T run(GuardedSession session, Assessment assessment, ServerCall<T> statement)
            throws SQLException {
        Policy policy = policies.current();
        if (!DeferredTriggerRuns.in(assessment)) {
            settleOpen(session, policy);
            return statement.run();
        }
        if (!session.isDeferring()
                || DeferredTriggerRuns.commits(assessment)
                || session.inFailedTransaction()
                || !counts(policy)) {
            settle(session);
            return statement.run();
        }
        return limited.settle(session, policy.impact(), statement);
    }

    /** Whether rows are counted at all. */
    static boolean counts(Policy policy) {
        return policy.enforcement() != Enforcement.MONITOR && policy.impact().enabled();
    }
}
