package io.backstop.cli.option;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.control.ControlPlace;
import io.backstop.jdbc.control.SqlControlStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option that names the control store. */
public final class ControlOption {
    @Option(
            names = "--control",
            paramLabel = "FILE|URL",
            defaultValue = "${env:BACKSTOP_CONTROL}",
            description = "The control store: a file, or jdbc:postgresql://… [BACKSTOP_CONTROL, else backstop.db in"
                    + " BACKSTOP_HOME or ~/.backstop].")
    private @Nullable String place;

    /** Makes it where there is none. */
    public ControlStore open() throws ControlStoreUnavailableException {
        return place().open();
    }

    /** For all but those who may come first: what an empty store answers, or takes, is taken for that of the guards. */
    public ControlStore openExisting() throws ControlStoreUnavailableException {
        return place().existing();
    }

    /** Where the control store is. */
    public ControlPlace place() throws ControlStoreUnavailableException {
        return place == null ? ControlPlace.of(SqlControlStore.defaultFile()) : ControlPlace.of(place);
    }
}
