package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.CommitMark;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A table that was made from a snapshot. Immutable, thread-safe.
 *
 * @param manifest the snapshot
 * @param description the table as it was stored
 * @param names what its parts are called now
 * @param openForeignKeys foreign keys that could not be made as they were
 * @param created what it needed, was missing and was created with it: schemas, types, functions, sequences
 * @param missing what it was made with, is missing and could not be created; nothing that the table itself is made of
 * @param validation what was compared with the snapshot before the table became visible
 * @param foundThere whether it was made earlier, and found to be there
 * @param mark what is known of what the statement did which the snapshot was taken for
 */
public record RestoredTable(
        SnapshotManifest manifest,
        TableDescription description,
        RestoredNames names,
        List<OpenForeignKey> openForeignKeys,
        List<String> created,
        List<String> missing,
        Validation validation,
        boolean foundThere,
        CommitMark mark) {
    public RestoredTable {
        Objects.requireNonNull(manifest, "manifest");
        Objects.requireNonNull(description, "description");
        Objects.requireNonNull(names, "names");
        openForeignKeys = List.copyOf(openForeignKeys);
        created = List.copyOf(created);
        missing = List.copyOf(missing);
        Objects.requireNonNull(validation, "validation");
        Objects.requireNonNull(mark, "mark");
    }

    /** The table's name now. */
    public RelationName target() {
        return names.target();
    }

    /** The table's name when it was stored. */
    public RelationName original() {
        return RelationName.of(manifest.schema(), manifest.table());
    }

    /** Whether it was one of the partitions of the other, of the first level. */
    public boolean isPartitionOf(RestoredTable parent) {
        return description.dependents().stream()
                .anyMatch(dependent -> dependent.kind() == DependentKind.PARTITION_OF
                        && dependent
                                .place()
                                .filter(on -> on.isOn(parent.original()))
                                .isPresent());
    }

    /** Whether it lived in the schema of one session, which ended with that. No other schema may be called so. */
    public boolean wasTemporary() {
        return wasTemporary(manifest);
    }

    public static boolean wasTemporary(SnapshotManifest manifest) {
        return manifest.schema().startsWith("pg_temp_");
    }

    /** Differences from the stored table whose reason is not the snapshot: one sentence each. */
    public List<String> warnings() {
        return Stream.of(
                        openForeignKeys.stream().map(OpenForeignKey::warning),
                        missing.stream(),
                        description.omissions().stream())
                .flatMap(warnings -> warnings)
                .toList();
    }
}
