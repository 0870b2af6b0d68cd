package io.backstop.jdbc.internal.control.sqlite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Creates files that nobody but their owner can read. Stateless. */
final class OwnersFile {
    private OwnersFile() {}

    /** @throws java.nio.file.FileAlreadyExistsException where there is one of that name */
    static void create(Path path) throws IOException {
        if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } else {
            Files.createFile(path);
        }
    }
}
