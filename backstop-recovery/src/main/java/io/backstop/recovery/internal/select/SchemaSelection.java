package io.backstop.recovery.internal.select;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.schema.StoredObjects;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import io.backstop.recovery.model.SequenceOwnership;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.describe.ObjectDescriber;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.Connection;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Decides which snapshots bring a schema back as it was before a moment: for each of its tables those that a recovery of that
 * table alone would take. Belongs to one recovery.
 */
public final class SchemaSelection {
    private final SnapshotArchive archive;
    private final Connection connection;
    private final SnapshotArchive.Contents contents;
    private final List<String> notes;
    private final RecoveryPoint.Time since;
    private final SnapshotSelection tables;

    /** What comes back together, or not at all. */
    private final List<List<SnapshotManifest>> together = new ArrayList<>();

    /**
     * @param contents what the archive holds
     * @param connection a plain connection to PostgreSQL in auto-commit; left so
     * @param notes are added to: what each table comes from, and what is not known
     * @throws RecoveryException where no snapshot was taken for the moment
     */
    public SchemaSelection(
            SnapshotArchive archive,
            SnapshotArchive.Contents contents,
            Connection connection,
            RecoveryPoint before,
            List<String> notes)
            throws RecoveryException {
        this.archive = archive;
        this.connection = connection;
        this.contents = contents;
        this.notes = notes;
        this.since = new RecoveryPoint.Time(instant(contents, before));
        this.tables = new SnapshotSelection(archive, contents, connection, Optional.of(since), notes);
    }

    /** A statement is a moment in the history of every table. */
    private static Instant instant(SnapshotArchive.Contents contents, RecoveryPoint before) throws RecoveryException {
        if (before instanceof RecoveryPoint.Time time) {
            return time.time();
        }
        return contents.valid().stream()
                .filter(before::isReachedBy)
                .map(SnapshotManifest::createdAt)
                .min(Instant::compareTo)
                .orElseThrow(() -> new RecoveryException(
                        "no snapshot was taken for " + before,
                        "`backstop snapshots list` shows what there is; a time with its offset is a moment, too"));
    }

    /** The selection of its single tables. */
    public SnapshotSelection tables() {
        return tables;
    }

    /**
     * One snapshot of each table of which something was stored since, and those without which it would not come back whole.
     *
     * @throws RecoveryException where there is none
     */
    public List<SnapshotManifest> of(String schema) throws RecoveryException {
        Set<RelationName> names = new LinkedHashSet<>();
        Set<RelationName> unchanged = new LinkedHashSet<>();
        for (SnapshotManifest manifest : contents.valid()) {
            if (manifest.schema().equals(schema) && !manifest.servesUndoAlone() && !manifest.holdsObject()) {
                (since.isReachedBy(manifest) ? names : unchanged).add(name(manifest));
            }
        }
        unchanged.removeAll(names);
        if (names.isEmpty() && ofObjects(schema).isEmpty()) {
            throw new RecoveryException(
                    "nothing of schema " + schema + " was stored at " + since + " or after it",
                    "`backstop snapshots list` shows what there is");
        }
        List<String> leftOut = new ArrayList<>();
        Map<RelationName, String> others = new LinkedHashMap<>();
        for (RelationName table : names) {
            try {
                together.add(tables.forTable(table.quoted(), others));
            } catch (RecoveryException e) {
                leftOut.add(table + " is left out: " + e.problem() + "; " + e.hint());
            }
        }
        List<SnapshotManifest> chosen = chosen();
        if (chosen.isEmpty() && !leftOut.isEmpty()) {
            throw new RecoveryException(
                    "no table of schema " + schema + " can be recovered: " + String.join("; ", leftOut),
                    "`backstop snapshots list` shows what there is");
        }
        notes.addAll(leftOut);
        chosen.forEach(manifest -> others.remove(name(manifest)));
        notes.addAll(others.values());
        Set<RelationName> written = tables.writtenSince(schema, since);
        written.removeAll(chosen.stream().map(SchemaSelection::name).toList());
        for (RelationName table : written) {
            tables.tellWrites(table, since);
        }
        unchanged.forEach(table -> notes.add("of " + table + " nothing was stored since " + since
                + ", so it is left as it is; recover it by itself if it is missed"));
        notes.add("of schema " + schema + " what the storage knows comes back: tables, what hangs on them and what they"
                + " need, and functions, types and sequences that went by themselves. A view that was made of none of"
                + " these tables, and what was removed without Backstop, are not known");
        return chosen;
    }

    private List<SnapshotManifest> chosen() {
        Map<RelationName, SnapshotManifest> chosen = new LinkedHashMap<>();
        together.forEach(each -> each.forEach(manifest -> chosen.putIfAbsent(name(manifest), manifest)));
        return List.copyOf(chosen.values());
    }

    /** The others, where one of those chosen cannot be restored; a partitioned table is left out with all of its partitions. */
    public List<SnapshotManifest> without(String snapshotId, RecoveryException why) {
        List<SnapshotManifest> before = chosen();
        Set<RelationName> names = new LinkedHashSet<>();
        together.stream()
                .filter(each ->
                        each.stream().anyMatch(manifest -> manifest.snapshotId().equals(snapshotId)))
                .forEach(each -> each.forEach(manifest -> names.add(name(manifest))));
        together.removeIf(each -> each.stream().anyMatch(manifest -> names.contains(name(manifest))));
        List<SnapshotManifest> rest = chosen();
        before.stream()
                .filter(manifest -> !rest.contains(manifest))
                .forEach(manifest -> notes.add(name(manifest) + " is left out: " + why.problem() + "; " + why.hint()));
        return rest;
    }

