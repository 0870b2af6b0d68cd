package io.backstop.api.event;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * The statement that an event is about. It holds no bind values, and secrets in its text are masked. Immutable,
 * thread-safe.
 *
 * @param at when it was judged
 * @param agentId who sent it
 * @param database the database, {@code host:port/name}
 * @param sql the text, cut after 4,000 characters where the statement is SAFE
 * @param statementSha256 SHA-256 over text and values in lower-case hex; empty for SAFE statements, and where a value is a
 *     stream
 * @param operation the command as the assessment names it
 * @param tables the tables that it would change
 * @param risk its risk
 * @param rules the rules that fired, worst first
 */
public record StatementEvent(
        Instant at,
        String agentId,
        String database,
        String sql,
        String statementSha256,
        String operation,
        List<String> tables,
        RiskLevel risk,
        List<RuleId> rules) {
    public StatementEvent {
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(sql, "sql");
        Objects.requireNonNull(statementSha256, "statementSha256");
        Objects.requireNonNull(operation, "operation");
        tables = List.copyOf(tables);
        Objects.requireNonNull(risk, "risk");
        rules = List.copyOf(rules);
    }
}
