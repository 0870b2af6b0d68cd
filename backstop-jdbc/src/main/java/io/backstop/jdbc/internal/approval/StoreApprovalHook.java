package io.backstop.jdbc.internal.approval;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.Decision;
import io.backstop.api.approval.ImpactPreview;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ApprovalDeniedException;
import io.backstop.api.error.ApprovalExpiredException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.operator.OperatorsFile;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Stores requests in the control store and fails at once while one is undecided. After the approval, the same statement
 * sent again runs, once. Neither a connection nor a transaction waits meanwhile, unless callers are to wait: the pipeline
 * does that for them. Thread-safe.
 */
public final class StoreApprovalHook implements ApprovalHook {
    private static final Logger LOG = LoggerFactory.getLogger(StoreApprovalHook.class);

    /** More than any number of processes that send the same statement at once needs. */
    private static final int MAX_LOOKS = 100;

    private final ApprovalStore store;
    private final ApprovalVerifier verifier;
    private final SpentApprovals spent;
    private final Duration lifetime;
    private final boolean waits;
    private final Clock clock;

    /**
     * @param operators whose signed decisions count; empty where unsigned ones do
     * @param lifetime how long a request can be decided, and how long after its decision an approval can be used
     * @param waits whether callers wait until their request is decided
     * @param spent what was used up, in this guard and others of the process
     */
    public StoreApprovalHook(
            ApprovalStore store,
            Optional<OperatorsFile> operators,
            Duration lifetime,
            boolean waits,
            SpentApprovals spent,
            Clock clock) {
        this.store = store;
        this.spent = spent;
        this.verifier = new ApprovalVerifier(operators, store, lifetime, spent);
        this.lifetime = lifetime;
        this.waits = waits;
        this.clock = clock;
    }

    @Override
    public String obtain(ApprovalRequest request) throws BackstopException {
        try {
            return obtain(request, ImpactPreview.NONE);
        } catch (BackstopException e) {
            throw e;
        } catch (SQLException e) {
            throw new IllegalStateException("nothing was looked for", e);
        }
    }

    @Override
    public String obtain(ApprovalRequest asked, ImpactPreview preview) throws SQLException {
        ApprovalRequest request = verifier.requiresSignature() ? asked.signed() : asked;
        verifier.seal();
        Optional<Approval> newest = store.newest(request);
        String refused = "";
        @Nullable ApprovalRequest described = null;
        for (int look = 0; look < MAX_LOOKS; look++) {
            if (newest.isPresent()) {
                Approval approval = newest.get();
                switch (approval.state()) {
                    case PENDING -> throw required(approval, refused);
                    case DENIED -> {
                        if (clock.instant().isBefore(approval.expiresAt())) {
                            throw denied(approval);
                        }
                    }
                    case EXPIRED -> {
                        if (store.expire(approval.id())) {
                            throw expired(approval);
                        }
                    }
                    case APPROVED -> {
                        Optional<String> flaw = verifier.flaw(approval, request, clock.instant());
                        if (flaw.isEmpty() && store.consume(approval.id(), request)) {
                            spent.add(approval, clock.instant());
                            return approval.id();
                        }
                        if (flaw.isPresent() || isStillApproved(approval.id())) {
                            refused = refuse(approval, flaw.orElse(ApprovalVerifier.USED_BEFORE));
                        }
                    }
                    case CONSUMED -> {
                        // Another execution's: this one needs its own.
                        if (described == null) {
                            request = request.because(
                                    "its approval " + approval.id() + " was used up by an earlier attempt");
                        }
                    }
                    case INVALID -> {
                        // It counts for nothing.
                    }
                }
            }
            // What was decided between the two looks comes back from here, and is looked at again.
            if (described == null) {
                described = request.expecting(preview.look()); // once: it may run the statement
                refused += UnfitApproval.among(store.list(ApprovalState.APPROVED), request, clock.instant());
            }
            newest = Optional.of(store.open(described, lifetime));
        }
        throw new ControlStoreUnavailableException(
                "the request for approval of " + request.operation() + " changes at every look",
                "find out who writes the control store, and send the statement again");
    }

    private boolean isStillApproved(String id) throws ControlStoreUnavailableException {
        return store.find(id)
                .filter(approval -> approval.state() == ApprovalState.APPROVED)
                .isPresent();
    }

    /** @return a half sentence for the caller */
    private String refuse(Approval approval, String flaw) throws ControlStoreUnavailableException {
        LOG.error(
                "approval {} of {} by agent {} is refused: {}",
                approval.id(),
                approval.request().operation(),
                approval.request().agentId(),
                flaw);
        store.invalidate(approval.id(), flaw);
        return "; the approval " + approval.id() + " is refused: " + flaw;
    }

    @Override
    public boolean waits() {
        return waits;
    }

    @Override
    public boolean undecided(ApprovalRequiredException held) throws BackstopException {
        Optional<Approval> approval = store.find(held.approvalId());
        if (approval.isPresent() && approval.get().state() == ApprovalState.EXPIRED) {
            store.expire(held.approvalId());
            throw expired(approval.get());
        }
        if (approval.isPresent() && approval.get().state() == ApprovalState.DENIED) {
            throw denied(approval.get()); // also where the policy would let it run by now
        }
        return approval.isPresent() && approval.get().state() == ApprovalState.PENDING;
    }

    @Override
    public void release(String approvalId) throws BackstopException {
        store.release(approvalId);
        spent.remove(approvalId);
    }

    private ApprovalRequiredException required(Approval approval, String refused) {
        ApprovalRequest request = approval.request();
        return new ApprovalRequiredException(
                approval.id(),
                request.operation() + " is held until an operator approves " + approval.id() + why(request) + refused,
                "send the same statement again once it is approved; the request expires in "
                        + Duration.between(clock.instant(), approval.expiresAt())
                                .toSeconds() + " s"
                        + (request.saferWay().isEmpty() ? "" : ". Safer: " + request.saferWay()));
    }

    private static String why(ApprovalRequest request) {
        return (request.reasons().isEmpty() ? "" : ": " + String.join("; ", request.reasons()))
                + (request.rules().isEmpty() ? "" : " [" + String.join(", ", request.rules()) + "]");
    }

    private static ApprovalDeniedException denied(Approval approval) {
        Instant until = approval.expiresAt();
        String comment = approval.decision().map(Decision::comment).orElse("");
        return new ApprovalDeniedException(
                approval.id(),
                approval.request().operation() + " was denied by "
                        + approval.decidedBy().orElse("an operator") + " (" + approval.id() + ")"
                        + (comment.isEmpty() ? "" : ": " + comment),
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
