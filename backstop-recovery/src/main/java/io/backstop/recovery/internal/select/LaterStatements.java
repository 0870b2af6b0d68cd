package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.internal.postgres.TransactionIds;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Source;
import io.backstop.snapshot.archive.SnapshotArchive;

import java.io.IOException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What statements did to the table of a snapshot after that, as far as they were losses and are stored, too. Immutable.
 *
 * @param removedRows whether one of them removed rows
 * @param transactionIds by which {@code xmin} the rows that they made can be told
 */
public record LaterStatements(boolean removedRows, Set<String> transactionIds) {
    public static final LaterStatements NONE = new LaterStatements(false, Set.of());

    private static final Set<Kind> REMOVALS = EnumSet.of(Kind.DELETE, Kind.TRUNCATE);
    private static final Set<Kind> CHANGES = EnumSet.of(Kind.UPDATE, Kind.DELETE, Kind.TRUNCATE);

    public LaterStatements {
        transactionIds = Set.copyOf(transactionIds);
    }

    /**
     * @param later the snapshots of the table that were taken since, whose statements are committed
     * @param notes are added to, where it cannot be read which rows a statement made
     */
    static LaterStatements of(SnapshotArchive archive, List<SnapshotManifest> later, List<String> notes) {
        List<SnapshotManifest> losses = later.stream()
                .filter(manifest ->
                        manifest.source() == Source.INLINE && manifest.rowCount() > 0 && is(manifest, CHANGES))
                .toList();
        Set<String> transactions = new HashSet<>();
        losses.forEach(loss -> transactions.addAll(madeRows(archive, loss, notes)));
        return new LaterStatements(losses.stream().anyMatch(loss -> is(loss, REMOVALS)), transactions);
    }

    private static boolean is(SnapshotManifest manifest, Set<Kind> kinds) {
        return manifest.operation().filter(kinds::contains).isPresent();
    }

    /** As far as that is known. */
    private static Set<String> madeRows(SnapshotArchive archive, SnapshotManifest loss, List<String> notes) {
        Set<String> known = Set.of();
        try {
            known = archive.mark(loss).rowsTransactionIds();
        } catch (IOException e) {
            notes.add("which rows the statement of snapshot " + loss.snapshotId()
                    + " made cannot be read, so that they stay as they are: " + e.getMessage());
        }
        return known.isEmpty()
                ? loss.transactionId().map(TransactionIds::inRows).map(Set::of).orElse(Set.of())
                : known;
    }
}
