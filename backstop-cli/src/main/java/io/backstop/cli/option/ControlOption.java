package io.backstop.cli.option;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.control.SqlControlStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;

/** The option that names the control store. */
public final class ControlOption {
    @Option(
            names = "--control",
            paramLabel = "FILE",
            defaultValue = "${env:BACKSTOP_CONTROL}",
            description = "The control store [BACKSTOP_CONTROL, else backstop.db in BACKSTOP_HOME or ~/.backstop].")
    private @Nullable Path file;

    public ControlStore open() throws ControlStoreUnavailableException {
        return SqlControlStore.sqlite(path(), Clock.systemUTC());
    }

    /** For those who have to read what is there: an empty store in its place would be a wrong answer. */
    public ControlStore openExisting() throws ControlStoreUnavailableException {
        if (!Files.exists(path())) {
            throw new ControlStoreUnavailableException(
                    "there is no control store " + path(), "name the one that approvals are kept in: --control FILE");
        }
        return open();
    }

    /** The file of the control store. */
    public Path path() throws ControlStoreUnavailableException {
        return file == null ? SqlControlStore.defaultFile() : file;
    }
}
