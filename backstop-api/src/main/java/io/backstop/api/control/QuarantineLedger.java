package io.backstop.api.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.QuarantineRules;

import java.time.Instant;
import java.util.Optional;

/** Counts the refusals of each agent, and keeps the end of its quarantine. Implementations are thread-safe. */
public interface QuarantineLedger {
    /** Until when the agent is in quarantine, if it is. */
    Optional<Instant> until(String agentId) throws ControlStoreUnavailableException;

    /** Counts one refusal, and puts the agent in quarantine where it was the last that the rules allow. */
    void refused(String agentId, QuarantineRules rules) throws ControlStoreUnavailableException;
}
