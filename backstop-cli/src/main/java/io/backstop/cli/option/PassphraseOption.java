package io.backstop.cli.option;

import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.Terminal;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The options that say where the passphrase of an operator's key comes from; without one, the terminal is asked. */
public final class PassphraseOption {
    @Option(
            names = "--passphrase-env",
            paramLabel = "NAME",
            description = "The environment variable that holds the key's passphrase [the terminal is asked].")
    private @Nullable String variable;

    @Option(
            names = "--passphrase-file",
            paramLabel = "FILE",
            description = "The file whose first line is the key's passphrase [the terminal is asked].")
    private @Nullable Path file;

    /**
     * The passphrase. The caller overwrites it.
     *
     * @param prompt what the terminal says
     * @throws RefusedException where there is none, and no terminal to ask
     */
    public char[] read(String prompt) throws RefusedException {
        return read(variable, file, prompt);
    }

    /** The same, for options of other names. */
    public static char[] read(@Nullable String variable, @Nullable Path file, String prompt) throws RefusedException {
        if (variable != null) {
            @Nullable String value = System.getenv(variable);
            if (value == null || value.isEmpty()) {
                throw new RefusedException(
                        "the environment variable " + variable + " holds no passphrase",
                        "set it, or leave the option out");
            }
            return value.toCharArray();
        }
        if (file != null) {
            return firstLine(file);
        }
        @Nullable Console console = Terminal.present().orElse(null);
        char @Nullable [] answer = console == null ? null : console.readPassword("%s", prompt);
        if (answer == null) {
            throw new RefusedException(
                    "the key needs its passphrase, and there is no terminal to ask",
                    "name it with --passphrase-env or --passphrase-file");
        }
        return answer;
    }

    private static char[] firstLine(Path passphrases) throws RefusedException {
        try {
            return Files.readString(passphrases).lines().findFirst().orElse("").toCharArray();
        } catch (IOException e) {
            throw new RefusedException(
                    "the passphrase file cannot be read: " + passphrases, "name a file that you may read");
        }
    }
}
