package io.backstop.server.token;

import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Whom a token stands for. Immutable, thread-safe.
 *
 * @param id the token's id, which is the operator's name in the audit
 * @param scopes what it may do
 * @param agentId the agent that holds the token, if an agent does
 */
public record Caller(String id, Set<Scope> scopes, Optional<String> agentId) {
    public Caller {
        Objects.requireNonNull(id, "id");
        scopes = Set.copyOf(scopes);
        Objects.requireNonNull(agentId, "agentId");
    }

    public boolean may(Scope scope) {
        return scopes.contains(scope);
    }
}
