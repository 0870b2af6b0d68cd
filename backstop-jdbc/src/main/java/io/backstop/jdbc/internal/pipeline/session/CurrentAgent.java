package io.backstop.jdbc.internal.pipeline.session;

import java.util.Optional;
import java.util.concurrent.Callable;

/** Which agent the calls of this thread are made for, where the code said so. */
public final class CurrentAgent {
    /** Stands for all agents whom no setting and no code names. */
    public static final String UNKNOWN = "unknown";

    private static final int LONGEST = 200;

    // A thread's own, set and cleared by a call around the code that it is for.
    private static final ThreadLocal<String> AGENT = new ThreadLocal<>();

    private CurrentAgent() {}

    public static Optional<String> id() {
        return Optional.ofNullable(AGENT.get());
    }

    /** Why this cannot be an agent's id, which stands in every record of what the agent does; empty where it can. */
    public static Optional<String> problem(String id) {
        if (id.isBlank()) {
            return Optional.of("is blank");
        }
        if (id.length() > LONGEST) {
            return Optional.of("has " + id.length() + " characters, and may have " + LONGEST);
        }
        return id.chars().anyMatch(Character::isISOControl)
                ? Optional.of("holds a control character")
                : Optional.empty();
    }

    /** Runs the code for this agent, and afterwards it is who it was before. */
    public static <T> T during(String agentId, Callable<T> code) throws Exception {
        String previous = AGENT.get();
        AGENT.set(agentId);
        try {
            return code.call();
        } finally {
            if (previous == null) {
                AGENT.remove();
            } else {
                AGENT.set(previous);
            }
        }
    }
}
