package io.backstop.api.approval;

import java.util.Objects;

/** The outcome of an attempt to decide a request. Immutable, thread-safe. */
public sealed interface ApprovalDecision {
    /** The request after the attempt. */
    Approval approval();

    /** This attempt decided the request. */
    record Decided(Approval approval) implements ApprovalDecision {
        public Decided {
            Objects.requireNonNull(approval, "approval");
        }
    }

    /** The request was decided, used or expired before. The approval holds its state, and who decided. */
    record AlreadyDecided(Approval approval) implements ApprovalDecision {
        public AlreadyDecided {
            Objects.requireNonNull(approval, "approval");
        }
    }

    /** The agent that made the request tried to approve it. The request is unchanged. */
    record NotYours(Approval approval) implements ApprovalDecision {
        public NotYours {
            Objects.requireNonNull(approval, "approval");
        }
    }

    /** Only an operator's signed approval counts for the request, and this one had no key. The request is unchanged. */
    record NotSigned(Approval approval) implements ApprovalDecision {
        public NotSigned {
            Objects.requireNonNull(approval, "approval");
        }
    }
}
