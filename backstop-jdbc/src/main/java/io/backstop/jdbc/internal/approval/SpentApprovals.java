package io.backstop.jdbc.internal.approval;

import io.backstop.api.approval.Approval;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * The approvals that were used up, until they would have expired: for guards that share it, a row that was reset in the control
 * store does not bring one back. Thread-safe.
 */
public final class SpentApprovals {
    private final Map<String, Instant> spent = new HashMap<>();

    /** Whether it was used up. */
    synchronized boolean hold(String id) {
        return spent.containsKey(id);
    }

    /** To be told of every approval that was used up, before its statement runs. */
    synchronized void add(Approval approval, Instant now) {
        spent.values().removeIf(until -> until.isBefore(now));
        spent.put(approval.id(), approval.expiresAt());
    }

    /** The approval was given back. */
    synchronized void remove(String id) {
        spent.remove(id);
    }
}
