package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Partition;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Adds to snapshots of partitioned tables those of all their partitions: with one of them missing, what comes back looks
 * whole and is not. Belongs to one recovery.
 */
public final class PartitionSnapshots {
    private final SnapshotArchive archive;
    private final List<SnapshotManifest> all;
    private final List<String> notes;

    /**
     * @param all every valid snapshot, newest first
     * @param notes are added to, where a snapshot of another recovery group has to stand in for a partition
     */
    public PartitionSnapshots(SnapshotArchive archive, List<SnapshotManifest> all, List<String> notes) {
        this.archive = archive;
        this.all = all;
        this.notes = notes;
    }

    /**
     * These, and what is missing of their partitions. Snapshots of single rows are of no more partitions than there were
     * rows in, and are left alone.
     *
     * @throws RecoveryException where a partition has no valid snapshot at all
     */
    public List<SnapshotManifest> with(List<SnapshotManifest> snapshots) throws RecoveryException {
        Set<SnapshotManifest> complete = new LinkedHashSet<>();
        Deque<SnapshotManifest> open = new ArrayDeque<>(snapshots);
        while (!open.isEmpty()) {
            SnapshotManifest next = open.remove();
            if (complete.add(next) && next.coverage() == Coverage.TABLE) {
                for (Partition partition : description(archive, next).partitions()) {
                    open.add(of(RelationName.of(partition.schema(), partition.name()), next));
                }
            }
        }
        return List.copyOf(complete);
    }

    private SnapshotManifest of(RelationName partition, SnapshotManifest parent) throws RecoveryException {
        List<SnapshotManifest> own = all.stream()
                .filter(manifest -> name(manifest).equals(partition)
                        && manifest.database().equals(parent.database())
                        && manifest.server().equals(parent.server())
                        && manifest.coverage() == Coverage.TABLE)
                .toList();
        for (SnapshotManifest manifest : own) {
            if (manifest.groupId().equals(parent.groupId())) {
                return manifest;
            }
        }
        if (own.isEmpty()) {
            throw new RecoveryException(
                    "partition " + partition + " of table " + name(parent) + " has no valid snapshot, so snapshot "
                            + parent.snapshotId() + " would not bring the table back whole",
                    "see what backstop snapshots verify says; what is there can be restored one by one with backstop "
                            + "restore --snapshot-id: "
                            + all.stream()
                                    .filter(manifest -> manifest.groupId().equals(parent.groupId()))
                                    .map(manifest -> manifest.snapshotId() + " of " + name(manifest))
                                    .collect(Collectors.joining(", ")));
        }
        SnapshotManifest other = SnapshotSelection.newest(own, SnapshotManifest::rowCount, notes);
        notes.add("partition " + partition + " is not in recovery group " + parent.groupId() + " any more: snapshot "
                + other.snapshotId() + " of " + other.createdAt()
                + " was taken in its place, so its rows are of another moment than those of " + name(parent));
        return other;
    }

    public static TableDescription description(SnapshotArchive archive, SnapshotManifest manifest)
            throws RecoveryException {
        try {
            return archive.description(manifest);
        } catch (KeyException e) {
            throw new RecoveryException(e.problem(), e.hint(), e);
        } catch (IOException e) {
            throw RecoveryException.damaged(manifest, e);
        }
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
