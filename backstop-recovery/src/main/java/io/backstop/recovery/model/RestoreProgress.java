package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;

/**
 * Follows a restore, while its transaction is still open. Calls come one at a time, in the thread that restores; those
 * for {@link Step#LOADING} may come in the thread of a second connection.
 */
@FunctionalInterface
public interface RestoreProgress {
    /** Ignores all progress. */
    RestoreProgress SILENT = (step, target, rows, total) -> {};

    /**
     * @param step what has just been done
     * @param target the table that is being made
     * @param rows rows loaded so far
     * @param total rows that the snapshot holds
     */
    void reached(Step step, RelationName target, long rows, long total);

    /** The steps, in their order. */
    enum Step {
        /** Every object of the snapshot was read and is what it should be. */
        VERIFIED,
        CREATED,
        /** Some more rows are loaded; comes as often as there are chunks. */
        LOADING,
        LOADED,
        /** The indexes of a table that two connections restore are built; comes for such a table only. */
        INDEXED,
        /** Keys, checks, foreign keys and indexes are built. */
        CONSTRAINED,
        VALIDATED,
        /** From here on the table is there for others. */
        COMMITTED
    }
}
