package io.backstop.jdbc.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.control.postgres.PostgresServer;
import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;

/** Where a control store is: a file of this host, or a schema of a PostgreSQL database. Immutable, thread-safe. */
public final class ControlPlace {
    private final String place;
    private final Optional<Path> file;
    private final Optional<PostgresServer> server;

    private ControlPlace(String place, Optional<Path> file, Optional<PostgresServer> server) {
        this.place = place;
        this.file = file;
        this.server = server;
    }

    /**
     * @param place a file, or {@code jdbc:postgresql://host:port/database?user=…} with pgjdbc's parameters
     * @throws ControlStoreUnavailableException if it is neither
     */
    public static ControlPlace of(String place) throws ControlStoreUnavailableException {
        if (place.startsWith(PostgresServer.PREFIX)) {
            return new ControlPlace(place, Optional.empty(), Optional.of(PostgresServer.of(place)));
        }
        if (place.startsWith("jdbc:") || place.startsWith("postgres:") || place.startsWith("postgresql:")) {
            throw new ControlStoreUnavailableException(
                    "backstop.control names a database in a form that is not known",
                    "write jdbc:postgresql://host:port/database?user=name, or a file of SQLite without jdbc:");
        }
        try {
            return of(Path.of(place));
        } catch (InvalidPathException e) {
            throw new ControlStoreUnavailableException(
                    "backstop.control is not a path: " + e.getMessage(),
                    "it takes a file, or jdbc:postgresql://host:port/database?user=name",
                    e);
        }
    }

    public static ControlPlace of(Path file) {
        return new ControlPlace(file.toString(), Optional.of(file), Optional.empty());
    }

    /** Opens the store, and makes it if there is none. */
    public SqlControlStore open() throws ControlStoreUnavailableException {
        return server.isPresent()
                ? SqlControlStore.opened(server.get())
                : SqlControlStore.sqlite(file.orElseThrow(), Clock.systemUTC());
    }

    /**
     * Opens the store that is there already.
     *
     * @throws ControlStoreUnavailableException also if there is none
     */
    public SqlControlStore existing() throws ControlStoreUnavailableException {
        if (server.isPresent()) {
            return SqlControlStore.existing(server.get());
        }
        if (!Files.exists(file.orElseThrow())) {
            throw new ControlStoreUnavailableException(
                    "there is no control store " + file.get(),
                    "name the one that the guards use: --control FILE; the first guard or server makes it");
        }
        return open();
    }

    /** The file, where it is one. */
    public Optional<Path> file() {
        return file;
    }

    Optional<PostgresServer> server() {
        return server;
    }

    /** Whether both were given in the same words. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ControlPlace that && place.equals(that.place);
    }

    @Override
    public int hashCode() {
        return place.hashCode();
    }

    /** For messages: the file; or host, port and database, without user and password. */
    @Override
    public String toString() {
        return file.map(Path::toString)
                .or(() -> server.map(PostgresServer::toString))
                .orElseThrow();
    }
}
