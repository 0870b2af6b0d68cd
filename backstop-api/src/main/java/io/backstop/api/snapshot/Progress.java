package io.backstop.api.snapshot;

/** Follows the work on a destructive statement. Calls come one at a time, not always in the same thread. */
@FunctionalInterface
public interface Progress {
    /** Ignores all progress. */
    Progress SILENT = (step, subject, done, total) -> {};

    /**
     * @param step what has just been done
     * @param subject the table it was done to, {@code schema.name}; the operation for steps about the statement
     * @param done rows done so far, for {@link Step#COPYING}; otherwise 0
     * @param total rows expected as the server's statistics estimate them, for {@link Step#COPYING}; otherwise 0
     */
    void reached(Step step, String subject, long done, long total);

    /** The steps, in their order. */
    enum Step {
        LOCKED,
        DESCRIBED,
        /** Some more rows are stored; comes as often as there are chunks. */
        COPYING,
        /** All rows of the table are stored. */
        COPIED,
        /** The table's manifest is stored: from here on its snapshot exists. */
        PUBLISHED,
        /** The whole group was read back and is what it should be. */
        VERIFIED,
        /** The statement ran, its transaction is open. */
        EXECUTED,
        /** Nothing but what is stored was destroyed. */
        CONFIRMED,
        /** The transaction that Backstop began for the statement is committed. */
        COMMITTED
    }
}
