package io.backstop.jdbc.internal.pipeline.fence;

import org.postgresql.Driver;
import org.postgresql.PGProperty;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/** A pgbouncer of the system's before one database, with one server connection. */
final class PgBouncer implements AutoCloseable {
    private static final Path PROGRAM = Path.of("/usr/sbin/pgbouncer");

    private final Path folder;
    private final Process process;
    private final String url;

    private PgBouncer(Path folder, Process process, String url) {
        this.folder = folder;
        this.process = process;
        this.url = url;
    }

    static boolean installed() {
        return Files.isExecutable(PROGRAM);
    }

    static PgBouncer start(String serverUrl, String poolMode) throws Exception {
        Properties server = Driver.parseURL(serverUrl, null);
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path folder = Files.createTempDirectory("pgbouncer");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path configuration = folder.resolve("pgbouncer.ini");
        Files.writeString(configuration, """
                [databases]
                pooled = host=%s port=%s dbname=%s user=%s password=%s
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = any
                pool_mode = %s
                default_pool_size = 1
                ignore_startup_parameters = extra_float_digits
                """.formatted(
                        PGProperty.PG_HOST.getOrDefault(server),
                        PGProperty.PG_PORT.getOrDefault(server),
                        PGProperty.PG_DBNAME.getOrDefault(server),
                        PGProperty.USER.getOrDefault(server),
                        PGProperty.PASSWORD.getOrDefault(server),
                        port,
                        poolMode));
        List<String> command = System.getProperty("user.name").equals("root")
                ? List.of(PROGRAM.toString(), "-u", "nobody", configuration.toString())
                : List.of(PROGRAM.toString(), configuration.toString());
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        PgBouncer bouncer = new PgBouncer(
                folder, process, "jdbc:postgresql://127.0.0.1:" + port + "/pooled?user=any&prepareThreshold=0");
        bouncer.awaitReady();
        return bouncer;
    }

    /** It listens a moment after it was started; a connection is what tells. */
    private void awaitReady() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            try {
                connect().close();
                return;
            } catch (SQLException e) {
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    String log = Files.readString(folder.resolve("log"));
                    close();
                    throw new IOException("pgbouncer did not start: " + log, e);
                }
                Thread.onSpinWait();
            }
        }
    }

    Connection connect() throws SQLException {
        return DriverManager.getConnection(url);
    }

    @Override
    public void close() throws IOException {
        process.destroy();
        process.onExit().join();
        for (String file : List.of("pgbouncer.ini", "log")) {
            Files.deleteIfExists(folder.resolve(file));
        }
        Files.delete(folder);
    }
}
