package io.backstop.jdbc.internal.pipeline.impact;

/** How many rows of a table were inserted, updated and deleted. */
record RowCounts(long inserted, long updated, long deleted) {
    static final RowCounts NONE = new RowCounts(0, 0, 0);

    /** Rows that are no longer what they were. */
    long changed() {
        return updated + deleted;
    }

    boolean isEmpty() {
        return inserted == 0 && updated == 0 && deleted == 0;
    }

    RowCounts plus(RowCounts other) {
        return new RowCounts(inserted + other.inserted, updated + other.updated, deleted + other.deleted);
    }

    /** What came on top of an earlier count. A TRUNCATE sets counters back, so none of them may fall below zero. */
    RowCounts since(RowCounts earlier) {
        return new RowCounts(
                Math.max(0, inserted - earlier.inserted),
                Math.max(0, updated - earlier.updated),
                Math.max(0, deleted - earlier.deleted));
    }
}
