package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription;

import java.io.IOException;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * From the name of a lost table to a validated copy of it and a script to put it back, in one call. Thread-safe; a
 * connection belongs to one call at a time.
 */
public final class GuidedRecovery {
    private final SnapshotArchive archive;
    private final CopybackPlanner planner;

    public GuidedRecovery(SnapshotArchive archive) {
        this(archive, new CopybackPlanner(DifferingRows.AS_FOUND));
    }

    public GuidedRecovery(SnapshotArchive archive, CopybackPlanner planner) {
        this.archive = Objects.requireNonNull(archive, "archive");
        this.planner = Objects.requireNonNull(planner, "planner");
    }

    /**
     * Restores the newest snapshot of a table as {@code <table>_recovered} and plans its way back. A partitioned table
     * comes with its whole recovery group, for its rows are in its partitions.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit; left so
     * @param table the table's name as one types it in SQL
     * @throws RecoveryException where no snapshot or several tables go by the name, or the restore fails; nothing is left
     *     of it then
     */
    public RecoveryReport recover(Connection connection, String table, RestoreProgress progress)
            throws RecoveryException {
        List<SnapshotManifest> all = manifests();
        SnapshotManifest newest = newest(all, table);
        List<SnapshotManifest> group = group(all, newest);
        return isPartitioned(newest)
                ? recover(connection, group, List.of(), progress)
                : recover(connection, List.of(newest), companions(group), progress);
    }

    /**
     * Restores the newest snapshot of a table together with all that was stored with it, each as {@code
     * <table>_recovered}, in one transaction, and plans their way back together.
     *
     * @throws RecoveryException as for one table
     */
    public RecoveryReport recoverGroup(Connection connection, String table, RestoreProgress progress)
            throws RecoveryException {
        List<SnapshotManifest> all = manifests();
        return recover(connection, group(all, newest(all, table)), List.of(), progress);
    }

    private RecoveryReport recover(
            Connection connection, List<SnapshotManifest> chosen, List<String> hints, RestoreProgress progress)
            throws RecoveryException {
        List<String> notes = new ArrayList<>(hints);
        Map<SnapshotManifest, RelationName> targets = new LinkedHashMap<>();
        chosen.forEach(manifest -> targets.put(manifest, Restore.defaultTarget(manifest)));
        brokenManifests().forEach(problem -> notes.add("a snapshot was passed over: " + problem));
        List<RestoredTable> tables = new Restore(archive).restoreTogether(connection, targets, progress);
        for (RestoredTable table : tables) {
            table.created().forEach(what -> notes.add(what + " was missing and created for " + table.target()));
            table.warnings().forEach(warning -> notes.add(table.target() + ": " + warning));
        }
        CopybackPlan plan = planner.plan(connection, tables);
        notes.addAll(plan.warnings());
        return new RecoveryReport(tables, plan, notes);
    }

    private SnapshotManifest newest(List<SnapshotManifest> newestFirst, String table) throws RecoveryException {
        Set<RelationName> tables = new LinkedHashSet<>();
        newestFirst.forEach(manifest -> tables.add(name(manifest)));
        RelationName found = TableSearch.parse(table).among(tables, brokenManifests());
        return newestFirst.stream()
                .filter(manifest -> name(manifest).equals(found))
                .findFirst()
                .orElseThrow();
    }

    /** The snapshots that were taken together, the one asked for first. */
    private static List<SnapshotManifest> group(List<SnapshotManifest> all, SnapshotManifest first) {
        List<SnapshotManifest> group = new ArrayList<>(List.of(first));
        all.stream()
                .filter(manifest -> manifest.groupId().equals(first.groupId())
                        && !name(manifest).equals(name(first)))
                .forEach(group::add);
        return group;
    }

    private static List<String> companions(List<SnapshotManifest> group) {
        return group.stream()
                .skip(1)
                .map(manifest -> name(manifest) + " was stored in the same recovery group (" + manifest.groupId()
                        + ") and is not restored by this")
                .toList();
    }

    private boolean isPartitioned(SnapshotManifest manifest) throws RecoveryException {
        try {
            TableDescription description = archive.description(manifest);
            return description.partitionKey().isPresent();
        } catch (IOException e) {
            throw Restore.corrupt(manifest, e);
        }
    }

    private List<SnapshotManifest> manifests() throws RecoveryException {
        try {
            return archive.list();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private List<String> brokenManifests() throws RecoveryException {
        try {
            return archive.broken();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static RecoveryException unreadable(IOException e) {
        return new RecoveryException(
                "the storage cannot be read: " + e.getMessage(),
                "see whether its address is right and can be reached with these credentials",
                e);
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
