package io.backstop.snapshot.internal.lock;

import java.util.Set;

/**
 * The tables, by their oids, of which rows are stored.
 *
 * @param whole all their rows are safe
 * @param byRow only the rows that the transaction sees are safe, so what takes all at once, unseen ones too, is a loss
 */
public record CapturedTableIds(Set<Long> whole, Set<Long> byRow) {
    public CapturedTableIds {
        whole = Set.copyOf(whole);
        byRow = Set.copyOf(byRow);
    }
}
