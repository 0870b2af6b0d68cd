package io.backstop.snapshot.archive;

import com.github.luben.zstd.ZstdInputStream;
import io.backstop.api.internal.postgres.TransactionIds;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.Verification;
import io.backstop.snapshot.key.DataKey;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.InDoubtException;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.StoreExecutor;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Lists, reads and writes the snapshots in a store. It trusts nothing that it reads: anything that is not exactly what
 * was stored fails with {@link CorruptSnapshotException}. It does not close the store. Thread-safe.
 */
public final class SnapshotArchive {
    static final Comparator<SnapshotManifest> NEWEST_FIRST = Comparator.comparing(SnapshotManifest::createdAt)
            .thenComparing(SnapshotManifest::snapshotId)
            .reversed();

    /** That of a table of some hundred thousand chunks. */
    private static final int LONGEST_MANIFEST = 64 << 20;

    private static final byte[] USED = mark("used");

    /** How many manifests are read at once where the first are likely to do. */
    private static final int TOGETHER = 8;

    private static final Pattern DIGITS = Pattern.compile("(?:grp|snap)_([0-9a-f]{8})[0-9a-f]{8}");

    private final ObjectStore store;
    private final SnapshotKeys keys;
    private final boolean acceptsUnauthenticated;

    /** Reads and writes without a key. */
    public SnapshotArchive(ObjectStore store) {
        this(store, Optional.empty());
    }

    /**
     * With a key, what is written is encrypted and authenticated under it, and of what is read, rows and definitions are
     * given out only where they are authenticated under it.
     */
    public SnapshotArchive(ObjectStore store, Optional<KeyProvider> key) {
        this(store, key, false);
    }

    /** @param acceptsUnauthenticated whether rows and definitions of a snapshot without authentication are given out too */
    public SnapshotArchive(ObjectStore store, Optional<KeyProvider> key, boolean acceptsUnauthenticated) {
        this.store = store;
        this.keys = new SnapshotKeys(store, key);
        this.acceptsUnauthenticated = acceptsUnauthenticated;
    }

    /** Whether a manifest that this archive has read was authenticated under its key. */
    public boolean isAuthenticated(SnapshotManifest manifest) {
        return keys.provider().isPresent() && manifest.hasEncryptedRows();
    }

    private void requireUsable(SnapshotManifest manifest) throws KeyException {
        if (keys.provider().isEmpty() && manifest.hasEncryptedRows()) {
            throw new KeyException(
                    "the snapshot " + manifest.snapshotId() + " is encrypted, and no key is given",
                    SnapshotKeys.HINT_NO_KEY);
        }
        if (isRefused(manifest)) {
            throw new KeyException(
                    "the snapshot " + manifest.snapshotId() + " is not authenticated, and a key is given",
                    "a writer of the storage may have made it, with definitions that run when it is restored: read its"
                            + " schema.sql, and restore with --accept-unauthenticated if it is your own from before the"
                            + " key");
        }
    }

    private boolean isRefused(SnapshotManifest manifest) {
        return keys.provider().isPresent() && !manifest.hasEncryptedRows() && !acceptsUnauthenticated;
    }

    /**
     * Everything that is published, by its manifests; other objects are not looked at.
     *
     * @throws IOException where the store cannot be asked, or lets none of its manifests be read
     */
    public Contents contents() throws IOException {
        return contents(SnapshotFolder.ROOT);
    }

    /**
     * Makes sure that the storage answers, by one request.
     *
     * @throws IOException where it cannot be read
     */
    public void requireReadable() throws IOException {
        store.requireReadable();
    }

    /** The snapshots whose manifest is valid, newest first; {@link #contents} tells of the others too. */
    public List<SnapshotManifest> list() throws IOException {
        return contents().valid();
    }

    /** The snapshots of one table whose manifest is valid, newest first. */
    public List<SnapshotManifest> list(String schema, String table) throws IOException {
        return contentsOf(schema, table).valid();
    }

    /** Everything that is published of one table. */
    public Contents contentsOf(String schema, String table) throws IOException {
        return contents(SnapshotFolder.of(schema, table));
    }

