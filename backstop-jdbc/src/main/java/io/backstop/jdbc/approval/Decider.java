package io.backstop.jdbc.approval;

import java.util.Objects;
import java.util.Optional;

/**
 * The operator who decides a request. Immutable, thread-safe.
 *
 * @param name the operator's name in the audit log, not blank
 * @param agentId the agent that acts as this operator; empty if a person does
 */
public record Decider(String name, Optional<String> agentId) {
    public Decider {
        if (name.isBlank()) {
            throw new IllegalArgumentException("the operator's name is blank");
        }
        Objects.requireNonNull(agentId, "agentId");
    }

    /** An operator of whom only the name is known. */
    public static Decider named(String name) {
        return new Decider(name, Optional.empty());
    }

    /** Whether the operator is the agent of this id, or has its name. */
    boolean is(String agent) {
        return name.equals(agent) || agentId.filter(agent::equals).isPresent();
    }
}
