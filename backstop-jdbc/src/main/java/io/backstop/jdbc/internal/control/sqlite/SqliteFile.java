package io.backstop.jdbc.internal.control.sqlite;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.sqlite.NativeLibraryNotFoundException;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteOpenMode;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.OptionalLong;

/** The file of a control store: created for its owner only, and opened with the settings that the store needs. Thread-safe. */
final class SqliteFile {
    /** How long one process waits for another's unit of work, which takes milliseconds. */
    static final Duration LOCK_TIMEOUT = Duration.ofSeconds(5);

    private static final Duration OPENING_RETRY_INTERVAL = Duration.ofMillis(10);

    /** An extended result code holds the plain one in its lowest byte (sqlite.org, Result and Error Codes). */
    private static final int PLAIN_CODE = 0xff;

    private final Path path;
    private final Path log;
    private final boolean makesFolder;

    /** @param makesFolder whether a missing folder is created with the file */
    SqliteFile(Path path, boolean makesFolder) {
        this.path = path.toAbsolutePath();
        this.log = this.path.resolveSibling(this.path.getFileName() + "-wal");
        this.makesFolder = makesFolder;
    }

    Path path() {
        return path;
    }

    /**
     * Creates the file if it does not exist.
     *
     * @throws ControlStoreUnavailableException if its folder is missing, or it cannot be created
     */
    void create() throws ControlStoreUnavailableException {
        Path folder = path.getParent();
        if (folder != null && makesFolder) {
            createFolder(folder);
        }
        if (folder == null || !Files.isDirectory(folder)) {
            throw new ControlStoreUnavailableException(
                    "backstop.control: the folder of the control store does not exist: " + folder,
                    "create the folder, or set backstop.control to a file in an existing one");
        }
        if (Files.isDirectory(path)) {
            throw new ControlStoreUnavailableException(
                    "backstop.control: the control store is a folder: " + path,
                    "set backstop.control to a file, for instance " + path.resolve("backstop.db"));
        }
        try {
            if (!Files.exists(path)) {
                OwnersFile.create(path);
            }
        } catch (FileAlreadyExistsException e) {
            if (!Files.exists(path)) {
                throw unavailable(e); // a link to nothing; otherwise another process has just created the file
            }
        } catch (IOException e) {
            throw unavailable(e);
        }
    }

    private static void createFolder(Path folder) throws ControlStoreUnavailableException {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new ControlStoreUnavailableException(
                    "the folder for the control store cannot be created: " + folder,
                    "set backstop.control to a file, or BACKSTOP_HOME to a folder, that this user can write",
                    e);
        }
    }

    /** How many bytes the file has; empty if there is no file. */
    OptionalLong size() throws IOException {
        try {
            return OptionalLong.of(Files.size(path));
        } catch (NoSuchFileException e) {
            return OptionalLong.empty();
        }
    }

    /** Opens a connection to the file as it is; waits until other processes that create the store at the same time are done. */
    Connection connect() throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.resetOpenMode(SQLiteOpenMode.CREATE);
        config.setJournalMode(JournalMode.WAL);
        config.setSynchronous(SynchronousMode.FULL); // a record that was acknowledged survives a power failure
        config.setBusyTimeout((int) LOCK_TIMEOUT.toMillis());
        long start = System.nanoTime();
        while (true) {
            try {
                return config.createConnection("jdbc:sqlite:" + path);
            } catch (SQLException e) {
                // SQLite waits for every lock but the one that turns a new file to WAL: there it fails at once.
                if (!has(e, SQLiteErrorCode.SQLITE_BUSY) || System.nanoTime() - start > LOCK_TIMEOUT.toNanos()) {
                    throw e;
                }
                waitBeforeRetry(e);
            }
        }
    }

    private static void waitBeforeRetry(SQLException busy) throws SQLException {
        try {
            Thread.sleep(OPENING_RETRY_INTERVAL.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            busy.addSuppressed(e);
            throw busy;
        }
    }

    /**
     * Differs between this file with its write-ahead log and others of the same names. It changes too when somebody writes
     * the file itself, which SQLite does at a checkpoint alone, and stays the same while it writes to its log.
     * Empty if there is no file, which is the identity of nothing.
     */
    String identity() {
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            return attributes.fileKey() + " " + attributes.size() + " " + attributes.lastModifiedTime() + " "
                    + key(log);
        } catch (IOException e) {
            return ""; // there is no file
        }
    }

    /** The same for as long as the file is not removed or replaced; empty if there is no file. */
    String key() {
        return key(path);
    }

    private static String key(Path file) {
        try {
            return String.valueOf(
                    Files.readAttributes(file, BasicFileAttributes.class).fileKey());
        } catch (IOException e) {
            return "";
        }
    }

    /** The failure of a unit of work, in words for the one who runs the process. */
    ControlStoreUnavailableException unavailable(Throwable cause) {
        String problem = "the control store cannot be used: " + path;
        for (Throwable reason = cause; reason != null; reason = reason.getCause()) {
            if (reason instanceof LinkageError || reason instanceof NativeLibraryNotFoundException) {
                return new ControlStoreUnavailableException(
                        problem + ": code that it needs cannot be loaded: " + reason,
                        "check the versions of Backstop's modules and of sqlite-jdbc on the class path,"
                                + " and that native libraries may be loaded from the folder of java.io.tmpdir",
                        cause);
            }
        }
        if (has(cause, SQLiteErrorCode.SQLITE_BUSY)) {
            return new ControlStoreUnavailableException(
                    problem + ": another process has kept it locked for more than " + LOCK_TIMEOUT.toSeconds() + " s",
                    "find the process that has the file open and let it end; Backstop itself locks it for milliseconds",
                    cause);
        }
        if (has(cause, SQLiteErrorCode.SQLITE_NOTADB) || has(cause, SQLiteErrorCode.SQLITE_CORRUPT)) {
            return new ControlStoreUnavailableException(
                    problem + ": it is damaged, or no SQLite database",
                    "put back a copy of the file, or set backstop.control to another one",
                    cause);
        }
        return new ControlStoreUnavailableException(
                problem,
                "check that the file and its folder can be written by this user and that the disk has room;"
                        + " backstop.control names the file",
                cause);
    }

    /** Other writers did not come to an end in time, in this process. */
    ControlStoreUnavailableException busy() {
        return new ControlStoreUnavailableException(
                "the control store cannot be used: " + path
                        + ": others in this process have waited for it for more than " + LOCK_TIMEOUT.toSeconds()
                        + " s",
                "find out what keeps the file: a process that has locked it, or its disk");
    }

    ControlStoreUnavailableException interrupted(InterruptedException cause) {
        return new ControlStoreUnavailableException(
                "the control store was not used: " + path + ": the thread was interrupted while it waited for its turn",
                "send the statement again",
                cause);
    }

    /** Whether a statement named a table that is not there. */
    static boolean lacksTable(SQLException failure) {
        return has(failure, SQLiteErrorCode.SQLITE_ERROR);
    }

    private static boolean has(Throwable failure, SQLiteErrorCode code) {
        return failure instanceof SQLException e && (e.getErrorCode() & PLAIN_CODE) == code.code;
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