    /**
     * Everything that is published in the group of a name, and perhaps more: what begins with its digits, or all, where no snapshot
     * of the group does, as those of older versions.
     *
     * @param id of a group or of one of its snapshots; of anything else, all is told
     */
    public Contents contentsWith(String id) throws IOException {
        Matcher digits = DIGITS.matcher(id);
        if (digits.matches()) {
            String snapshot = "/snap_" + digits.group(1);
            Set<String> names = new LinkedHashSet<>(store.list(SnapshotFolder.ROOT));
            names.removeIf(name -> !name.contains(snapshot));
            Contents found = contents(names);
            if (found.valid().stream().anyMatch(manifest -> manifest.groupId().startsWith("grp_" + digits.group(1)))) {
                return found;
            }
        }
        return contents();
    }

    private Contents contents(String prefix) throws IOException {
        return contents(new LinkedHashSet<>(store.list(prefix)));
    }

    private Contents contents(Set<String> names) throws IOException {
        List<SnapshotManifest> valid = new ArrayList<>();
        Set<String> undecided = new HashSet<>();
        List<String> broken = new ArrayList<>();
        Optional<IOException> unreadable = Optional.empty();
        for (ReadManifest read :
                read(names.stream().filter(SnapshotArchive::isManifest).toList())) {
            if (isDiscarded(read.name(), names)) {
                continue;
            }
            read.manifest().ifPresent(valid::add);
            read.manifest()
                    .filter(manifest -> isUndecided(manifest, names))
                    .ifPresent(manifest -> undecided.add(manifest.snapshotId()));
            read.problem().ifPresent(problem -> broken.add(String.valueOf(problem.getMessage())));
            if (read.problem().isPresent() && !(read.problem().get() instanceof CorruptSnapshotException)) {
                unreadable = read.problem();
            }
        }
        // An empty list would say that nothing was ever stored.
        if (valid.isEmpty() && unreadable.isPresent()) {
            throw unreadable.get();
        }
        return new Contents(valid.stream().sorted(NEWEST_FIRST).toList(), undecided, broken);
    }

    /**
     * The newest snapshot of one table that is valid and meets the condition, is final (an undecided one is taken back where
     * its statement is rolled back) and is not about to be removed. Manifests are read from the one that was published last
     * on, and no more of them than that takes: of a table that is stored every minute there are many.
     */
    public Optional<SnapshotManifest> newest(String schema, String table, Predicate<SnapshotManifest> condition)
            throws IOException {
        List<ObjectEntry> entries = store.entries(SnapshotFolder.of(schema, table));
        Set<String> all = entries.stream().map(ObjectEntry::name).collect(Collectors.toSet());
        List<String> names = entries.stream()
                .filter(entry -> isManifest(entry.name()) && !isDiscarded(entry.name(), all))
                .sorted(Comparator.comparing(ObjectEntry::modified).reversed())
                .map(ObjectEntry::name)
                .toList();
        for (int from = 0; from < names.size(); from += TOGETHER) {
            Optional<SnapshotManifest> newest =
                    read(names.subList(from, Math.min(names.size(), from + TOGETHER))).stream()
                            .flatMap(read -> read.manifest().stream())
                            .filter(manifest -> !isUndecided(manifest, all))
                            .filter(manifest -> !all.contains(folder(manifest) + SnapshotObjectNames.REMOVING))
                            .filter(manifest -> !isRefused(manifest))
                            .filter(condition)
                            .min(NEWEST_FIRST);
            if (newest.isPresent()) {
                return newest;
            }
        }
        return Optional.empty();
    }

    /** @param names those of the objects that were there before the manifest was read, or more */
    static boolean isUndecided(SnapshotManifest manifest, Set<String> names) {
        return manifest.transactionId().isPresent()
                && !names.contains(folder(manifest) + SnapshotObjectNames.COMMITTED);
    }

    /**
     * Whether the snapshot of this manifest counts as removed, because its statement did not run. One that is marked as
     * final never does, whoever has put the other mark beside it.
     */
    static boolean isDiscarded(String manifest, Set<String> names) {
        return names.contains(SnapshotFolder.containing(manifest) + SnapshotObjectNames.DISCARDED)
                && !names.contains(SnapshotFolder.containing(manifest) + SnapshotObjectNames.COMMITTED);
    }

