package io.backstop.api.policy;

/** The moment at which the snapshot for a destructive statement is taken. Immutable, thread-safe. */
public enum SnapshotMode {
    /** In the session, right before the statement, under the lock that the statement needs. */
    INLINE,
    /**
     * Beforehand, by a sidecar or an operator: a young enough snapshot of every table that the statement reaches has to be
     * there. What was written since is not in it.
     */
    RECENT,
    /** Not at all: destructive statements run uncovered where the policy does not require recovery. */
    OFF
}
