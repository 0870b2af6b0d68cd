package io.backstop.recovery.model;

import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The database that a recovery is connected to, to compare snapshots with. Immutable, thread-safe.
 *
 * @param name its own name: a host has several, and another one after a failover
 * @param server its server; empty where the role may not ask
 */
public record ConnectedDatabase(String name, Optional<ServerIdentity> server) {
    private static final Pattern HOST = Pattern.compile("^(?:[^/]*/)?[^/]*:\\d+/");

    public ConnectedDatabase {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(server, "server");
    }

    /** Asks the server. */
    public static ConnectedDatabase read(Connection connection) throws SQLException {
        return new ConnectedDatabase(connection.getCatalog(), ServerIdentities.read(connection));
    }

    /** Whether a snapshot was taken in a database of this name, on whichever server. */
    public boolean isNamedBy(SnapshotManifest manifest) {
        // [environment/]host:port/database, or the cluster's id for host and port; the database may have a slash in it.
        String stored = manifest.database();
        if (!stored.endsWith("/" + name)) {
            return false;
        }
        String place = stored.substring(0, stored.length() - name.length());
        Matcher host = HOST.matcher(place);
        return !host.find() || host.end() == place.length();
    }

    /** Whether a snapshot is known to be of another server. One that does not say it may be of this one. */
    public boolean isOfAnotherServer(SnapshotManifest manifest) {
        return server.isPresent()
                && manifest.server()
                        .filter(other ->
                                !other.systemIdentifier().equals(server.get().systemIdentifier()))
                        .isPresent();
    }

    /** Whether a snapshot is known to be of this server, and not known to be of another history of it. */
    public boolean isServerOf(SnapshotManifest manifest) {
        return server.isPresent()
                && manifest.server().filter(server.get()::mayBe).isPresent();
    }

    /** What is to be said of a snapshot that was taken elsewhere. To restore it is no mistake: copies are made that way. */
    public Optional<String> note(SnapshotManifest manifest) {
        if (!isNamedBy(manifest)) {
            return Optional.of(
                    manifest.snapshotId() + " was taken in " + manifest.database() + ", not in database " + name);
        }
        return manifest.server()
                .filter(other -> server.isPresent() && !server.get().mayBe(other))
                .map(other -> manifest.snapshotId() + " was taken on " + other + ", and this is " + server.get());
    }

    /** For people. */
    public String serverInWords() {
        return server.map(ServerIdentity::toString).orElse("a server that the role may not ask which one it is");
    }
}
