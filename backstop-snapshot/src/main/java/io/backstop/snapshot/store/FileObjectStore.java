package io.backstop.snapshot.store;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.UUID;

/**
 * Objects as files below a folder, which it creates where it is missing. An object is written under another name,
 * forced to the disk and then named by one rename or link, and the folder is forced too. Files can be read by their
 * owner alone, for they hold rows. Thread-safe, also among processes.
 */
public final class FileObjectStore implements ObjectStore {
    private static final Logger LOG = LoggerFactory.getLogger(FileObjectStore.class);

    /** Separates a file's name from the rest of its temporary name; no object's name holds it. */
    private static final String UNFINISHED = "~";

    /** The JDK keeps a buffer as large as the largest write for each thread, outside of the heap. */
    private static final int PIECE = 128 << 10;

    private static final boolean WINDOWS = File.separatorChar == '\\';

    private final Path root;

    public FileObjectStore(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        change(() -> replace(resolve(name), content));
    }

    private static void replace(Path target, ByteBuffer content) throws IOException {
        Path unfinished = write(target, content);
        try {
            Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
        force(parent(target));
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        change(() -> create(resolve(name), content));
    }

    private void create(Path target, ByteBuffer content) throws IOException {
        if (Files.exists(target)) {
            throw new FileAlreadyExistsException(target.toString());
        }
        Path unfinished = write(target, content);
        try {
            // Unlike a rename, a link fails where the name is taken.
            Files.createLink(target, unfinished);
        } catch (UnsupportedOperationException e) {
            throw new IOException("the file system of " + root + " has no hard links, which this store needs", e);
        } finally {
            Files.deleteIfExists(unfinished);
        }
        force(parent(target));
    }

    private static Path write(Path target, ByteBuffer content) throws IOException {
        createFolder(parent(target));
        Path unfinished = parent(target).resolve(target.getFileName() + UNFINISHED + UUID.randomUUID());
        try (FileChannel channel =
                FileChannel.open(Files.createFile(unfinished, attributes("rw-------")), StandardOpenOption.WRITE)) {
            ByteBuffer rest = content.duplicate();
            while (rest.hasRemaining()) {
                ByteBuffer piece = rest.slice().limit(Math.min(rest.remaining(), PIECE));
                rest.position(rest.position() + channel.write(piece));
            }
            channel.force(true);
        } catch (IOException | RuntimeException e) {
            deleteAfter(unfinished, e);
            throw e;
        }
        return unfinished;
    }

    private static void deleteAfter(Path unfinished, Exception cause) {
        try {
            Files.deleteIfExists(unfinished);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    private static void createFolder(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return;
        }
        createFolder(parent(folder));
        try {
            Files.createDirectory(folder, attributes("rwx------"));
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(folder)) {
                throw new FileSystemException(folder.toString(), null, "is not a folder");
            }
        }
        force(parent(folder));
    }

    private static FileAttribute<?>[] attributes(String permissions) {
        return WINDOWS
                ? new FileAttribute<?>[0]
                : new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                };
    }

    /** A name is durable only when the folder that holds it is. Windows has no such call and needs none. */
    private static void force(Path folder) throws IOException {
        if (!WINDOWS) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    @Override
    public InputStream open(String name) throws IOException {
        Path file = resolve(name);
        if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
            throw new NoSuchFileException(file.toString());
        }
        return Files.newInputStream(file);
    }

    /**
     * Fails where there is no folder to read, which {@link #entries} takes for one that nothing was stored in yet: for those
     * to whom that would be a wrong answer.
     */
    public void requireFolder() throws IOException {
        try {
            if (!Files.readAttributes(root, BasicFileAttributes.class).isDirectory()) {
                throw new IOException("the storage " + address() + " is not a folder");
            }
        } catch (NoSuchFileException e) {
            throw new IOException("the storage " + address() + " does not exist", e);
        } catch (FileSystemException e) {
            throw new IOException(
                    "the storage " + address() + " cannot be read: "
                            + inWords(e).getMessage(),
                    e);
        }
    }

