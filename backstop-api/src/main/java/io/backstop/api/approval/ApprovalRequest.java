package io.backstop.api.approval;

import io.backstop.api.analysis.RiskLevel;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The statement that a human is asked to approve. Its text, parameters, agent, database, session and risk bind the
 * approval: an approval of one request serves no other. Immutable, thread-safe.
 *
 * @param sql the text for the human to read, secrets in it masked
 * @param statementSha256 SHA-256 over the text as it is sent and its parameters, in lower-case hex; for EXECUTE followed by
 *     a hash of the session's prepared statements
 * @param agentId who asks
 * @param database the database that it would run in, with its server: {@code host:port/name}
 * @param session what else decides on what it acts
 * @param operation the operation, as the assessment names it
 * @param tables what it would change
 * @param risk its risk
 * @param snapshot whether a verified snapshot of the rows is stored before it runs
 * @param reasons why it is held
 * @param rules the rules that fired, by which {@code docs/rules} names its pages
 * @param saferWay what the rules recommend instead; empty where none does
 * @param impact what it would change
 * @param values the values bound to it as text, secret ones masked, a list for each row of a batch; empty where nothing is
 *     bound, or where the policy keeps their digest alone
 * @param signatureRequired whether only a decision that an operator signed counts
 */
public record ApprovalRequest(
        String sql,
        String statementSha256,
        String agentId,
        String database,
        SessionContext session,
        String operation,
        List<String> tables,
        RiskLevel risk,
        boolean snapshot,
        List<String> reasons,
        List<String> rules,
        String saferWay,
        ExpectedImpact impact,
        List<List<String>> values,
        boolean signatureRequired) {
    public ApprovalRequest {
        Objects.requireNonNull(sql, "sql");
        Objects.requireNonNull(statementSha256, "statementSha256");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(session, "session");
        Objects.requireNonNull(operation, "operation");
        tables = List.copyOf(tables);
        Objects.requireNonNull(risk, "risk");
        reasons = List.copyOf(reasons);
        rules = List.copyOf(rules);
        Objects.requireNonNull(saferWay, "saferWay");
        Objects.requireNonNull(impact, "impact");
        values = values.stream().map(List::copyOf).toList();
    }

    /** A request of which only the essentials are known: no settings of its session, no rules, no impact. */
    public ApprovalRequest(
            String sql,
            String statementSha256,
            String agentId,
            String database,
            String role,
            String searchPath,
            String operation,
            List<String> tables,
            RiskLevel risk,
            List<String> reasons) {
        this(
                sql,
                statementSha256,
                agentId,
                database,
                SessionContext.of(role, searchPath),
                operation,
                tables,
                risk,
                false,
                reasons,
                List.of(),
                "",
                ExpectedImpact.UNKNOWN,
                List.of(),
                false);
    }

    /** The same request with what its statement would change. */
    public ApprovalRequest expecting(ExpectedImpact expected) {
        return with(reasons, expected, signatureRequired);
    }

    /** The same request with one more reason. */
    public ApprovalRequest because(String reason) {
        return with(Stream.concat(reasons.stream(), Stream.of(reason)).toList(), impact, signatureRequired);
    }

    /** The same request, which only a signed decision decides. */
    public ApprovalRequest signed() {
        return with(reasons, impact, true);
    }

    private ApprovalRequest with(List<String> newReasons, ExpectedImpact newImpact, boolean signed) {
        return new ApprovalRequest(
                sql,
                statementSha256,
                agentId,
                database,
                session,
                operation,
                tables,
                risk,
                snapshot,
                newReasons,
                rules,
                saferWay,
                newImpact,
                values,
                signed);
    }

    /** Whether an approval of the other request may be used for this one. */
    public boolean sameBinding(ApprovalRequest other) {
        return statementSha256.equals(other.statementSha256)
                && agentId.equals(other.agentId)
                && database.equals(other.database)
                && session.equals(other.session)
                && operation.equals(other.operation)
                && risk == other.risk
                && snapshot == other.snapshot;
    }
}
