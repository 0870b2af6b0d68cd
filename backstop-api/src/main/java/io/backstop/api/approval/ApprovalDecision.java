package io.backstop.api.approval;

import java.util.Objects;

/** The outcome of deciding a request. Immutable, thread-safe. */
public sealed interface ApprovalDecision {
    /** The request as it is now. */
    Approval approval();

    /** This call decided it. */
    record Decided(Approval approval) implements ApprovalDecision {
        public Decided {
            Objects.requireNonNull(approval, "approval");
        }
    }

    /** It was decided, used or expired before; its state, and who decided, are the approval's. */
    record AlreadyDecided(Approval approval) implements ApprovalDecision {
        public AlreadyDecided {
            Objects.requireNonNull(approval, "approval");
        }
    }

    /** The one who decides made the request; it is as undecided as before. */
    record NotYours(Approval approval) implements ApprovalDecision {
        public NotYours {
            Objects.requireNonNull(approval, "approval");
        }
    }
}