    /**
     * Makes an undecided snapshot final, for one who knows that its statement was committed. Does nothing where it is final.
     */
    public void markCommitted(SnapshotManifest manifest) throws IOException {
        mark(store, folder(manifest), CommitMark.WITHOUT_ROWS, Optional.empty());
    }

    /** An object of its own, so that no manifest is ever written over; stopped at any moment, it is there or not. */
    static void mark(ObjectStore store, String folder, CommitMark mark, Optional<DataKey> key) throws IOException {
        try {
            store.keep(folder + SnapshotObjectNames.COMMITTED, ByteBuffer.wrap(mark.write(key)));
        } catch (FileAlreadyExistsException e) {
            // Somebody else knew it too.
        }
    }

    /**
     * What is known of what the statement did which a snapshot was taken for. A row that the same transaction changed once more
     * may have an {@code xmin} of the statement's too; rows that a trigger's own subtransaction made do not. Of a snapshot that
     * has no mark, or none that can be read or is authenticated, what its manifest says.
     */
    public CommitMark mark(SnapshotManifest manifest) throws IOException {
        byte[] content;
        try (InputStream stream = store.open(folder(manifest) + SnapshotObjectNames.COMMITTED)) {
            content = stream.readNBytes(CommitMark.LONGEST);
        } catch (NoSuchFileException e) {
            content = new byte[0];
        }
        CommitMark marked =
                CommitMark.read(content, manifest.hasEncryptedRows() ? keys.of(folder(manifest)) : Optional.empty());
        Set<String> own = manifest.rowsTransactionId()
                .map(id -> Set.of(TransactionIds.inRows(id)))
                .orElse(Set.of());
        return marked.rowsTransactionIds().isEmpty()
                ? new CommitMark(own, own, marked.counts(), marked.oldestRunning(), marked.otherTables())
                : marked;
    }

    /**
     * Marks snapshots as relied upon, now, by a statement that they were not taken for. Once it has returned, no removal that
     * keeps what is used takes them away: a removal marks first and looks for uses then, this marks first and looks for
     * removals then, so that one of the two sees the other.
     *
     * @throws CorruptSnapshotException where the removal of one has begun
     */
    public void relyOn(Collection<SnapshotManifest> manifests) throws IOException {
        List<StoreExecutor.Call> marks = new ArrayList<>();
        for (SnapshotManifest manifest : manifests) {
            marks.add(() -> relyOn(manifest));
        }
        StoreExecutor.all(marks);
    }

    private void relyOn(SnapshotManifest manifest) throws IOException {
        store.put(folder(manifest) + SnapshotObjectNames.USED, ByteBuffer.wrap(USED));
        String removing = folder(manifest) + SnapshotObjectNames.REMOVING;
        if (store.list(removing).contains(removing)) {
            throw new CorruptSnapshotException("the snapshot " + manifest.snapshotId() + " is being removed");
        }
    }

    /** What a mark beside a manifest holds: that it is there says all. */
    static byte[] mark(String status) {
        return ("{\"format_version\":1,\"status\":\"" + status + "\"}").getBytes(StandardCharsets.US_ASCII);
    }

    /** Reads manifests, several at a time; fails only where the store is away, and with it all of them. */
    List<ReadManifest> read(List<String> names) throws IOException {
        Map<String, ReadManifest> results = new ConcurrentHashMap<>();
        StoreExecutor.all(names.stream()
                .map(name -> (StoreExecutor.Call) () -> results.put(name, read(name)))
                .toList());
        Set<String> all = new HashSet<>(names);
        return names.stream()
                .map(results::get)
                .map(Objects::requireNonNull)
                .map(read -> isCopy(read, all) ? copied(read) : read)
                .toList();
    }

    /** A folder whose name differs in its letters' case alone is the same one where a file system folds them, else a copy. */
    private static boolean isCopy(ReadManifest read, Set<String> names) {
        return read.manifest()
                .map(manifest -> folder(manifest) + ManifestFormat.NAME)
                .filter(own -> !own.equals(read.name()) && names.contains(own))
                .isPresent();
    }

