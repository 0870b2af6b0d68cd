package io.backstop.api.policy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The snapshots that have to exist before rows are destroyed. Immutable, thread-safe.
 *
 * @param requireRecoveryForCritical whether a CRITICAL statement that destroys rows needs a verified snapshot
 * @param blockUnrecoverableOperations whether destruction that no snapshot can undo is blocked rather than held
 * @param snapshotMode when the snapshot is taken
 * @param maxInlineSnapshotBytes the largest total size on disk, in bytes, of the tables of one inline snapshot; above it
 *     the statement is refused. At least 1.
 * @param recent what mode {@link SnapshotMode#RECENT} asks for
 * @param recoveryGroups tables that are always saved together, by the group's name; {@code name} or {@code schema.name}
 * @param coverWrites which ordinary writes keep before-images
 */
public record RecoveryRules(
        boolean requireRecoveryForCritical,
        boolean blockUnrecoverableOperations,
        SnapshotMode snapshotMode,
        long maxInlineSnapshotBytes,
        RecentRules recent,
        Map<String, Set<String>> recoveryGroups,
        CoverWrites coverWrites) {

    public RecoveryRules {
        Objects.requireNonNull(snapshotMode, "snapshotMode");
        Objects.requireNonNull(recent, "recent");
        Objects.requireNonNull(coverWrites, "coverWrites");
        if (maxInlineSnapshotBytes < 1) {
            throw new IllegalArgumentException("max_inline_snapshot_bytes has to be at least 1");
        }
        recoveryGroups = recoveryGroups.entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, group -> Set.copyOf(group.getValue())));
    }

    public static RecoveryRules defaults() {
        return new RecoveryRules(
                true,
                true,
                SnapshotMode.INLINE,
                Long.MAX_VALUE,
                RecentRules.defaults(),
                Map.of(),
                CoverWrites.UPDATES_AND_DELETES);
    }

    /** The same, but for ordinary writes. */
    public RecoveryRules covering(CoverWrites writes) {
        return new RecoveryRules(
                requireRecoveryForCritical,
                blockUnrecoverableOperations,
                snapshotMode,
                maxInlineSnapshotBytes,
                recent,
                recoveryGroups,
                writes);
    }

    /** The tables that the named groups save together with one of these, in no order; without the given ones. */
    public List<String> companionsOf(Set<String> tables) {
        return recoveryGroups.values().stream()
                .filter(group -> group.stream().anyMatch(tables::contains))
                .flatMap(Set::stream)
                .filter(table -> !tables.contains(table))
                .distinct()
                .sorted()
                .toList();
    }
}
