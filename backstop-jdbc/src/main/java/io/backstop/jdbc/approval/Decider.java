package io.backstop.jdbc.approval;

import java.util.Objects;
import java.util.Optional;

/**
 * The one who decides a request. Immutable.
 *
 * @param name the operator's name in the audit
 * @param agentId the agent that decides, if an agent does
 */
public record Decider(String name, Optional<String> agentId) {
    public Decider {
        if (name.isBlank()) {
            throw new IllegalArgumentException("the operator's name is blank");
        }
        Objects.requireNonNull(agentId, "agentId");
    }

    /** An operator who is known by a name alone. */
    public static Decider named(String name) {
        return new Decider(name, Optional.empty());
    }

    /** Whether that is the agent of this id: by its own word, or because the operator goes by the agent's name. */
    boolean is(String agent) {
        return name.equals(agent) || agentId.filter(agent::equals).isPresent();
    }
}
