package io.backstop.api.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.Decision;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Keeps requests for approval and their decisions. Each step is atomic, also among processes. Implementations are
 * thread-safe.
 */
public interface ApprovalStore {
    /** The id of this store, made when it was created: decisions that are signed for one store count in no other. */
    String storeId() throws ControlStoreUnavailableException;

    /** The store's time, by which requests and approvals expire. */
    Instant now() throws ControlStoreUnavailableException;

    /** The newest request with this binding, whatever its state; one past its time is shown as expired. */
    Optional<Approval> newest(ApprovalRequest request) throws ControlStoreUnavailableException;

    /**
     * The newest request with this binding if it still means something (undecided, approved and unused, or denied, and
     * in time), or else a new one. So a decision between two looks is not lost.
     */
    Approval open(ApprovalRequest request, Duration lifetime) throws ControlStoreUnavailableException;

    Optional<Approval> find(String id) throws ControlStoreUnavailableException;

    /** All in one of these states, oldest first. */
    List<Approval> list(ApprovalState... states) throws ControlStoreUnavailableException;

    /**
     * Decides a request if it is pending: of several callers at once, one does.
     *
     * @return whether this call decided it, and what the request is now; empty for an unknown id
     */
    Optional<ApprovalDecision> decide(String id, Decision decision) throws ControlStoreUnavailableException;

    /** The same with a decision that nobody signed, which holds from now on as long as the request could be decided. */
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

    /**
     * Marks an approval as one that counts for nothing, and records why in the audit log.
     *
     * @return whether this call did it
     */
    boolean invalidate(String id, String reason) throws ControlStoreUnavailableException;

    /** Makes a used approval usable again, because its statement did not run. */
    void release(String id) throws ControlStoreUnavailableException;
}
