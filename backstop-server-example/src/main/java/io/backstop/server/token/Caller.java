package io.backstop.server.token;

import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A caller who presented a token of the token file. Immutable, thread-safe.
 *
 * @param id the token's id, which is the operator's name in the audit log
 * @param scopes the scopes of the token
 * @param agentId the agent that holds the token; empty if a person does
 * @param operator who decides with the token, as the audit names them; empty for the token's id
 */
public record Caller(String id, Set<Scope> scopes, Optional<String> agentId, Optional<String> operator) {
    public Caller {
        Objects.requireNonNull(id, "id");
        scopes = Set.copyOf(scopes);
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(operator, "operator");
    }

    public boolean may(Scope scope) {
        return scopes.contains(scope);
    }
}
