package io.backstop.snapshot.capture;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file system of a given size. A process with name spaces of its own mounts it, so that no rights are needed, and it is
 * gone when that process is.
 */
final class SmallDisk implements AutoCloseable {
    private final Process holder;
    private final boolean mounted;

    private SmallDisk(Process holder, boolean mounted) {
        this.holder = holder;
        this.mounted = mounted;
    }

    static SmallDisk mount(int kibibytes) throws IOException {
        Process holder = new ProcessBuilder(
                        "sh",
                        "-c",
                        "exec unshare -Urm sh -c 'mount -t tmpfs -o size=" + kibibytes
                                + "k tmpfs /tmp && echo mounted && exec cat'")
                .redirectErrorStream(true)
                .start();
        BufferedReader answer = holder.inputReader(StandardCharsets.UTF_8);
        return new SmallDisk(holder, "mounted".equals(answer.readLine()));
    }

    boolean isMounted() {
        return mounted && Files.isDirectory(root());
    }

    Path root() {
        return Path.of("/proc/" + holder.pid() + "/root/tmp");
    }

    /** A file that takes this much of it, or all that is left. */
    Path fill(int kibibytes) throws IOException {
        Path file = root().resolve("filler");
        try (var content = Files.newOutputStream(file)) {
            for (int i = 0; i < kibibytes; i++) {
                content.write(new byte[1024]);
            }
        } catch (IOException e) {
            if (!String.valueOf(e.getMessage()).contains("No space left")) {
                throw e;
            }
        }
        return file;
    }

    List<Path> files(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    void remove(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    @Override
    public void close() {
        holder.destroy();
    }
}
