package io.backstop.api.audit;

import io.backstop.api.analysis.RiskLevel;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One event for the audit log. It holds no credentials, and bound values only where the policy says so. Immutable, thread-safe.
 *
 * @param at when
 * @param kind what
 * @param agentId who sent the statement, or which operator acted
 * @param database the database, {@code host:port/name}; empty for what concerns none
 * @param sql the text, secrets in it masked; empty for what is not a statement
 * @param statementSha256 SHA-256 over text and parameters in lower-case hex, or empty
 * @param operation the operation as the assessment names it, or what the operator did
 * @param tables what the statement would change
 * @param risk the statement's risk
 * @param outcome one word or sentence: {@code allowed}, {@code held}, {@code executed 3 rows}, the SQLSTATE of a failure
 * @param approvalId the approval it concerns
 * @param snapshotGroup the snapshots that cover it
 * @param values the values bound to the statement as text, secret ones masked, a list for each row of a batch; empty where
 *     the policy keeps none
 */
public record AuditEvent(
        Instant at,
        Kind kind,
        String agentId,
        String database,
        String sql,
        String statementSha256,
        String operation,
        List<String> tables,
        RiskLevel risk,
        String outcome,
        Optional<String> approvalId,
        Optional<String> snapshotGroup,
        List<List<String>> values) {
    /** How the outcome of a blocked statement begins; the rule follows, and {@code ]}. */
    public static final String BLOCKED = "blocked [";

    /** The outcome of a statement that passed for a read and was not let change anything. */
    public static final String REFUSED_BY_FENCE = "refused by the read fence";

    public AuditEvent {
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(sql, "sql");
        Objects.requireNonNull(statementSha256, "statementSha256");
        Objects.requireNonNull(operation, "operation");
        tables = List.copyOf(tables);
        Objects.requireNonNull(risk, "risk");
        Objects.requireNonNull(outcome, "outcome");
        Objects.requireNonNull(approvalId, "approvalId");
        Objects.requireNonNull(snapshotGroup, "snapshotGroup");
        values = values.stream().map(List::copyOf).toList();
    }

    /** An event without values. */
    public AuditEvent(
            Instant at,
            Kind kind,
            String agentId,
            String database,
            String sql,
            String statementSha256,
            String operation,
            List<String> tables,
            RiskLevel risk,
            String outcome,
            Optional<String> approvalId,
            Optional<String> snapshotGroup) {
        this(
                at,
                kind,
                agentId,
                database,
                sql,
                statementSha256,
                operation,
                tables,
                risk,
                outcome,
                approvalId,
                snapshotGroup,
                List.of());
    }

    /**
     * What an operator did.
     *
     * @param database which one it concerns; empty for none
     * @param act in a few words
     * @param detail how it went, or why it was done
     */
    public static AuditEvent ofOperator(
            Instant at,
            String operator,
            String database,
            String act,
            List<String> tables,
            String detail,
            Optional<String> approvalId) {
        return new AuditEvent(
                at,
                Kind.OPERATOR,
                operator,
                database,
                "",
                "",
                act,
                tables,
                RiskLevel.SAFE,
                detail,
                approvalId,
                Optional.empty());
    }

    /** The kinds of event. */
    public enum Kind {
        /** A statement was judged: recorded before it runs. */
        DECISION,
        /** The outcome of a statement that was let through. */
        OUTCOME,
        /** A refusal after the decision: no approval, no snapshot, a pause. */
        REFUSAL,
        /** An operator approved, denied, paused or resumed. */
        OPERATOR
    }
}
