package io.backstop.snapshot.store;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

class FileObjectStoreTest extends ObjectStoreContract {
    @TempDir
    Path folder;

    @Override
    protected ObjectStore store() {
        return new FileObjectStore(folder.resolve("not/there yet"));
    }

    @Override
    protected ObjectStore again(ObjectStore store) {
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
    void tells_a_reader_who_asks_that_there_is_no_folder() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");
        assertNoFolder(folder.resolve("nowhere"), "does not exist");
        assertNoFolder(file, "is not a folder");
        assertNoFolder(file.resolve("below"), "cannot be read: " + file.resolve("below") + ": Not a directory");
        try (FileObjectStore store = new FileObjectStore(folder)) {
            assertThatCode(store::requireFolder).doesNotThrowAnyException();
        }
    }

    private static void assertNoFolder(Path root, String problem) {
        try (FileObjectStore store = new FileObjectStore(root)) {
            assertThatThrownBy(store::requireFolder)
                    .isInstanceOf(IOException.class)
                    .hasMessage("the storage " + root.toUri() + " " + problem);
        }
    }

    @Test
    void a_failed_write_says_why_in_words() {
        assumeThat(Path.of("/proc/self")).exists();
        try (ObjectStore store = new FileObjectStore(Path.of("/proc/no such folder"))) {
            for (ThrowingCallable write : List.<ThrowingCallable>of(
                    () -> store.put("a/b", bytes("one")), () -> store.putNew("a/b", bytes("one")))) {
                // Whom the kernel lets get as far as to look is told that nothing can be made there.
                assertThatThrownBy(write)
                        .isInstanceOf(IOException.class)
                        .message()
                        .isIn("/proc/no such folder does not exist", "permission denied on /proc/no such folder");
            }
        }
    }

    /** Root may look at everything, so that a link to itself stands for a folder of another user's. */
    @Test
    void a_folder_that_cannot_be_looked_at_is_not_an_empty_one() throws IOException {
        Path loop = folder.resolve("snapshots");
        Files.createSymbolicLink(loop, loop);
        try (ObjectStore store = new FileObjectStore(folder)) {
            assertThatThrownBy(() -> store.entries("snapshots/"))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(loop.toString());
            assertThat(store.entries("other/")).isEmpty();
        }
    }

    @Test
    void what_an_exception_says_by_its_type_alone_is_put_into_words() {
        FileSystemException denied = new AccessDeniedException("/disk/a");
        assertThat(FileObjectStore.inWords(denied))
                .hasMessage("permission denied on /disk/a")
                .hasCause(denied);
        assertThat(FileObjectStore.inWords(new NoSuchFileException("/disk/a"))).hasMessage("/disk/a does not exist");
        FileSystemException full = new FileSystemException("/disk/a", null, "No space left on device");
        assertThat(FileObjectStore.inWords(full)).isSameAs(full);
        FileSystemException taken = new FileAlreadyExistsException("/disk/a");
        assertThat(FileObjectStore.inWords(taken)).isSameAs(taken);
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

    @Test
    void what_a_file_manager_left_does_not_make_the_rest_unusable() throws IOException {
        Path root = Files.createDirectory(folder.resolve("root"));
        try (ObjectStore store = new FileObjectStore(root)) {
            store.putNew("a/b/c", bytes("one"));
            for (String copy : List.of("a/b (copy)", "a/Copy of b", "a (copy)")) {
                Files.createDirectories(root.resolve(copy));
                Files.writeString(root.resolve(copy).resolve("c"), "one");
            }
            Files.createSymbolicLink(root.resolve("a/loop"), root);
            Files.writeString(root.resolve("a/notes of mine.txt"), "one");
            assertThat(store.list("")).containsExactly("a/b/c");
            assertThat(store.list("a/")).containsExactly("a/b/c");
        }
    }
}
