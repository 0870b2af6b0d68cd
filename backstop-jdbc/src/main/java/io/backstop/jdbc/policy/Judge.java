package io.backstop.jdbc.policy;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.control.Quarantine;
import io.backstop.api.policy.BlockedOperations;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.RecoveryRules;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.policy.Verdict;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Decides about an assessed statement by a policy. Pure and stateless: the same input gets the same verdict.
 * Thread-safe.
 */
public final class Judge {
    public static final RuleId PAUSED = new RuleId("emergency-pause");
    public static final RuleId QUARANTINED = new RuleId("agent-quarantined");
    public static final RuleId READ_ONLY = new RuleId("read-only-policy");
    public static final RuleId UNRECOGNISED = new RuleId("unrecognised-statement");
    public static final RuleId BLOCKED_OPERATION = new RuleId("blocked-operation");
    public static final RuleId UNRECOVERABLE = new RuleId("unrecoverable-operation");
    public static final RuleId STORED_DESTRUCTION = new RuleId("stored-destruction");
    public static final RuleId TEXT_TOO_LONG = new RuleId("text-too-long");
    public static final RuleId NO_SNAPSHOTS = new RuleId("snapshots-off");

    /** Raises to CRITICAL where what happens on the other side of a foreign table would be neither counted nor stored. */
    public static final RuleId FOREIGN_TABLE = new RuleId("foreign-table");

    private static final Verdict RUN = new Verdict.Allow(false);

    /** The assessment as the policy sees it: with what it protects on top. */
    public Assessment weigh(Assessment assessment, Policy policy) {
        return ProtectedObjects.apply(
                policy.impact(), !policy.requireApprovalForRisks().contains(RiskLevel.CRITICAL), assessment);
    }

    /** The verdict on an assessment that {@link #weigh} returned. */
    public Verdict decide(Assessment assessment, Policy policy, SessionState state) {
        if (state.quarantine().isPresent()
                && (assessment.risk() != RiskLevel.SAFE || policy.quarantine().blocksSafeQueries())) {
            return new Verdict.Block(QUARANTINED, words(state.quarantine().get()));
        }
        if (assessment.risk() == RiskLevel.SAFE) {
            return RUN;
        }
        if (state.pause().isPresent()) {
            return new Verdict.Block(
                    PAUSED, "writes are paused: " + state.pause().get().reason());
        }
        if (policy.enforcement() == Policy.Enforcement.READ_ONLY) {
            return new Verdict.Block(READ_ONLY, "the policy lets nothing but SAFE statements run");
        }
        if (assessment.parseErrorPresent() && policy.blockUnknownOrParseFailure()) {
            return new Verdict.Block(UNRECOGNISED, "the statement cannot be understood");
        }
        return blockedOperation(assessment, policy)
                .or(() -> unrecoverable(assessment, policy.recovery()))
                .orElseGet(() -> allowOrHold(assessment, policy));
    }

    private static String words(Quarantine quarantine) {
        return "the agent is in quarantine until " + quarantine.until()
                + (quarantine.statements().isEmpty()
                        ? ""
                        : ", because these were refused: " + String.join(" | ", quarantine.statements()));
    }

    private static Optional<Verdict> blockedOperation(Assessment assessment, Policy policy) {
        return assessment.statements().stream()
                .flatMap(statement -> blocked(statement, policy.blocked()))
                .findFirst()
                .map(operation -> new Verdict.Block(BLOCKED_OPERATION, "the policy blocks " + operation));
    }

    /** The blocked operations of a statement: its own, and those of the statements inside it. */
    private static Stream<String> blocked(StatementAssessment statement, BlockedOperations blocked) {
        boolean itself = blocked.commands().contains(statement.tag())
                || (statement.tag() == CommandTag.EXPLAIN_ANALYZE
                        && blocked.explained().contains(statement.inner().get(0)));
        return Stream.of(
                        Stream.of(statement.operation()).filter(operation -> itself),
                        statement.inner().stream()
                                .filter(blocked.commands()::contains)
                                .map(CommandTag::text),
                        statement.destructions().stream()
                                .map(Destruction::kind)
                                .filter(kind -> kind == Destruction.Kind.UNRECOVERABLE
                                        ? blocked.unrecoverable()
                                        : kind.command()
                                                .filter(blocked.commands()::contains)
                                                .isPresent())
                                .map(Destruction.Kind::text))
                .flatMap(Function.identity());
    }

    private static Optional<Verdict> unrecoverable(Assessment assessment, RecoveryRules recovery) {
        if (!destroys(assessment)) {
            return Optional.empty();
        }
        if (recovery.blockUnrecoverableOperations()) {
            if (!assessment.destructions().stream().allMatch(Destruction::recoverable)) {
                return Optional.of(new Verdict.Block(
                        UNRECOVERABLE, "no snapshot could undo it: " + String.join("; ", reasons(assessment))));
            }
            if (assessment.statements().stream().anyMatch(Judge::storesDestruction)) {
                return Optional.of(new Verdict.Block(
                        STORED_DESTRUCTION,
                        "PREPARE of a statement that destroys rows cannot be covered by a snapshot"));
            }
        }
        if (recovery.requireRecoveryForCritical() && recovery.snapshotMode() == SnapshotMode.OFF) {
            return Optional.of(
                    new Verdict.Block(NO_SNAPSHOTS, "the policy requires recovery for it, and takes no snapshots"));
        }
        return Optional.empty();
    }

    /** A prepared statement destroys when it is executed, whenever that is: a snapshot now would prove nothing. */
    private static boolean storesDestruction(StatementAssessment statement) {
        return statement.risk() == RiskLevel.CRITICAL && statement.tag() == CommandTag.PREPARE;
    }

    private static Verdict allowOrHold(Assessment assessment, Policy policy) {
        boolean snapshot = (removesDefinitions(assessment)
                        || (destroys(assessment)
                                && assessment.destructions().stream().anyMatch(Destruction::recoverable)))
                && policy.recovery().requireRecoveryForCritical()
                && policy.recovery().snapshotMode() != SnapshotMode.OFF;
        return policy.requireApprovalForRisks().contains(assessment.risk()) || runsUncountedElsewhere(assessment)
                ? new Verdict.Hold(reasons(assessment), snapshot)
                : new Verdict.Allow(snapshot);
    }

    private static boolean destroys(Assessment assessment) {
        return assessment.risk() == RiskLevel.CRITICAL
                && !assessment.destructions().isEmpty();
    }

    /** No policy can tell whether the other side may be let run, so an operator is asked under every one. */
    private static boolean runsUncountedElsewhere(Assessment assessment) {
        return assessment.findings().stream()
                .anyMatch(finding -> finding.rule().equals(FOREIGN_TABLE) && finding.risk() == RiskLevel.CRITICAL);
    }

    /** HIGH, because no rows go by it; but no definition should go without a way back either. */
    private static boolean removesDefinitions(Assessment assessment) {
        List<Destruction> destructions = assessment.destructions();
        return assessment.risk() == RiskLevel.HIGH
                && (destructions.stream().allMatch(Destruction::ofViewsAlone)
                        ? !assessment.definitions().isEmpty()
                        : destructions.stream()
                                .anyMatch(destruction -> destruction.kind() == Destruction.Kind.DROP_TABLE));
    }

    private static List<String> reasons(Assessment assessment) {
        return assessment.findings().stream()
                .filter(finding -> finding.risk() == assessment.risk())
                .map(Finding::reason)
                .distinct()
                .toList();
    }
}
