package io.backstop.api.policy;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RiskLevel;

import java.util.Objects;
import java.util.Set;

/**
 * Decides which statements may run, which wait for a human, and which never run. The components are the keys of the
 * policy file, grouped by subject. Immutable, thread-safe.
 *
 * @param name the profile or file it came from, for messages and the audit
 * @param enforcement whether refusals are carried out
 * @param requireApprovalForRisks risks that wait for a human
 * @param blocked operations that never run: {@code block_operations} of the file
 * @param blockUnknownOrParseFailure whether what cannot be understood is blocked rather than held
 * @param recovery what has to be saved before rows are destroyed
 * @param impact what makes an ordinary write CRITICAL
 * @param quarantine what happens to an agent that keeps trying
 * @param readFence which SAFE statements the server itself keeps from changing anything; {@link ReadFence#OFF} where
 *     nothing is refused
 * @param disclosure how much of values and rows is written down
 */
public record Policy(
        String name,
        Enforcement enforcement,
        Set<RiskLevel> requireApprovalForRisks,
        BlockedOperations blocked,
        boolean blockUnknownOrParseFailure,
        RecoveryRules recovery,
        ImpactRules impact,
        QuarantineRules quarantine,
        ReadFence readFence,
        DisclosureRules disclosure) {

    /** The operations that no snapshot of tables brings back, or that act on the whole server. */
    public static final BlockedOperations DEFAULT_BLOCKED_OPERATIONS = BlockedOperations.of(
            CommandTag.DROP_DATABASE,
            CommandTag.DROP_SCHEMA,
            CommandTag.DROP_TABLESPACE,
            CommandTag.DROP_OWNED,
            CommandTag.ALTER_SYSTEM,
            CommandTag.COPY_PROGRAM);

    public Policy {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(enforcement, "enforcement");
        requireApprovalForRisks = Set.copyOf(requireApprovalForRisks);
        Objects.requireNonNull(blocked, "blocked");
        Objects.requireNonNull(recovery, "recovery");
        Objects.requireNonNull(impact, "impact");
        Objects.requireNonNull(quarantine, "quarantine");
        Objects.requireNonNull(readFence, "readFence");
        Objects.requireNonNull(disclosure, "disclosure");
        if (enforcement == Enforcement.MONITOR) {
            readFence = ReadFence.OFF; // the server would refuse
        }
    }

    /** The default: what is HIGH or CRITICAL waits for a human, and nothing is destroyed without a snapshot. */
    public static Policy strict() {
        return new Policy(
                "strict",
                Enforcement.ENFORCE,
                Set.of(RiskLevel.HIGH, RiskLevel.CRITICAL),
                DEFAULT_BLOCKED_OPERATIONS,
                true,
                RecoveryRules.defaults(),
                ImpactRules.defaults(),
                QuarantineRules.defaults(),
                ReadFence.SESSION,
                DisclosureRules.defaults());
    }

    /** For applications that change their own schema: WRITE and HIGH run, CRITICAL is snapshotted and runs. */
    public static Policy application() {
        Policy strict = strict();
        return new Policy(
                "application",
                Enforcement.ENFORCE,
                Set.of(),
                strict.blocked(),
                strict.blockUnknownOrParseFailure(),
                strict.recovery().covering(CoverWrites.NONE),
                strict.impact().withoutBudget(),
                strict.quarantine().never(),
                ReadFence.STATEMENT,
                strict.disclosure());
    }

    /** For readers: nothing but SAFE statements runs. */
    public static Policy readOnly() {
        return strict().with("read-only", Enforcement.READ_ONLY);
    }

    /** For getting to know what would be refused: judges and records as the strict one, refuses nothing. */
    public static Policy monitor() {
        return strict().with("monitor", Enforcement.MONITOR);
    }

    /** The same rules under another name and enforcement. */
    public Policy with(String newName, Enforcement newEnforcement) {
        return new Policy(
                newName,
                newEnforcement,
                requireApprovalForRisks,
                blocked,
                blockUnknownOrParseFailure,
                recovery,
                impact,
                quarantine,
                readFence,
                disclosure);
    }

    /** The names of the operations that never run, as the file writes them. */
    public Set<String> blockOperations() {
        return blocked.names();
    }

    /** Whether refusals are carried out. */
    public enum Enforcement {
        ENFORCE,
        /** Judge and record, refuse nothing. */
        MONITOR,
        /** Only SAFE statements run. */
        READ_ONLY
    }
}
