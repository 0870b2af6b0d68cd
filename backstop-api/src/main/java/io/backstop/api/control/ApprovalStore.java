package io.backstop.api.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Keeps requests for approval and their decisions. Each step is atomic, also among processes. Implementations are
 * thread-safe.
 */
public interface ApprovalStore {
    /** The newest request with this binding, whatever its state; one past its time is shown as expired. */
    Optional<Approval> newest(ApprovalRequest request) throws ControlStoreUnavailableException;

    /** The request with this binding that is still undecided, or a new one. */
    Approval open(ApprovalRequest request, Duration lifetime) throws ControlStoreUnavailableException;

    Optional<Approval> find(String id) throws ControlStoreUnavailableException;

    /** All in one of these states, oldest first. */
    List<Approval> list(ApprovalState... states) throws ControlStoreUnavailableException;

    /**
     * Decides a request if it is pending: of several callers at once, one does.
     *
     * @return whether this call decided it, and what the request is now; empty for an unknown id
     */
    Optional<ApprovalDecision> decide(String id, boolean approve, String operator)
            throws ControlStoreUnavailableException;

    /**
     * Uses an approval up. Of two callers at the same time, one succeeds.
     *
     * @return whether this call did it
     */
    boolean consume(String id, ApprovalRequest request) throws ControlStoreUnavailableException;

    /**
     * Marks a request whose time is over as expired.
     *
     * @return whether this call did it, so that its expiry is reported once
     */
    boolean expire(String id) throws ControlStoreUnavailableException;

    /** Makes a used approval usable again, because its statement did not run. */
    void release(String id) throws ControlStoreUnavailableException;
}
