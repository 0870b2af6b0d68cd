package io.backstop.jdbc.internal.approval;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalExpiredException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Stores requests in the control store and fails at once while one is undecided. After the approval, the same statement
 * sent again runs, once. Neither a connection nor a transaction waits meanwhile. Thread-safe.
 */
public final class StoreApprovalHook implements ApprovalHook {
    private final ApprovalStore store;
    private final Duration lifetime;
    private final Clock clock;

    /** @param lifetime how long a request can be decided, and how long after its decision an approval can be used */
    public StoreApprovalHook(ApprovalStore store, Duration lifetime, Clock clock) {
        this.store = store;
        this.lifetime = lifetime;
        this.clock = clock;
    }

    @Override
    public String obtain(ApprovalRequest request) throws BackstopException {
        Optional<Approval> newest = store.newest(request);
        if (newest.isPresent()) {
            Approval approval = newest.get();
            if (approval.state() == ApprovalState.APPROVED && store.consume(approval.id(), request)) {
                return approval.id();
            }
            if (approval.state() == ApprovalState.DENIED && clock.instant().isBefore(approval.expiresAt())) {
                throw denied(approval);
            }
            if (approval.state() == ApprovalState.EXPIRED && store.expire(approval.id())) {
                throw expired(approval);
            }
        }
        throw required(store.open(request, lifetime));
    }

    @Override
    public void release(String approvalId) throws BackstopException {
        store.release(approvalId);
    }

    private ApprovalRequiredException required(Approval approval) {
        return new ApprovalRequiredException(
                approval.id(),
                approval.request().operation() + " is held until an operator approves " + approval.id(),
                "after `backstop approvals approve " + approval.id() + "` send the same statement again; it expires in "
                        + Duration.between(clock.instant(), approval.expiresAt())
                                .toSeconds() + " s");
    }

    private static ApprovalDeniedException denied(Approval approval) {
        Instant until = approval.expiresAt();
        return new ApprovalDeniedException(
                approval.id(),
                approval.request().operation() + " was denied by "
                        + approval.decidedBy().orElse("an operator") + " (" + approval.id() + ")",
                "do not send it again; before " + until + " it is refused without asking anybody");
    }

    private static ApprovalExpiredException expired(Approval approval) {
        return new ApprovalExpiredException(
                approval.id(),
                approval.request().operation() + " was neither approved nor run before " + approval.expiresAt() + " ("
                        + approval.id() + ")",
                "send the statement again to ask once more");
    }
}
