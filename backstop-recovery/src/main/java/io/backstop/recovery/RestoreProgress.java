package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;

/** Is told how far a restore has come. Called in the thread that restores, with the transaction still open. */
@FunctionalInterface
public interface RestoreProgress {
    /** Tells nobody. */
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
        /** Keys, checks, foreign keys and indexes are built. */
        CONSTRAINED,
        VALIDATED,
        /** From here on the table is there for others. */
        COMMITTED
    }
}
