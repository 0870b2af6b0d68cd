package io.backstop.cli;

import picocli.CommandLine.Option;

/** The option that names the database, for commands that cannot do without one. */
final class Database {
    @Option(
            names = "--db",
            required = true,
            paramLabel = "URL",
            converter = DatabaseAddress.Converter.class,
            description = "The database, as psql takes it: postgresql://user@host:port/database.")
    private DatabaseAddress address = DatabaseAddress.parse("postgresql://localhost", System.getenv());

    DatabaseAddress address() {
        return address;
    }
}
