package io.backstop.cli.control;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/** A file of JSON Lines that is gone on with after its last whole line. Not thread-safe. */
final class AuditExportFile implements AutoCloseable {
    private static final int PIECE = 1 << 16;

    private final Path path;
    private final RandomAccessFile file;
    private final StringBuilder waiting = new StringBuilder();

    private AuditExportFile(Path path, RandomAccessFile file) {
        this.path = path;
        this.file = file;
    }

    /** Opens it; makes it for its owner alone where it is not there. */
    static AuditExportFile open(Path path) throws IOException {
        try {
            if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                Files.createFile(
                        path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            } else {
                Files.createFile(path);
            }
        } catch (FileAlreadyExistsException e) {
            // It is gone on with.
        }
        return new AuditExportFile(path, new RandomAccessFile(path.toFile(), "rw"));
    }

    /**
     * The last record that was written as a whole; what an export that was stopped left after it is cut off. A file that does
     * not end so is not changed.
     *
     * @throws IOException where there is something else in the file
     */
    Optional<Last> last() throws IOException {
        if (file.length() == 0) {
            return Optional.empty();
        }
        long end = lineFeedBefore(file.length()) + 1;
        long start = lineFeedBefore(Math.max(0, end - 1)) + 1;
        byte[] line = new byte[Math.toIntExact(Math.max(0, end - 1 - start))];
        file.seek(start);
        file.readFully(line);
        Last last = record(line).orElseThrow(() -> new IOException(path + " does not end with a record of the audit"));
        file.setLength(end);
        file.seek(end);
        return Optional.of(last);
    }

    private static Optional<Last> record(byte[] line) {
        try {
            JsonNode record = JsonMapper.shared().readTree(line);
            return record.path("sequence").isIntegralNumber()
                            && record.path("hash").isString()
                    ? Optional.of(new Last(
                            record.get("sequence").asLong(), record.get("hash").asString()))
                    : Optional.empty();
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    /** Where the last line feed before this place is; -1 where there is none. */
    private long lineFeedBefore(long place) throws IOException {
        byte[] piece = new byte[PIECE];
        for (long to = place; to > 0; ) {
            long from = Math.max(0, to - PIECE);
            int length = Math.toIntExact(to - from);
            file.seek(from);
            file.readFully(piece, 0, length);
            for (int i = length - 1; i >= 0; i--) {
                if (piece[i] == '\n') {
                    return from + i;
                }
            }
            to = from;
        }
        return -1;
    }

    void append(String line) throws IOException {
        waiting.append(line).append('\n');
        if (waiting.length() >= PIECE) {
            write();
        }
    }

    private void write() throws IOException {
        file.write(waiting.toString().getBytes(StandardCharsets.UTF_8));
        waiting.setLength(0);
    }

    /** Puts what was appended on the disk. */
    void force() throws IOException {
        write();
        file.getChannel().force(true);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /** The last record of a file. */
    record Last(long sequence, String hash) {}
}
