package io.backstop.snapshot.capture;

import java.util.Set;

/**
 * The tables, by their oids, of which rows are stored.
 *
 * @param whole all their rows are safe
 * @param byRow only the rows that the transaction sees are safe, so what takes all at once, unseen ones too, is a loss
 */
record SavedTables(Set<Long> whole, Set<Long> byRow) {
    SavedTables {
        whole = Set.copyOf(whole);
        byRow = Set.copyOf(byRow);
    }
}
