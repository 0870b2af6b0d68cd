package io.backstop.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Servers of which one at a time is reached at one port, as behind a tunnel that was opened to another host. They are of their
 * own, with embedded binaries, and listen on the loopback interface. Used by one thread.
 */
public final class ServersBehindOnePort implements AutoCloseable {
    private final Path folder;
    private final SwitchedPort port;
    private final List<Server> servers = new ArrayList<>();

    private ServersBehindOnePort(Path folder, SwitchedPort port) {
        this.folder = folder;
        this.port = port;
    }

    /** @param folder for the servers' data; it is not removed by this */
    public static ServersBehindOnePort in(Path folder) throws IOException {
        return new ServersBehindOnePort(folder, SwitchedPort.open());
    }

    /** A new server, which is now behind the port. */
    public Server start() throws IOException {
        Server server = new Server(folder.resolve("server" + servers.size()));
        servers.add(server);
        server.start();
        switchTo(server);
        return server;
    }

    /** A copy of a server, of the moment, which is not behind the port. The copied one is restarted for it. */
    public Server copy(Server original) throws IOException {
        return copy(original, false);
    }

    /** A copy that waits to be promoted. It does not follow the original. */
    public Server standby(Server original) throws IOException {
        return copy(original, true);
    }

    /** A copy that was promoted, as a standby is: it goes on in a history of its own. */
    public Server promotedCopy(Server original) throws IOException, SQLException {
        Server copy = standby(original);
        promote(copy);
        return copy;
    }

    /** Returns when the server is a primary. */
    public static void promote(Server standby) throws SQLException {
        standby.direct("postgres").rows("SELECT pg_promote(true)");
    }

    private Server copy(Server original, boolean standby) throws IOException {
        original.stop();
        Server copy = new Server(folder.resolve("server" + servers.size()));
        copyFiles(original.data, copy.data);
        if (standby) {
            Files.createFile(copy.data.resolve("standby.signal"));
        }
        servers.add(copy);
        original.start();
        switchTo(original);
        copy.start();
        return copy;
    }

    private static void copyFiles(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    /** New connections to the port come to this server. */
    public void switchTo(Server server) {
        port.to(server.port());
    }

    /** A database of the server that is behind the port. */
    public TestDatabase database(String name) {
        return at(port.number(), name);
    }

    private static TestDatabase at(int port, String name) {
        return new TestDatabase("jdbc:postgresql://localhost:" + port + "/" + name + "?user=postgres");
    }

    @Override
    public void close() throws IOException {
        port.close();
        for (Server server : servers) {
            server.stop();
        }
    }

    /** One of the servers. */
    public static final class Server {
        private final Path data;
        private List<EmbeddedPostgres> running = List.of();

        private Server(Path data) {
            this.data = data;
        }

        private void start() throws IOException {
            running = List.of(EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .start());
        }

        private void stop() throws IOException {
            for (EmbeddedPostgres server : running) {
                server.close();
            }
            running = List.of();
        }

        private int port() {
            return running.get(0).getPort();
        }

        /** One of its databases, whichever server is behind the port. */
        public TestDatabase direct(String name) {
            return at(port(), name);
        }
    }
}
