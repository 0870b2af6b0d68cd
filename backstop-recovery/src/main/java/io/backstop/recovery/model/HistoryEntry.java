package io.backstop.recovery.model;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * A snapshot in the history of a table, and what changed between it and the next one. Immutable, thread-safe.
 *
 * @param manifest the snapshot
 * @param lost what it has and the next snapshot of the whole table has not: {@code column secret}; none where it is the newest
 *     or holds single rows
 * @param unreadable why it cannot be read as things are, if it cannot
 */
public record HistoryEntry(SnapshotManifest manifest, List<String> lost, Optional<String> unreadable) {
    public HistoryEntry {
        Objects.requireNonNull(manifest, "manifest");
        lost = List.copyOf(lost);
        Objects.requireNonNull(unreadable, "unreadable");
    }

    /** A line for people: {@code 2026-… snap_…: 5 rows before an UPDATE by agent-1 (appr_…)}. */
    public String words() {
        return manifest.createdAt() + " " + manifest.snapshotId() + ": " + contents() + origin()
                + (lost.isEmpty() ? "" : "; since then gone: " + String.join(", ", lost))
                + unreadable.map(why -> "; it cannot be read: " + why).orElse("");
    }

    private String contents() {
        if (manifest.holdsDefinitionsAlone()) {
            return "its definitions";
        }
        return manifest.coverage() == Coverage.TABLE
                ? "all " + manifest.rowCount() + " rows"
                : "the " + manifest.rowCount() + " rows that one statement took";
    }

    private String origin() {
        return switch (manifest.source()) {
            case INLINE, WRITE ->
                " as they were before "
                        + manifest.operation()
                                .map(kind -> "the " + kind.name().replace('_', ' '))
                                .orElse("a statement")
                        + manifest.agentId().map(agent -> " by " + agent).orElse("")
                        + manifest.approvalId().map(id -> " (" + id + ")").orElse("");
            case SIDECAR, MANUAL -> ", stored by " + manifest.source().name().toLowerCase(Locale.ROOT) + " snapshot";
        };
    }
}