    private static ReadManifest copied(ReadManifest read) {
        SnapshotManifest manifest = read.manifest().orElseThrow();
        return new ReadManifest(
                read.name(),
                Optional.empty(),
                Optional.of(new CorruptSnapshotException(
                        "the manifest " + read.name() + " is a copy of the one in " + folder(manifest))));
    }

    private ReadManifest read(String name) throws InDoubtException {
        try {
            return new ReadManifest(name, Optional.of(manifest(name)), Optional.empty());
        } catch (InDoubtException e) {
            throw e;
        } catch (IOException e) {
            return new ReadManifest(name, Optional.empty(), Optional.of(e));
        }
    }

    /**
     * Finds a snapshot by its id. A copy of its folder elsewhere does not hide the one that lies in its own place.
     *
     * @throws NoSuchFileException where there is none
     * @throws CorruptSnapshotException where no manifest of this id is valid
     */
    public SnapshotManifest find(String snapshotId) throws IOException {
        String end = "/" + snapshotId + "/" + ManifestFormat.NAME;
        IOException problem = new NoSuchFileException(
                snapshotId, null, "there is no snapshot of this id with a manifest in " + store.address());
        for (ReadManifest read : read(manifestNames(SnapshotFolder.ROOT).stream()
                .filter(name -> name.endsWith(end))
                .toList())) {
            if (read.manifest().isPresent()) {
                return read.manifest().get();
            }
            problem = read.problem().orElse(problem);
        }
        throw problem;
    }

    /** Reads every object of the snapshot to its end and compares it with the manifest: presence, size and SHA-256. */
    public void verify(SnapshotManifest manifest) throws IOException {
        verify(manifest, Verification.FULL_READ);
    }

    /** Compares the stored manifest with this one, and every object of the snapshot, in the given way, with what it says. */
    public void verify(SnapshotManifest manifest, Verification verification) throws IOException {
        verify(List.of(manifest), verification);
    }

    /** The same for several snapshots, some objects at a time. The first that is not right is told. */
    public void verify(Collection<SnapshotManifest> manifests, Verification verification) throws IOException {
        List<StoreExecutor.Call> reads = new ArrayList<>();
        for (SnapshotManifest manifest : manifests) {
            reads.add(() -> requireStored(manifest));
            for (SnapshotObject object : objects(manifest)) {
                reads.add(() -> object.verify(verification));
            }
        }
        StoreExecutor.all(reads);
    }

    private void requireStored(SnapshotManifest manifest) throws IOException {
        if (!manifest(folder(manifest) + ManifestFormat.NAME).equals(manifest)) {
            throw new CorruptSnapshotException("the stored manifest of " + manifest.snapshotId() + " is another one");
        }
    }

