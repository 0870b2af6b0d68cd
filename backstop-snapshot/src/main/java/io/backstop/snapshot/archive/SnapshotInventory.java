package io.backstop.snapshot.archive;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive.ReadManifest;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Lists all snapshots and unfinished objects of a store, by its listing and the manifests; no rows are read. A snapshot
 * that was published after the reading began is not in it, neither as a snapshot nor as an unfinished one that has a
 * manifest. Immutable, thread-safe.
 *
 * @param snapshots those with a valid manifest, newest first
 * @param unfinished folders with objects and no manifest
 * @param broken what is wrong with the manifests that are not valid, and which objects are somebody else's, one sentence each
 */
public record SnapshotInventory(List<Stored> snapshots, List<Unfinished> unfinished, List<String> broken) {
    /** Takes the place of the manifest where a draft is given up, so that it cannot be published any more. */
    static final byte[] GIVEN_UP = "{\"format_version\":0,\"status\":\"given up\"}".getBytes(StandardCharsets.US_ASCII);

    public SnapshotInventory {
        snapshots = List.copyOf(snapshots);
        unfinished = List.copyOf(unfinished);
        broken = List.copyOf(broken);
    }

    /**
     * A snapshot with a valid manifest.
     *
     * @param folder where its objects lie in the store, with a slash at the end
     * @param damage what its objects lack, as far as presence and size tell; empty where it is whole
     * @param outcome how its statement ended
     * @param used when a statement that it was not taken for has last relied on it, by the store's clock
     */
    public record Stored(
            SnapshotManifest manifest,
            String folder,
            Optional<String> damage,
            StatementOutcome outcome,
            Optional<Instant> used) {
        public Stored {
            Objects.requireNonNull(manifest, "manifest");
            Objects.requireNonNull(folder, "folder");
            Objects.requireNonNull(damage, "damage");
            Objects.requireNonNull(outcome, "outcome");
            Objects.requireNonNull(used, "used");
        }
    }

    /**
     * Objects that no manifest vouches for: somebody writes them still, or died over it.
     *
     * @param folder where they lie in the store, with a slash at the end
     * @param objects how many
     * @param bytes how large together
     * @param lastWritten when the last of them was stored, by the store's clock
     * @param givenUp whether its removal was begun: it can not become a snapshot any more
     */
    public record Unfinished(String folder, int objects, long bytes, Instant lastWritten, boolean givenUp) {
        public Unfinished {
            Objects.requireNonNull(folder, "folder");
            Objects.requireNonNull(lastWritten, "lastWritten");
        }
    }

    /** The same where more is known of how statements ended, by the ids of their snapshots. What is final stays so. */
    public SnapshotInventory with(Map<String, StatementOutcome> known) {
        return new SnapshotInventory(
                snapshots.stream()
                        .map(stored -> stored.outcome().isFinal()
                                ? stored
                                : new Stored(
                                        stored.manifest(),
                                        stored.folder(),
                                        stored.damage(),
                                        known.getOrDefault(stored.manifest().snapshotId(), stored.outcome()),
                                        stored.used()))
                        .toList(),
                unfinished,
                broken);
    }

    /** Those of which it is not known how their statement ended, or that it has ended. */
    public List<Stored> undecided() {
        return snapshots.stream().filter(stored -> !stored.outcome().isFinal()).toList();
    }

    /** Reads all of it, without a key. */
    public static SnapshotInventory of(ObjectStore store) throws IOException {
        return of(store, Optional.empty());
    }

    /**
     * Reads all of it.
     *
     * @param key authenticates the encrypted ones; those that it does not are broken
     */
    public static SnapshotInventory of(ObjectStore store, Optional<KeyProvider> key) throws IOException {
        // First of all. A long listing is many requests, and what is published between them looks damaged.
        Set<String> published = new HashSet<>(store.list(SnapshotFolder.ROOT));
        published.removeIf(name -> !name.endsWith("/" + ManifestFormat.NAME));
        Map<String, List<ObjectEntry>> folders = new TreeMap<>();
        Reader reader = new Reader(store, key);
        for (ObjectEntry entry : store.entries(SnapshotFolder.ROOT)) {
            String folder = SnapshotFolder.containing(entry.name());
            if (SnapshotFolder.isOfASnapshot(folder)
                    && SnapshotObjectNames.isOwn(entry.name().substring(folder.length()))) {
                folders.computeIfAbsent(folder, unknown -> new ArrayList<>()).add(entry);
            } else {
                reader.broken.add(entry.name() + " is not an object of a snapshot");
            }
        }
        List<String> manifests = new ArrayList<>();
        for (Map.Entry<String, List<ObjectEntry>> folder : folders.entrySet()) {
            String manifest = folder.getKey() + ManifestFormat.NAME;
            boolean present = folder.getValue().stream().anyMatch(e -> e.name().equals(manifest));
            if (!present) {
                reader.unfinished(folder.getKey(), folder.getValue(), false);
            } else if (published.contains(manifest)) {
                manifests.add(manifest);
            }
        }
        for (ReadManifest read : reader.archive.read(manifests)) {
            String folder = SnapshotFolder.containing(read.name());
            reader.read(read, folder, folders.getOrDefault(folder, List.of()));
        }
        reader.snapshots.sort(Comparator.comparing(Stored::manifest, SnapshotArchive.NEWEST_FIRST));
        return new SnapshotInventory(reader.snapshots, reader.unfinished, reader.broken);
    }

