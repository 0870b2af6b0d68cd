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

    /** Makes it where there is none. */
    public ControlStore open() throws ControlStoreUnavailableException {
        return SqlControlStore.sqlite(path(), Clock.systemUTC());
    }

    /** For all but those who may come first: what an empty store answers, or takes, is taken for that of the guards. */
    public ControlStore openExisting() throws ControlStoreUnavailableException {
        if (!Files.exists(path())) {
            throw new ControlStoreUnavailableException(
                    "there is no control store " + path(),
                    "name the one that the guards use: --control FILE; the first guard or server makes it");
        }
        return open();
    }

    /** The file of the control store. */
    public Path path() throws ControlStoreUnavailableException {
        return file == null ? SqlControlStore.defaultFile() : file;
    }
}
