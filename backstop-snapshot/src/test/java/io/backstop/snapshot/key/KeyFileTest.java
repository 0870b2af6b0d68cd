package io.backstop.snapshot.key;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KeyFileTest {
    @TempDir
    Path folder;

    private final byte[] dataKey = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    @Test
    void unwraps_what_the_same_file_wrapped() throws IOException {
        Path file = folder.resolve("a.key");
        byte[] wrapped = KeyFile.create(file).wrap(dataKey, "here");
        assertThat(KeyFile.open(file).unwrap(wrapped, "here")).isEqualTo(dataKey);
        assertThat(new String(wrapped, StandardCharsets.ISO_8859_1)).doesNotContain("0123456789abcdef");
    }

    @Test
    void unwraps_neither_for_another_place_nor_under_another_key_nor_what_was_changed() throws IOException {
        KeyFile key = KeyFile.create(folder.resolve("a.key"));
        KeyFile other = KeyFile.create(folder.resolve("b.key"));
        byte[] wrapped = key.wrap(dataKey, "here");
        assertThatThrownBy(() -> key.unwrap(wrapped, "there")).isInstanceOf(KeyException.class);
        assertThatThrownBy(() -> other.unwrap(wrapped, "here")).isInstanceOf(KeyException.class);
        for (int i = 0; i < wrapped.length; i++) {
            byte[] changed = wrapped.clone();
            changed[i] ^= 1;
            assertThatThrownBy(() -> key.unwrap(changed, "here")).isInstanceOf(KeyException.class);
        }
    }

    @Test
    void makes_a_file_that_its_owner_alone_may_use_and_never_writes_over_one() throws IOException {
        Path file = folder.resolve("a.key");
        KeyFile.create(file);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThatThrownBy(() -> KeyFile.create(file))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("exists already");
    }

    @Test
    void refuses_a_file_that_others_may_use_in_any_way() throws IOException {
        Path file = folder.resolve("a.key");
        KeyFile.create(file);
        for (PosixFilePermission permission : PosixFilePermission.values()) {
            if (permission.name().startsWith("OWNER_")) {
                continue;
            }
            var permissions = PosixFilePermissions.fromString("rw-------");
            permissions.add(permission);
            Files.setPosixFilePermissions(file, permissions);
            assertThatThrownBy(() -> KeyFile.open(file))
                    .as("%s", permission)
                    .isInstanceOf(KeyException.class)
                    .hasMessageContaining("can be used by others");
        }
    }

    /** Whoever follows a hint about the rights of a key file must not change those of something else. */
    @Test
    void says_of_what_is_no_key_file_that_it_is_none() throws IOException {
        Path open = folder.resolve("open");
        Files.writeString(open, "anything");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-rw-rw-"));
        for (Path other : new Path[] {folder, Path.of("/dev/null"), open}) {
            assertThatThrownBy(() -> KeyFile.open(other))
                    .isInstanceOf(KeyException.class)
                    .hasMessageContaining("holds no whole key")
                    .hasMessageNotContaining("chmod");
        }
    }

    @Test
    void refuses_a_damaged_file_and_shows_nothing_of_it() throws IOException {
        Path file = folder.resolve("a.key");
        KeyFile.create(file);
        byte[] content = Files.readAllBytes(file);
        String secret = new String(content, StandardCharsets.US_ASCII)
                .lines()
                .filter(line -> line.startsWith("key "))
                .findFirst()
                .orElseThrow()
                .substring(4);
        assertThat(Base64.getDecoder().decode(secret)).hasSize(32);
        for (int i = 0; i < content.length; i++) {
            byte[] changed = content.clone();
            changed[i] ^= 1;
            Files.write(file, changed);
            assertThatThrownBy(() -> KeyFile.open(file))
                    .as("byte %d", i)
                    .isInstanceOf(KeyException.class)
                    .hasMessageNotContaining(secret.substring(0, 8));
        }
        assertThatThrownBy(() -> KeyFile.open(folder.resolve("none.key")))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("there is no key file");
    }

    @Test
    void a_pipe_is_not_waited_for() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() -> KeyFile.open(pipe))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("holds no whole key");
    }
}
