package io.backstop.cli.option;

import picocli.CommandLine.Option;

/** The option that names the database, for commands that cannot do without one. */
public final class DatabaseOption {
    @Option(
            names = "--db",
            required = true,
            paramLabel = "URL",
            converter = DatabaseAddress.Converter.class,
            description = "The database, as psql takes it: postgresql://user@host:port/database.")
    private DatabaseAddress address = DatabaseAddress.parse("postgresql://localhost", System.getenv());

    public DatabaseAddress address() {
        return address;
    }
}
