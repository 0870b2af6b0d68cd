package io.backstop.api.approval;

/** Where an approval stands. */
public enum ApprovalState {
    PENDING,
    APPROVED,
    DENIED,
    /** Nobody decided, or nobody used the decision, in time. */
    EXPIRED,
    /** The statement that it was given for has used it. */
    CONSUMED
}
