package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.api.snapshot.SnapshotManifest.Source;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;

import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Writes that were no losses, and that are stored for an undo: no recovery takes them back unless it is asked for one by name,
 * and it says so. Immutable.
 *
 * @param newestFirst their snapshots
 */
record OrdinaryWrites(List<SnapshotManifest> newestFirst) {
    /** More of them are counted alone. */
    private static final int MOST = 5;

    OrdinaryWrites {
        newestFirst = List.copyOf(newestFirst);
    }

    static OrdinaryWrites of(List<SnapshotManifest> newestFirst) {
        return new OrdinaryWrites(newestFirst.stream()
                .filter(manifest -> manifest.source() == Source.WRITE && !manifest.belongsToUndo())
                .toList());
    }

    /** Whether a snapshot holds rows that such a write took, and is asked for by name. */
    boolean isAskedFor(SnapshotManifest manifest, Optional<RecoveryPoint> point) {
        return manifest.coverage() == Coverage.ROWS && isNamed(manifest, point);
    }

    private boolean isNamed(SnapshotManifest manifest, Optional<RecoveryPoint> point) {
        return point.filter(RecoveryPoint.Statement.class::isInstance)
                        .filter(named -> named.isReachedBy(manifest))
                        .isPresent()
                && newestFirst.contains(manifest);
    }

    /** @throws RecoveryException where what is asked for only made rows: there is nothing of them to bring back */
    void requireTaken(RecoveryPoint point) throws RecoveryException {
        Optional<SnapshotManifest> made = newestFirst.stream()
                .filter(manifest -> isNamed(manifest, Optional.of(point)))
                .findFirst();
        if (made.isPresent()) {
            throw new RecoveryException(
                    "snapshot " + made.get().snapshotId() + " holds rows of " + name(made.get())
                            + " as a statement made them: it took none",
                    "`backstop undo " + made.get().groupId() + "` removes them");
        }
    }

    /** The tables of a schema that such writes changed from a moment on. */
    Set<RelationName> tablesOf(String schema, Instant from) {
        return newestFirst.stream()
                .filter(manifest -> manifest.schema().equals(schema)
                        && !manifest.createdAt().isBefore(from))
                .map(OrdinaryWrites::name)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** What is in a table, or in a snapshot of it, and was not there at the moment that is asked for. */
    Optional<String> told(RelationName table, String database, Instant from, Instant until) {
        List<SnapshotManifest> since = newestFirst.stream()
                .filter(manifest -> name(manifest).equals(table)
                        && manifest.database().equals(database)
                        && !manifest.createdAt().isBefore(from)
                        && manifest.createdAt().isBefore(until))
                .toList();
        if (since.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(table + " stays as ordinary writes since " + from + " left it, which were no losses: "
                + since.stream().limit(MOST).map(OrdinaryWrites::told).collect(Collectors.joining(", "))
                + (since.size() > MOST ? " and " + (since.size() - MOST) + " more" : "")
                + ". `backstop undo ID` takes one back, or, if the table was made again since, `backstop recover"
                + " --table " + table + " --before ID` what it changed or removed");
    }

    private static String told(SnapshotManifest manifest) {
        return manifest.snapshotId() + " (" + manifest.rowCount() + " rows"
                + (manifest.coverage() == Coverage.MADE ? " made" : "") + ")";
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
