package io.backstop.api.approval;

/** The states of a request for approval. Immutable, thread-safe. */
public enum ApprovalState {
    PENDING,
    APPROVED,
    DENIED,
    /** Not decided in time, or approved and not used in time. */
    EXPIRED,
    /** The statement that it was given for has used it, or may have. */
    CONSUMED,
    /** Its approval was no operator's: the guard refused it. */
    INVALID
}
