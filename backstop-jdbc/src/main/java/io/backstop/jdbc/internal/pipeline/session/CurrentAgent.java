package io.backstop.jdbc.internal.pipeline.session;

import java.util.Optional;
import java.util.concurrent.Callable;

/** Which agent the calls of this thread are made for, where the code said so. */
public final class CurrentAgent {
    /** Stands for all agents whom no setting and no code names. */
    public static final String UNKNOWN = "unknown";

    // A thread's own, set and cleared by a call around the code that it is for.
    private static final ThreadLocal<String> AGENT = new ThreadLocal<>();

    private CurrentAgent() {}

    public static Optional<String> id() {
        return Optional.ofNullable(AGENT.get());
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
