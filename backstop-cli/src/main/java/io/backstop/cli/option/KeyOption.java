package io.backstop.cli.option;

import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.key.KeyProvider;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The option that names the key of the snapshots. */
public final class KeyOption {
    @Option(
            names = "--key",
            paramLabel = "FILE",
            defaultValue = "${env:BACKSTOP_KEY}",
            description = "The file of the key that snapshots are encrypted and authenticated under [BACKSTOP_KEY].")
    private @Nullable Path file;

    /** The key, if a file was named; an empty name is none. */
    public Optional<KeyProvider> key() throws IOException {
        return file == null || file.toString().isEmpty() ? Optional.empty() : Optional.of(KeyFile.open(file));
    }
}