    /** Collects what the folders hold. */
    private static final class Reader {
        private final ObjectStore store;
        private final SnapshotArchive archive;
        private final List<Stored> snapshots = new ArrayList<>();
        private final List<Unfinished> unfinished = new ArrayList<>();
        private final List<String> broken = new ArrayList<>();

        Reader(ObjectStore store, Optional<KeyProvider> key) {
            this.store = store;
            this.archive = new SnapshotArchive(store, key);
        }

        void read(ReadManifest read, String folder, List<ObjectEntry> entries) throws IOException {
            if (read.manifest().isPresent()) {
                SnapshotManifest manifest = read.manifest().get();
                Set<String> names = entries.stream().map(ObjectEntry::name).collect(Collectors.toSet());
                snapshots.add(new Stored(
                        manifest,
                        folder,
                        damage(manifest, folder, entries),
                        outcome(read, manifest, names),
                        SnapshotRemoval.used(folder, entries)));
                return;
            }
            IOException problem = read.problem().orElseThrow();
            if (!(problem instanceof CorruptSnapshotException)) {
                throw problem;
            }
            if (isGivenUp(folder)) {
                unfinished(folder, entries, true);
            } else if (!(problem.getCause() instanceof NoSuchFileException)) {
                // One that is gone was removed by somebody else meanwhile.
                broken.add(String.valueOf(problem.getMessage()));
            }
        }

        private static StatementOutcome outcome(ReadManifest read, SnapshotManifest manifest, Set<String> names) {
            if (SnapshotArchive.isDiscarded(read.name(), names)) {
                return StatementOutcome.ROLLED_BACK;
            }
            return SnapshotArchive.isUndecided(manifest, names) ? StatementOutcome.UNKNOWN : StatementOutcome.COMMITTED;
        }

        void unfinished(String folder, List<ObjectEntry> entries, boolean givenUp) {
            unfinished.add(new Unfinished(
                    folder,
                    entries.size(),
                    entries.stream().mapToLong(ObjectEntry::bytes).sum(),
                    entries.stream()
                            .map(ObjectEntry::modified)
                            .max(Comparator.naturalOrder())
                            .orElseThrow(),
                    givenUp));
        }

        private boolean isGivenUp(String folder) throws IOException {
            try (InputStream content = store.open(folder + ManifestFormat.NAME)) {
                return Arrays.equals(content.readNBytes(GIVEN_UP.length + 1), GIVEN_UP);
            } catch (NoSuchFileException e) {
                return false;
            }
        }

        private static Optional<String> damage(SnapshotManifest manifest, String folder, List<ObjectEntry> entries) {
            Map<String, Long> present = new LinkedHashMap<>();
            entries.forEach(entry -> present.put(entry.name().substring(folder.length()), entry.bytes()));
            Map<String, Long> expected = new LinkedHashMap<>();
            expected.put(manifest.schemaObject().name(), manifest.schemaObject().bytes());
            expected.put(manifest.schemaSql().name(), manifest.schemaSql().bytes());
            manifest.chunks().forEach(chunk -> expected.put(chunk.name(), chunk.bytes()));
            return expected.entrySet().stream()
                    .filter(object -> !object.getValue().equals(present.get(object.getKey())))
                    .map(object -> "the object " + object.getKey() + " of " + manifest.snapshotId()
                            + (present.containsKey(object.getKey())
                                    ? " has " + present.get(object.getKey()) + " bytes instead of " + object.getValue()
                                    : " is missing"))
                    .findFirst();
        }
    }
}
