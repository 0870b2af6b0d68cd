package io.backstop.jdbc.internal.approval;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.operator.DecisionSeal;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorsFile;
import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Whether an approval in the store is one that a human gave, and has not been used by this process: the store's rows alone
 * prove neither. Thread-safe.
 */
final class ApprovalVerifier {
    static final String USED_BEFORE = "it was used before, and somebody has reset it in the control store";

    private final Optional<OperatorsFile> operators;
    private final ApprovalStore store;
    private final Duration lifetime;
    private final SpentApprovals spent;

    /** Of the store as this guard found it first: one that is put in its place later has another id. Guarded by this. */
    private @Nullable DecisionSeal seal;

    /**
     * @param operators whose signature an approval needs; empty where it needs none
     * @param store the store whose approvals are verified
     * @param lifetime how long an approval counts at most
     * @param spent what was used up, in this guard and others of the process
     */
    ApprovalVerifier(Optional<OperatorsFile> operators, ApprovalStore store, Duration lifetime, SpentApprovals spent) {
        this.operators = operators;
        this.store = store;
        this.lifetime = lifetime;
        this.spent = spent;
    }

    /** Whether only signed approvals count. */
    boolean requiresSignature() {
        return operators.isPresent();
    }

    /**
     * Why an approval does not count; empty where it does.
     *
     * @throws ControlStoreUnavailableException where the operators' file cannot be used
     */
    Optional<String> flaw(Approval approval, ApprovalRequest asked, Instant now)
            throws ControlStoreUnavailableException {
        if (spent.hold(approval.id())) {
            return Optional.of(USED_BEFORE);
        }
        if (operators.isEmpty()) {
            return Optional.empty();
        }
        Instant latest = approval.decidedAt().orElse(Instant.MIN).plus(lifetime);
        if (approval.decidedAt().isEmpty() || now.isAfter(latest)) {
            return Optional.of("it is older than backstop.approvalTimeout allows");
        }
        try {
            return seal().flaw(approval, asked, operators.get().read());
        } catch (OperatorException e) {
            throw new ControlStoreUnavailableException(
                    "no approval can be verified: " + e.problem(),
                    "an administrator has to put back the operators' file; nothing was run",
                    e);
        }
    }

    /** Remembers which store it is, the first time that it can be asked. */
    DecisionSeal seal() throws ControlStoreUnavailableException {
        synchronized (this) {
            if (seal != null) {
                return seal;
            }
        }
        DecisionSeal first = new DecisionSeal(store.storeId());
        synchronized (this) {
            if (seal == null) {
                seal = first;
            }
            return seal;
        }
    }
}
