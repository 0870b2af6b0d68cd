package io.backstop.jdbc.internal.file;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads a small file in UTF-8 that others may replace at any time. What is no regular file is not opened: the opening of a
 * pipe waits until somebody writes to it, perhaps for ever. Stateless, thread-safe.
 */
public final class SettingsFile {
    private SettingsFile() {}

    /**
     * The file's text.
     *
     * @throws UnusableFileException where it is no regular file, or has more bytes than this
     * @throws IOException where it cannot be read, or is not in UTF-8
     */
    public static String read(Path file, int mostBytes) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new UnusableFileException("it is not a regular file");
        }
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        byte[] bytes;
        try (InputStream content = Files.newInputStream(file)) {
            bytes = content.readNBytes(mostBytes + 1);
        }
        if (bytes.length > mostBytes) {
            throw new UnusableFileException("it is larger than " + mostBytes + " bytes");
        }
        return StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes))
                .toString();
    }

    /** A file that is there and cannot be what was meant; the message says why, and does not name it. */
    public static final class UnusableFileException extends IOException {
        private static final long serialVersionUID = 1;

        UnusableFileException(String reason) {
            super(reason);
        }
    }
}
