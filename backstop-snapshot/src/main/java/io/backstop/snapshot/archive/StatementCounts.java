package io.backstop.snapshot.archive;

/**
 * How many rows of one table a statement wrote, by the server's counters for its transaction (PostgreSQL documentation, 28.2). What a
 * subtransaction of it wrote and took back counts too, so that more may be counted than is there, never less. Immutable,
 * thread-safe.
 *
 * @param inserted new rows, those included that came from another partition
 * @param updated changed rows, as often as they were changed
 * @param deleted removed rows, those included that went to another partition
 */
public record StatementCounts(long inserted, long updated, long deleted) {
    public static final StatementCounts NONE = new StatementCounts(0, 0, 0);

    /** What was written since an earlier count of the same transaction. */
    public StatementCounts since(StatementCounts earlier) {
        return new StatementCounts(inserted - earlier.inserted, updated - earlier.updated, deleted - earlier.deleted);
    }

    /** Both together. */
    public StatementCounts plus(StatementCounts other) {
        return new StatementCounts(inserted + other.inserted, updated + other.updated, deleted + other.deleted);
    }
}
