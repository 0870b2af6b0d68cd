package io.backstop.api.snapshot;

/**
 * How many rows were written to tables after their snapshots were taken, so that no snapshot holds them as they are.
 * Immutable, thread-safe.
 *
 * @param rows about how many: the server's statistics lag behind by seconds
 * @param estimated whether the statistics were reset meanwhile, so that {@code rows} is the estimated size of the tables
 */
public record RowsSince(long rows, boolean estimated) {
    public RowsSince {
        if (rows < 0) {
            throw new IllegalArgumentException("less than no rows were written: " + rows);
        }
    }

    /** Those of several tables. */
    public RowsSince plus(RowsSince other) {
        return new RowsSince(rows + other.rows, estimated || other.estimated);
    }
}
