package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Source;
import io.backstop.snapshot.archive.SnapshotArchive;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What statements did to the table of a snapshot after that, as far as they were losses and are stored, too. Immutable.
 *
 * @param removedRows how many rows they removed
 * @param transactionIds by which {@code xmin} the rows can be told that they changed: what a statement that removes rows runs
 *     beside is not its own
 */
public record LaterStatements(long removedRows, Set<String> transactionIds) {
    public static final LaterStatements NONE = new LaterStatements(0, Set.of());

    public LaterStatements {
        transactionIds = Set.copyOf(transactionIds);
    }

    /**
     * @param later the snapshots of the table that were taken since, whose statements are committed
     * @param notes are added to, where it is not known which rows a statement changed
     */
    static LaterStatements of(SnapshotArchive archive, List<SnapshotManifest> later, List<String> notes) {
        long removed = 0;
        Set<String> transactions = new HashSet<>();
        for (SnapshotManifest manifest : later) {
            Optional<Kind> kind = manifest.operation().filter(done -> manifest.source() == Source.INLINE);
            if (kind.equals(Optional.of(Kind.DELETE)) || kind.equals(Optional.of(Kind.TRUNCATE))) {
                removed += manifest.rowCount();
            } else if (kind.equals(Optional.of(Kind.UPDATE)) && manifest.rowCount() > 0) {
                transactions.addAll(changedRows(archive, manifest, notes));
            }
        }
        return new LaterStatements(removed, transactions);
    }

    private static Set<String> changedRows(SnapshotArchive archive, SnapshotManifest update, List<String> notes) {
        String why = "";
        try {
            Set<String> known = archive.mark(update).rowsTransactionIds();
            if (!known.isEmpty()) {
                return known;
            }
        } catch (IOException e) {
            why = ": " + e.getMessage();
        }
        notes.add("which rows the UPDATE of snapshot " + update.snapshotId()
                + " changed is not known, so that they stay as they are" + why);
        return Set.of();
    }
}
