package io.backstop.jdbc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A primary and a hot standby that follows it, of a PostgreSQL installation that has {@code pg_basebackup}, which the embedded
 * binaries lack. They listen on 127.0.0.1 alone, at ports of the system's choice. Used by one thread.
 */
final class PrimaryAndStandby implements AutoCloseable {
    private static final List<String> PROGRAMS = List.of("initdb", "pg_ctl", "postgres", "pg_basebackup");
    private static final String UNPRIVILEGED = "nobody";

    private final Path programs;
    private final Path folder;
    private final int primaryPort;
    private final int standbyPort;

    private PrimaryAndStandby(Path programs, Path folder, int primaryPort, int standbyPort) {
        this.programs = programs;
        this.folder = folder;
        this.primaryPort = primaryPort;
        this.standbyPort = standbyPort;
    }

    /** The newest of Debian's installations; empty where there is none. */
    static Optional<Path> programs() {
        Path versions = Path.of("/usr/lib/postgresql");
        if (!Files.isDirectory(versions)) {
            return Optional.empty();
        }
        try (Stream<Path> folders = Files.list(versions)) {
            return folders.map(version -> version.resolve("bin"))
                    .filter(bin -> PROGRAMS.stream().allMatch(program -> Files.isExecutable(bin.resolve(program))))
                    .max(Comparator.naturalOrder());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static PrimaryAndStandby start(Path programs) throws IOException {
        Path folder = Files.createTempDirectory("backstop-standby-");
        if (isRoot()) {
            Files.setOwner(
                    folder,
                    folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(UNPRIVILEGED));
        }
        PrimaryAndStandby servers = new PrimaryAndStandby(programs, folder, freePort(), freePort());
        try {
            servers.create();
        } catch (IOException e) {
            servers.close();
            throw e;
        }
        return servers;
    }

    private void create() throws IOException {
        run("initdb", "-D", data("primary"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
        start("primary", primaryPort);
        run(
                "pg_basebackup",
                "-D",
                data("standby"),
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "-h",
                "127.0.0.1",
                "-p",
                String.valueOf(primaryPort),
                "-U",
                "postgres");
        start("standby", standbyPort);
    }

    private void start(String server, int port) throws IOException {
        String options = "-h 127.0.0.1 -p " + port + " -c unix_socket_directories= -c fsync=off";
        run(
                "pg_ctl",
                "-D",
                data(server),
                "-w",
                "-l",
                folder.resolve(server + ".log").toString(),
                "-o",
                options,
                "start");
    }

    private String data(String server) {
        return folder.resolve(server).toString();
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    /** A URL that names both servers, the standby first. */
    String url(String parameters) {
        return "jdbc:postgresql://127.0.0.1:" + standbyPort + ",127.0.0.1:" + primaryPort + "/postgres?user=postgres&"
                + parameters;
    }

    Connection primary() throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + primaryPort + "/postgres?user=postgres");
    }

    Connection standby() throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + standbyPort + "/postgres?user=postgres");
    }

    /** Runs something on the primary, and returns when the standby has it, too. */
    void onPrimary(String... statements) throws SQLException {
        try (Connection connection = primary();
                Statement statement = connection.createStatement()) {
            statement.execute("SET synchronous_commit = remote_apply");
            for (String sql : statements) {
                statement.execute(sql);
            }
            String written = value(statement, "SELECT pg_current_wal_lsn()");
            try (Connection other = standby();
                    Statement replayed = other.createStatement()) {
                while (value(replayed, "SELECT pg_last_wal_replay_lsn() >= '" + written + "'")
                        .equals("f")) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    /** Makes the standby a primary, and returns when it is one. */
    void promote() throws SQLException {
        try (Connection connection = standby();
                Statement statement = connection.createStatement()) {
            value(statement, "SELECT pg_promote(true)");
        }
    }

    private static String value(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    private void run(String... command) throws IOException {
        List<String> words = new ArrayList<>(isRoot() ? List.of("runuser", "-u", UNPRIVILEGED, "--") : List.of());
        words.add(programs.resolve(command[0]).toString());
        words.addAll(Arrays.asList(command).subList(1, command.length));
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(words)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        if (process.onExit().join().exitValue() != 0) {
            throw new IOException(command[0] + " failed: " + Files.readString(output));
        }
    }

    @Override
    public void close() throws IOException {
        for (String server : List.of("standby", "primary")) {
            if (Files.exists(Path.of(data(server), "postmaster.pid"))) {
                run("pg_ctl", "-D", data(server), "-m", "immediate", "-w", "stop");
            }
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