    /**
     * The functions, types and sequences of the schema that were removed or replaced since: each as it was first, but a
     * sequence as it was last.
     */
    public StoredObjects objects(String schema) throws RecoveryException {
        Map<String, StoredObjects.Parts> objects = new LinkedHashMap<>();
        for (SnapshotManifest manifest : oldestFirst(ofObjects(schema))) {
            Optional<TableDescription> readable = readable(manifest, "what it holds is left out");
            if (readable.isEmpty()) {
                continue;
            }
            TableDescription object = readable.get();
            Prerequisite itself = ObjectDescriber.itself(object);
            String name = itself.kind() + " " + itself.identity();
            tables.tellUnauthenticated(manifest);
            if (!objects.containsKey(name)) {
                notes.add(name + " is from snapshot " + manifest.snapshotId() + " of " + manifest.createdAt());
            }
            if (itself.kind() == PrerequisiteKind.SEQUENCE) {
                objects.put(name, StoredObjects.Parts.of(object));
            } else {
                objects.putIfAbsent(name, StoredObjects.Parts.of(object));
            }
        }
        List<StoredObjects.Parts> all = new ArrayList<>(objects.values());
        all.addAll(goneWithSchema(schema));
        return new StoredObjects(all, itself(schema));
    }

    /** What stood by itself in a schema that was dropped is stored with one of its tables, which may come from before that. */
    private List<StoredObjects.Parts> goneWithSchema(String schema) throws RecoveryException {
        List<SnapshotManifest> dropped = contents.valid().stream()
                .filter(manifest -> manifest.schema().equals(schema)
                        && !manifest.servesUndoAlone()
                        && since.isReachedBy(manifest)
                        && manifest.operation()
                                .filter(Destruction.Kind.DROP_SCHEMA::equals)
                                .isPresent())
                .toList();
        if (dropped.isEmpty()) {
            return List.of();
        }
        List<TableDescription> descriptions = new ArrayList<>();
        for (SnapshotManifest manifest : oldestFirst(SnapshotSelection.ofDatabase(connection, dropped, notes))) {
            readable(manifest, "what stood by itself in the schema does not come back from it")
                    .ifPresent(description -> {
                        descriptions.add(description);
                        tables.tellUnauthenticated(manifest);
                    });
        }
        return descriptions.stream()
                .map(table -> StoredObjects.Parts.ofSchema(table.prerequisites().stream()
                        .filter(part -> descriptions.stream().noneMatch(owner -> SequenceOwnership.owns(owner, part)))
                        .toList()))
                .toList();
    }

    /** The schema as the first statement since then found it that can be read. */
    private Optional<Prerequisite> itself(String schema) throws RecoveryException {
        List<SnapshotManifest> newestFirst = contents.valid().stream()
                .filter(manifest ->
                        manifest.schema().equals(schema) && !manifest.servesUndoAlone() && since.isReachedBy(manifest))
                .toList();
        if (newestFirst.isEmpty()) {
            return Optional.empty();
        }
        for (SnapshotManifest manifest : oldestFirst(SnapshotSelection.ofDatabase(connection, newestFirst, notes))) {
            Optional<Prerequisite> found = readable(manifest, "what schema " + schema + " granted is not read from it")
                    .flatMap(description -> description.prerequisites().stream()
                            .filter(part -> part.kind() == PrerequisiteKind.SCHEMA
                                    && part.identity().equals(schema))
                            .findFirst());
            if (found.isPresent()) {
                tables.tellUnauthenticated(manifest);
                return found;
            }
        }
        return Optional.empty();
    }

    /** One damaged object of the storage keeps nothing else from coming back, and is told of. */
    private Optional<TableDescription> readable(SnapshotManifest manifest, String consequence) {
        try {
            return Optional.of(PartitionSnapshots.description(archive, manifest));
        } catch (RecoveryException e) {
            notes.add("snapshot " + manifest.snapshotId() + " cannot be read, and " + consequence + ": " + e.problem());
            return Optional.empty();
        }
    }

    /** Those whose statements are committed, as far as is known. */
    private List<SnapshotManifest> oldestFirst(List<SnapshotManifest> newestFirst) throws RecoveryException {
        List<SnapshotManifest> oldestFirst = new ArrayList<>(tables.committed(newestFirst));
        Collections.reverse(oldestFirst);
        return oldestFirst;
    }

    /** Of this database and server, or of those that do not say of which server they are. */
    private List<SnapshotManifest> ofObjects(String schema) throws RecoveryException {
        List<SnapshotManifest> found = contents.valid().stream()
                .filter(manifest ->
                        manifest.holdsObject() && manifest.schema().equals(schema) && since.isReachedBy(manifest))
                .toList();
        return found.isEmpty() ? found : SnapshotSelection.ofDatabase(connection, found, notes);
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }
}
