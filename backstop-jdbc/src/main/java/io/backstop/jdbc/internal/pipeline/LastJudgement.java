package io.backstop.jdbc.internal.pipeline;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.ImpactRules;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.RecoveryRules;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.internal.pipeline.secure.SecuredExecution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.PolicySource;

import java.sql.SQLException;

/** Judges once more, after a wait: what was paused, quarantined or forbidden meanwhile does not run. Thread-safe. */
final class LastJudgement {
    private final PolicySource policies;
    private final Judge judge;
    private final SecuredExecution secured;
    private final Refusals refusals;

    LastJudgement(PolicySource policies, Judge judge, SecuredExecution secured, Refusals refusals) {
        this.policies = policies;
        this.judge = judge;
        this.secured = secured;
        this.refusals = refusals;
    }

    /** Of a statement for which a snapshot of what it destroys is stored. */
    LastLook secured(StatementRun<?> run, ReviewedStatement statement, boolean approved) {
        return () -> require(run, statement, new Passed(approved, true, false));
    }

    /** Of a statement of which nothing is stored and whose rows are not counted, because nobody asked for that. */
    LastLook unsecured(StatementRun<?> run, ReviewedStatement statement, boolean approved) {
        return () -> require(run, statement, new Passed(approved, false, !approved));
    }

    /**
     * Of a statement that ran because nothing more was asked of it than to stay within the limits. That its definitions could
     * be stored too asks for nothing more.
     */
    LastLook counted(StatementRun<?> run, ReviewedStatement statement) {
        boolean definesAlone = statement.assessment().risk() != RiskLevel.CRITICAL;
        return () -> require(run, statement, new Passed(false, definesAlone, true));
    }

    private void require(StatementRun<?> run, ReviewedStatement statement, Passed passed) throws SQLException {
        Policy policy = policies.current();
        Verdict verdict =
                judge.decide(judge.weigh(statement.assessment(), policy), policy, refusals.state(run.session()));
        if (verdict instanceof Verdict.Block block) {
            throw refusals.blocked(run.session(), run.policy(), statement, block);
        }
        if ((verdict instanceof Verdict.Hold && !passed.approval())
                || (secured.applies(verdict, statement)
                        && !(passed.snapshot() && suffices(run.policy().recovery(), policy.recovery())))
                || (passed.limits() && otherLimits(run.policy().impact(), policy.impact()))) {
            throw new StatementBlockedException(
                    statement.assessment().operation() + " is refused: the policy was changed while it waited, and asks"
                            + " for more now; nothing was changed",
                    "send it again");
        }
    }

    /** Whether a snapshot that was stored by one set of rules is what the other asks for. */
    private static boolean suffices(RecoveryRules before, RecoveryRules now) {
        return before.equals(now)
                || (before.snapshotMode() == SnapshotMode.INLINE
                        && before.recoveryGroups().equals(now.recoveryGroups()));
    }

    /** Rows were counted by the limits from before, if at all: whether they are within others is not known. */
    private static boolean otherLimits(ImpactRules before, ImpactRules now) {
        return now.enabled() && !now.equals(before);
    }

    /**
     * What a statement has been through when it is about to run.
     *
     * @param limits whether it has to stay within limits, be it those of a policy that had none
     */
    private record Passed(boolean approval, boolean snapshot, boolean limits) {}
}
