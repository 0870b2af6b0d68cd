package io.backstop.cli.option;

import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.key.KeyProviders;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.util.Optional;

/** The option that names the key of the snapshots. */
public final class KeyOption {
    @Option(
            names = "--key",
            paramLabel = "KEY",
            defaultValue = "${env:BACKSTOP_KEY}",
            description = {
                "The key that snapshots are encrypted and authenticated under: a key file,"
                        + " aws-kms://KEY[@https://endpoint] or vault://MOUNT/KEY[@https://host:port] [BACKSTOP_KEY]."
            })
    private @Nullable String address;

    /** The key, if one was named; an empty name is none. */
    public Optional<KeyProvider> key() throws IOException {
        return address == null || address.isEmpty() ? Optional.empty() : Optional.of(KeyProviders.open(address));
    }
}
