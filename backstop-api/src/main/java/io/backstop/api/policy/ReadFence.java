package io.backstop.api.policy;

/**
 * Which statements that were judged SAFE run in a transaction that PostgreSQL itself keeps read-only: {@code read_fence} of
 * a policy file. Where the judgement was wrong, the server refuses the statement (25006) instead of changing rows.
 */
public enum ReadFence {
    /** All of them, outside transactions by the session's {@code default_transaction_read_only}. */
    SESSION,
    /** Those whose safety rests on what the catalog says: they name functions, views or types of the database's own. */
    STATEMENT,
    /** None. */
    OFF
}
