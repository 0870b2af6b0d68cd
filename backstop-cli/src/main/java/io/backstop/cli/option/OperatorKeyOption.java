package io.backstop.cli.option;

import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.Terminal;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorKey;
import io.backstop.jdbc.operator.OperatorKeyFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.Console;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/** The options that name an operator's private key. */
public final class OperatorKeyOption {
    @Option(
            names = "--operator-key",
            paramLabel = "FILE",
            defaultValue = "${env:BACKSTOP_OPERATOR_KEY}",
            description = "The file of the operator's private key, which signs [BACKSTOP_OPERATOR_KEY].")
    private @Nullable Path file;

    @Mixin
    private final PassphraseOption passphrase = new PassphraseOption();

    /** The key, if one was named. */
    public Optional<OperatorKey> key() throws OperatorException, RefusedException {
        return file == null ? Optional.empty() : Optional.of(open(file));
    }

    /**
     * The key that was named, or that the person at the terminal names now.
     *
     * @throws RefusedException where none was named, and there is no terminal
     */
    public OperatorKey required() throws OperatorException, RefusedException {
        Optional<OperatorKey> named = key();
        if (named.isPresent()) {
            return named.get();
        }
        @Nullable Console console = Terminal.present().orElse(null);
        @Nullable String answer = console == null ? null : console.readLine("file of your operator's key: ");
        if (answer == null || answer.isBlank()) {
            throw new RefusedException(
                    "this needs an operator's signature, and no key was named",
                    "name the file of your key with --operator-key");
        }
        return open(Path.of(answer.strip()));
    }

    private OperatorKey open(Path key) throws OperatorException, RefusedException {
        char[] secret = passphrase.read("passphrase of " + key + ": ");
        try {
            return OperatorKeyFile.read(key, secret);
        } finally {
            Arrays.fill(secret, ' ');
        }
    }
}
