package io.backstop.api.approval;

import io.backstop.api.analysis.RiskLevel;

import java.util.List;
import java.util.Objects;

/**
 * The statement that a human is asked to approve. Its text, parameters, agent, database, role and search path bind the
 * approval: an approval of one request serves no other. Immutable, thread-safe.
 *
 * @param sql the text for the human to read, secrets in it masked
 * @param statementSha256 SHA-256 over the text as it is sent and its parameters, in lower-case hex; for EXECUTE followed by
 *     a hash of the session's prepared statements
 * @param agentId who asks
 * @param database the database that it would run in, with its server: {@code host:port/name}
 * @param role the database role that it would run as
 * @param searchPath the session's {@code search_path}, which decides what unqualified names mean
 * @param operation the operation, as the assessment names it
 * @param tables what it would change
 * @param risk its risk
 * @param reasons why it is held
 */
public record ApprovalRequest(
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
    public ApprovalRequest {
        Objects.requireNonNull(sql, "sql");
        Objects.requireNonNull(statementSha256, "statementSha256");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(searchPath, "searchPath");
        Objects.requireNonNull(operation, "operation");
        tables = List.copyOf(tables);
        Objects.requireNonNull(risk, "risk");
        reasons = List.copyOf(reasons);
    }

    /** Whether an approval of the other request may be used for this one. */
    public boolean sameBinding(ApprovalRequest other) {
        return statementSha256.equals(other.statementSha256)
                && agentId.equals(other.agentId)
                && database.equals(other.database)
                && role.equals(other.role)
                && searchPath.equals(other.searchPath);
    }
}
