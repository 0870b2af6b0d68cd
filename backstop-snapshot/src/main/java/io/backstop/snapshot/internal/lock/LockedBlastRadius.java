package io.backstop.snapshot.internal.lock;

import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.session.SearchPath;
import io.backstop.snapshot.internal.session.SnapshotVisibility;

import java.util.HashSet;
import java.util.Set;

/**
 * What a statement reaches, now that it is locked.
 *
 * @param visibility which of their rows the transaction sees from here on
 * @param path the search path that the caller had
 */
public record LockedBlastRadius(BlastRadius radius, SnapshotVisibility visibility, SearchPath path) {

    /** Of an older snapshot only those rows are safe that it sees; and of its own temporary tables it sees all. */
    public CapturedTableIds saved() {
        Set<Long> whole = new HashSet<>();
        Set<Long> byRow = new HashSet<>();
        for (BlastRadius.Reached reached : radius.withRows().tables().values()) {
            boolean all =
                    visibility != SnapshotVisibility.OLDER || !reached.effect().byRow();
            (all ? whole : byRow).add(reached.relation().oid());
        }
        return new CapturedTableIds(whole, byRow);
    }
}
