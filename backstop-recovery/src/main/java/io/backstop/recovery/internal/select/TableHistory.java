package io.backstop.recovery.internal.select;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.model.HistoryEntry;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Tells the history of a table by its snapshots. Stateless. */
public final class TableHistory {
    /** Each of them is read from the storage. */
    private static final int MOST = 10;

    private TableHistory() {}

    /**
     * An entry whose description cannot be read says so: nobody has asked for that snapshot yet.
     *
     * @param newestFirst the snapshots of one table; those beyond the newest ones are left out
     */
    public static List<HistoryEntry> of(SnapshotArchive archive, List<SnapshotManifest> newestFirst) {
        List<HistoryEntry> entries = new ArrayList<>();
        Optional<TableDescription> next = Optional.empty();
        for (SnapshotManifest manifest : newestFirst.stream().limit(MOST).toList()) {
            if (manifest.coverage() == Coverage.ROWS) {
                entries.add(new HistoryEntry(manifest, List.of(), Optional.empty()));
                continue;
            }
            try {
                TableDescription description = archive.description(manifest);
                entries.add(new HistoryEntry(
                        manifest, next.map(later -> lost(description, later)).orElse(List.of()), Optional.empty()));
                next = Optional.of(description);
            } catch (KeyException e) {
                entries.add(new HistoryEntry(manifest, List.of(), Optional.of(e.problem())));
            } catch (IOException e) {
                entries.add(new HistoryEntry(manifest, List.of(), Optional.of(String.valueOf(e.getMessage()))));
            }
        }
        return List.copyOf(entries);
    }

    /** What an operator would miss: what was there, is not any more, and has no other place. */
    private static List<String> lost(TableDescription before, TableDescription after) {
        return Stream.of(
                        before.columns().stream()
                                .filter(column -> after.columns().stream().noneMatch(same -> isSame(column, same)))
                                .map(column -> "column " + column.name() + " " + column.type()),
                        before.constraints().stream()
                                .filter(c -> after.constraints().stream()
                                        .noneMatch(same -> same.name().equals(c.name())))
                                .map(c -> "constraint " + c.name()),
                        before.indexes().stream()
                                .filter(index -> after.indexes().stream()
                                        .noneMatch(same -> same.name().equals(index.name())))
                                .map(index -> "index " + index.name()),
                        before.dependents().stream()
                                .filter(d -> after.dependents().stream()
                                        .noneMatch(same -> same.kind() == d.kind()
                                                && same.identity().equals(d.identity())))
                                .map(d -> d.kind() + " " + d.identity()))
                .flatMap(lost -> lost)
                .toList();
    }

    private static boolean isSame(Column before, Column after) {
        return before.name().equals(after.name()) && before.type().equals(after.type());
    }
}
