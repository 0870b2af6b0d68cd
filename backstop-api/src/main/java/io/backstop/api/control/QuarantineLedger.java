package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.QuarantineRules;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Counts the refusals of each agent, and keeps its quarantine. Implementations are thread-safe. */
public interface QuarantineLedger {
    /** The agent's quarantine, if it is in one. */
    Optional<Quarantine> current(String agentId) throws ControlStoreUnavailableException;

    /** Until when the agent is in quarantine, if it is. */
    default Optional<Instant> until(String agentId) throws ControlStoreUnavailableException {
        return current(agentId).map(Quarantine::until);
    }

    /** All agents that are in quarantine, the one that was put there first before the others. */
    List<Quarantine> list() throws ControlStoreUnavailableException;

    /**
     * Counts one refusal, and puts the agent in quarantine where it was the last that the rules allow.
     *
     * @param statement the refused statement, secrets in it masked
     */
    void refused(String agentId, String statement, QuarantineRules rules) throws ControlStoreUnavailableException;

    /**
     * Ends an agent's quarantine and forgets its refusals.
     *
     * @return whether it was in one
     */
    boolean lift(String agentId, String operator) throws ControlStoreUnavailableException;
}
