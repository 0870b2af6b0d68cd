package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;

import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * Which of a table's snapshots is taken where nobody names one. The newest, but not one without rows while an older one has
 * some: a DELETE that is sent again, or a snapshot that is taken after the loss, would else hide what is missed. Stateless.
 */
public final class SnapshotSelection {
    private SnapshotSelection() {}

    /**
     * @param newestFirst what can be restored of one table, at least one
     * @param rows how many rows would come back with a snapshot
     * @param notes are added to, where one was passed over or an older one holds more rows
     */
    public static SnapshotManifest newest(
            List<SnapshotManifest> newestFirst, ToLongFunction<SnapshotManifest> rows, List<String> notes) {
        SnapshotManifest newest = newestFirst.get(0);
        SnapshotManifest taken = newestFirst.stream()
                .filter(manifest -> rows.applyAsLong(manifest) > 0)
                .findFirst()
                .orElse(newest);
        if (!taken.equals(newest)) {
            notes.add(told(newest) + " is the newest of " + name(newest) + " and holds no rows, so " + told(taken)
                    + " was taken, which holds " + rows.applyAsLong(taken)
                    + "; if the table was rightly empty, restore "
                    + "the newest by " + command(newest));
        }
        mostOf(newestFirst.subList(newestFirst.indexOf(taken) + 1, newestFirst.size()), rows)
                .filter(most -> rows.applyAsLong(most) > rows.applyAsLong(taken))
                .ifPresent(most -> notes.add(told(most) + " is older and holds more rows of " + name(most) + ", "
                        + rows.applyAsLong(most) + "; if some of these are missed, restore it by " + command(most)));
        return taken;
    }

    /** The newest of those that hold the most. */
    private static Optional<SnapshotManifest> mostOf(
            List<SnapshotManifest> newestFirst, ToLongFunction<SnapshotManifest> rows) {
        return newestFirst.stream().reduce((a, b) -> rows.applyAsLong(b) > rows.applyAsLong(a) ? b : a);
    }

    private static String told(SnapshotManifest manifest) {
        return "snapshot " + manifest.snapshotId() + " of " + manifest.createdAt();
    }

    private static String command(SnapshotManifest manifest) {
        return "`backstop restore --snapshot-id " + manifest.snapshotId() + " --table " + manifest.table()
                + "` and its way back by `backstop restore-copyback-plan`";
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
