package io.backstop.snapshot.internal.copy;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A table's pages in pieces, which several connections take turns to read. The last piece has no end, so that nothing is
 * left out however many pages there are by then. Thread-safe.
 */
public final class PageRanges {
    /** 32 MiB of pages of the usual size: many enough to share, long enough not to count. */
    public static final long PAGES = 4096;

    /** The largest block number (PostgreSQL documentation, 8.19 and storage/block.h), which no piece may begin beyond. */
    private static final long LAST = 0xFFFF_FFFEL;

    private final AtomicLong next = new AtomicLong();
    private final long pieces;

    /** @param pages how many pages the table has */
    PageRanges(long pages) {
        this.pieces = Math.max(1, Math.min(pages, LAST) / PAGES);
    }

    /** A piece that nobody has taken yet. */
    Optional<Range> take() {
        long number = next.getAndIncrement();
        return number < pieces ? Optional.of(new Range(number, number == pieces - 1)) : Optional.empty();
    }

    /** Leaves nothing more to take. */
    void stop() {
        next.set(pieces);
    }

    /** One piece. */
    record Range(long number, boolean last) {
        /** A condition on {@code ctid} that the server answers by reading these pages alone. */
        String condition() {
            String from = "ctid >= '(" + number * PAGES + ",0)'::pg_catalog.tid";
            return last ? from : from + " AND ctid < '(" + (number + 1) * PAGES + ",0)'::pg_catalog.tid";
        }
    }
}
