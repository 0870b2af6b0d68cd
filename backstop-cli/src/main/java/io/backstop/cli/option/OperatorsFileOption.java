package io.backstop.cli.option;

import io.backstop.jdbc.operator.OperatorsFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.Optional;

/** The option that names the operators' file. */
public final class OperatorsFileOption {
    @Option(
            names = "--operators",
            paramLabel = "FILE",
            defaultValue = "${env:BACKSTOP_OPERATORS}",
            description = "The file of the operators' public keys [BACKSTOP_OPERATORS].")
    private @Nullable Path file;

    /** The file, if one was named. */
    public Optional<OperatorsFile> file() {
        return Optional.ofNullable(file).map(OperatorsFile::new);
    }
}