    @Override
    public List<ObjectEntry> entries(String prefix) throws IOException {
        ObjectNames.checkedPrefix(prefix);
        Path start = root.resolve(prefix.substring(0, prefix.lastIndexOf('/') + 1));
        List<ObjectEntry> entries = new ArrayList<>();
        if (isFolder(start)) {
            Files.walkFileTree(
                    start,
                    EnumSet.of(FileVisitOption.FOLLOW_LINKS),
                    Integer.MAX_VALUE,
                    new Collector(start, prefix, entries));
        }
        entries.sort(Comparator.comparing(ObjectEntry::name));
        return List.copyOf(entries);
    }

    /** A folder that is not there yet is made with the first object. */
    @Override
    public void requireReadable() throws IOException {
        if (Files.exists(root) && !(Files.isDirectory(root) && Files.isReadable(root))) {
            throw new IOException(root + " is no folder that this user can read");
        }
    }

    @Override
    public void delete(String name) throws IOException {
        Path file = resolve(name);
        change(() -> {
            if (Files.deleteIfExists(file)) {
                force(parent(file));
            }
        });
    }

    @Override
    public String address() {
        return root.toUri().toString();
    }

    @Override
    public void close() {
        // Nothing is kept open.
    }

    private static void change(Change change) throws IOException {
        try {
            change.make();
        } catch (FileSystemException e) {
            throw inWords(e);
        }
    }

    /** Some exceptions' message is a path and nothing else. One that callers tell apart by its type stays as it is. */
    static IOException inWords(FileSystemException failure) {
        if (failure.getReason() == null && failure instanceof AccessDeniedException) {
            return new IOException("permission denied on " + failure.getFile(), failure);
        }
        if (failure.getReason() == null && failure instanceof NoSuchFileException) {
            return new IOException(failure.getFile() + " does not exist", failure);
        }
        return failure;
    }

    /** One that is not there holds nothing; one that may not be looked at is no such folder. */
    private static boolean isFolder(Path folder) throws IOException {
        try {
            return Files.readAttributes(folder, BasicFileAttributes.class).isDirectory();
        } catch (NoSuchFileException e) {
            return false;
        } catch (FileSystemException e) {
            throw inWords(e);
        }
    }

    private Path resolve(String name) {
        return root.resolve(ObjectNames.checked(name));
    }

    private static Path parent(Path file) throws IOException {
        Path parent = file.getParent();
        if (parent == null) {
            throw new IOException(file + " is no place for objects");
        }
        return parent;
    }

    @FunctionalInterface
    private interface Change {
        void make() throws IOException;
    }

    /** Names and passes over what cannot hold objects: one such folder must not make all others unusable. */
    private final class Collector extends SimpleFileVisitor<Path> {
        private final Path start;
        private final String prefix;
        private final List<ObjectEntry> entries;

        Collector(Path start, String prefix, List<ObjectEntry> entries) {
            this.start = start;
            this.prefix = prefix;
            this.entries = entries;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            String name = name(folder) + "/";
            if (!folder.equals(start) && !ObjectNames.isPart(String.valueOf(folder.getFileName()))) {
                LOG.warn("passed over: the folder {} does not have the name of one that Backstop makes", folder);
                return FileVisitResult.SKIP_SUBTREE;
            }
            boolean onTheWay = folder.equals(root) || name.startsWith(prefix) || prefix.startsWith(name);
            return onTheWay ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String name = name(file);
            if (name.startsWith(prefix) && ObjectNames.isPart(String.valueOf(file.getFileName()))) {
                entries.add(new ObjectEntry(
                        name, attributes.size(), attributes.lastModifiedTime().toInstant()));
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
            if (failure instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE; // removed while we look
            }
            if (failure instanceof FileSystemLoopException) {
                LOG.warn("passed over: the link {} leads to a folder that it lies in", file);
                return FileVisitResult.CONTINUE;
            }
            if (failure instanceof AccessDeniedException && !file.equals(start)) {
                LOG.warn("passed over: permission denied on {}; snapshots that are in it are not listed", file);
                return FileVisitResult.CONTINUE;
            }
            throw failure instanceof AccessDeniedException
                    ? new IOException("cannot list " + file + ": permission denied", failure)
                    : failure;
        }

        private String name(Path file) {
            return root.relativize(file).toString().replace(File.separatorChar, '/');
        }
    }
}