    /** All that the manifest names. */
    private List<SnapshotObject> objects(SnapshotManifest manifest) throws IOException {
        List<SnapshotObject> objects = new ArrayList<>();
        objects.add(object(manifest, manifest.schemaObject()));
        objects.add(object(manifest, manifest.schemaSql()));
        for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
            objects.add(object(manifest, chunk));
        }
        return objects;
    }

    /** The description of the table, without its rows. */
    public TableDescription description(SnapshotManifest manifest) throws IOException {
        requireUsable(manifest);
        SnapshotObject object = object(manifest, manifest.schemaObject());
        return DescriptionFormat.read(object.read(), object.toString());
    }

    /** The script that makes the table again, as it was stored. */
    public byte[] script(SnapshotManifest manifest) throws IOException {
        requireUsable(manifest);
        return object(manifest, manifest.schemaSql()).read();
    }

    /**
     * The rows of a chunk as a COPY stream in the snapshot's {@link CopyFormat}, decompressed, or a part of one where a chunk
     * is continued. The stored bytes were all read and their checksum found right when this returns; it holds them (some 8
     * MiB) until the stream is closed.
     */
    public InputStream rows(SnapshotManifest manifest, SnapshotManifest.Chunk chunk) throws IOException {
        requireUsable(manifest);
        return new ZstdInputStream(
                new ByteArrayInputStream(object(manifest, chunk).read()));
    }

    /** Begins to write a snapshot. */
    public SnapshotDraft begin(String schema, String table, String snapshotId) {
        return new SnapshotDraft(store, SnapshotFolder.of(schema, table), snapshotId, keys.provider());
    }

    /** Where the store is, for messages. */
    public String address() {
        return store.address();
    }

    /** Where a snapshot lies in the store, for messages. */
    public String locate(SnapshotManifest manifest) {
        return store.address() + " " + folder(manifest);
    }

    private static String folder(SnapshotManifest manifest) {
        return SnapshotFolder.of(manifest.schema(), manifest.table()) + manifest.snapshotId() + "/";
    }

    private SnapshotObject object(SnapshotManifest manifest, SnapshotManifest.StoredObject object) throws IOException {
        if (!SnapshotObjectNames.isName(object.name())) {
            throw new CorruptSnapshotException(
                    "the manifest of " + manifest.snapshotId() + " names an object that cannot be one of its own");
        }
        Optional<DataKey> key = manifest.hasEncryptedRows() ? keys.of(folder(manifest)) : Optional.empty();
        return new SnapshotObject(store, folder(manifest), manifest.snapshotId(), object, key);
    }

    private SnapshotObject object(SnapshotManifest manifest, SnapshotManifest.Chunk chunk) throws IOException {
        return object(manifest, new SnapshotManifest.StoredObject(chunk.name(), chunk.bytes(), chunk.sha256()));
    }

    private List<String> manifestNames(String prefix) throws IOException {
        return store.list(prefix).stream().filter(SnapshotArchive::isManifest).toList();
    }

    private static boolean isManifest(String name) {
        return name.endsWith("/" + ManifestFormat.NAME);
    }

    /** Several are read at the same time, and what is read of one takes several times as much room. */
    private static int longestManifest() {
        return (int) Math.min(LONGEST_MANIFEST, Runtime.getRuntime().maxMemory() / (4 * TOGETHER));
    }

    SnapshotManifest manifest(String name) throws IOException {
        byte[] content;
        try (InputStream stream = store.open(name)) {
            content = stream.readNBytes(longestManifest() + 1);
        } catch (NoSuchFileException e) {
            throw new CorruptSnapshotException("the manifest " + name + " is missing", e);
        } catch (InDoubtException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException("the manifest " + name + " cannot be read: " + SnapshotObject.reason(e), e);
        }
        if (content.length > longestManifest()) {
            throw new CorruptSnapshotException("the manifest " + name + " is longer than the " + longestManifest()
                    + " bytes that one can have"
                    + (longestManifest() < LONGEST_MANIFEST ? " with this process's memory (-Xmx)" : ""));
        }
        SnapshotManifest manifest = ManifestFormat.read(content, "the manifest " + name, keys::of);
        // A manifest that was moved is valid by its checksum, but its objects are elsewhere. Case: some file systems
        // fold it.
        if (!name.toLowerCase(Locale.ROOT).equals((folder(manifest) + ManifestFormat.NAME).toLowerCase(Locale.ROOT))) {
            throw new CorruptSnapshotException("the manifest " + name + " belongs to " + folder(manifest));
        }
        return manifest;
    }

    /**
     * The snapshots published in a store. Immutable.
     *
     * @param valid the snapshots whose manifest is valid, newest first
     * @param undecided the ids of those among them whose statement is not known to be committed: it runs still, or whoever
     *     sent it died before it was marked
     * @param broken what is wrong with the manifests that are not valid or cannot be read: one sentence for each, with the
     *     object's name in it
     */
    public record Contents(List<SnapshotManifest> valid, Set<String> undecided, List<String> broken) {
        public Contents {
            valid = List.copyOf(valid);
            undecided = Set.copyOf(undecided);
            broken = List.copyOf(broken);
        }
    }

    /** A manifest, or why there is none under this name. */
    record ReadManifest(String name, Optional<SnapshotManifest> manifest, Optional<IOException> problem) {}
}
