package io.backstop.snapshot.capture;

import java.util.HashSet;
import java.util.Set;

/**
 * What a statement reaches, now that it is locked.
 *
 * @param sight which of their rows the transaction sees from here on
 * @param path the search path that the caller had
 */
record LockedTables(BlastRadius radius, Sight sight, SearchPath path) {

    /** Of an older snapshot only those rows are safe that it sees; and of its own temporary tables it sees all. */
    SavedTables saved() {
        Set<Long> whole = new HashSet<>();
        Set<Long> byRow = new HashSet<>();
        for (BlastRadius.Reached reached : radius.tables().values()) {
            boolean all = sight != Sight.OLDER || !reached.effect().byRow();
            (all ? whole : byRow).add(reached.relation().oid());
        }
        return new SavedTables(whole, byRow);
    }
}
