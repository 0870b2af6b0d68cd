package io.backstop.jdbc.operator;

import io.backstop.jdbc.internal.file.SettingsFile;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * The file that lists the operators: the trust anchor, which agents must not be able to write. A reader accepts a changed
 * file only if it continues the one that it read before, so a list that was replaced or shortened while a guard runs is
 * refused. Thread-safe.
 */
public final class OperatorsFile {
    /** More than any list of people needs. */
    private static final int MAX_BYTES = 1 << 20;

    private final Path path;
    private @Nullable OperatorList accepted;

    public OperatorsFile(Path path) {
        this.path = path.toAbsolutePath();
    }

    public Path path() {
        return path;
    }

    /**
     * The list as it is now.
     *
     * @throws OperatorException where the file is missing, broken, names nobody who may decide, or does not continue what
     *     was read before
     */
    public synchronized OperatorList read() throws OperatorException {
        OperatorList before = accepted;
        String text = text();
        if (before != null && before.text().equals(text)) {
            return before;
        }
        OperatorList list = OperatorList.read(text);
        if (!list.anyActive()) {
            throw unusable("it names nobody who may decide");
        }
        if (before != null && !list.continues(before)) {
            throw unusable("it does not continue the list that was read before; lines were changed or removed");
        }
        accepted = list;
        return list;
    }

    /** The list, or the empty one where there is no file yet: for those who write it. */
    public OperatorList readOrEmpty() throws OperatorException {
        return Files.exists(path) ? read() : OperatorList.EMPTY;
    }

    private String text() throws OperatorException {
        try {
            return SettingsFile.read(path, MAX_BYTES);
        } catch (NoSuchFileException e) {
            throw unusable("it does not exist");
        } catch (SettingsFile.UnusableFileException e) {
            throw unusable(String.valueOf(e.getMessage()));
        } catch (CharacterCodingException e) {
            throw unusable("it is not in UTF-8");
        } catch (IOException e) {
            throw new OperatorException(
                    "the operators' file cannot be read: " + path, "let this user read it, but not write it", e);
        }
    }

    private OperatorException unusable(String reason) {
        return new OperatorException(
                "the operators' file cannot be used: " + path + ": " + reason,
                "put it back as `backstop operators` wrote it, or name the right file with backstop.operators");
    }

    /**
     * Puts the list in the file's place in one step; everybody may read it.
     *
     * @throws OperatorException where this user may not write there
     */
    public void write(OperatorList list) throws OperatorException {
        Path folder = path.getParent();
        if (folder == null) {
            throw unusable("it is a folder");
        }
        try {
            Path staged = Files.createTempFile(folder, path.getFileName() + ".", ".new");
            try {
                Files.writeString(staged, list.text());
                if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                    Files.setPosixFilePermissions(staged, PosixFilePermissions.fromString("rw-r--r--"));
                }
                Files.move(staged, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(staged);
            }
        } catch (IOException e) {
            throw new OperatorException(
                    "the operators' file cannot be written: " + path,
                    "run this as the administrator who owns it and its folder",
                    e);
        }
    }

    /** Why the user of this process can change the file or put another one in its place; empty where they cannot. */
    public List<String> writableByThisProcess() {
        return WriteAccess.ofThisProcess(path);
    }
}
