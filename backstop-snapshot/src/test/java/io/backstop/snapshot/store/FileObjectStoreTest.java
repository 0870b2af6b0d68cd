package io.backstop.snapshot.store;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

class FileObjectStoreTest extends ObjectStoreContract {
    @TempDir
    Path folder;

    @Override
    ObjectStore store() {
        return new FileObjectStore(folder.resolve("not/there yet"));
    }

    @Override
    ObjectStore again(ObjectStore store) {
        return ObjectStores.open(store.address());
    }

    @Test
    void lets_nobody_but_the_owner_read() throws IOException {
        assumeThat(folder.getFileSystem().supportedFileAttributeViews()).contains("posix");
        try (ObjectStore store = store()) {
            store.put("a/b", bytes("secret"));
            store.putNew("a/c", bytes("secret"));
            Path a = folder.resolve("not/there yet/a");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(a.resolve("b"))))
                    .isEqualTo("rw-------");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(a.resolve("c"))))
                    .isEqualTo("rw-------");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(a)))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void leaves_no_temporary_files_and_lists_none_of_others() throws IOException {
        try (ObjectStore store = store()) {
            store.put("a", bytes("one"));
            store.putNew("b", bytes("two"));
            Path root = folder.resolve("not/there yet");
            try (var files = Files.list(root)) {
                assertThat(files.map(file -> String.valueOf(file.getFileName())))
                        .containsExactlyInAnyOrder("a", "b");
            }
            Files.writeString(root.resolve("c~1234"), "half of an obj");
            assertThat(store.list("")).containsExactly("a", "b");
        }
    }

    @Test
    void fails_where_the_folder_is_a_file() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");
        try (ObjectStore store = new FileObjectStore(file)) {
            assertThatThrownBy(() -> store.put("a/b", bytes("one")))
                    .isInstanceOf(IOException.class)
                    .hasMessage(file + ": is not a folder");
            assertThat(store.list("")).isEmpty();
        }
    }

    @Test
    void a_folder_that_is_a_link_to_another_disk_is_read_as_it_is_written() throws IOException {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Path root = Files.createDirectory(folder.resolve("root"));
        Files.createSymbolicLink(root.resolve("a"), disk);
        try (ObjectStore store = new FileObjectStore(root)) {
            store.putNew("a/b/c", bytes("one"));
            assertThat(disk.resolve("b/c")).exists();
            assertThat(store.list("a/")).containsExactly("a/b/c");
            store.delete("a/b/c");
            assertThat(store.list("")).isEmpty();
        }
    }
}
