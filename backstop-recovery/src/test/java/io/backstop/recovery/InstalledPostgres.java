package io.backstop.recovery;

import io.backstop.testing.TestDatabase;

import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A server of a PostgreSQL installation that has its client programs, which the embedded binaries lack: for tests that ask
 * the real {@code pg_dump} and {@code psql}. Listens on 127.0.0.1 alone, at a port of the system's choice; everything of it
 * is removed at its end. Used by one thread.
 */
final class InstalledPostgres implements AutoCloseable {
    private static final List<String> PROGRAMS = List.of("initdb", "pg_ctl", "postgres", "pg_dump", "psql");
    private static final String UNPRIVILEGED = "nobody";

    private final Path programs;
    private final Path folder;
    private final int port;
    private final Thread atExit = new Thread(this::stopQuietly);

    private InstalledPostgres(Path programs, Path folder, int port) {
        this.programs = programs;
        this.folder = folder;
        this.port = port;
    }

    /** The folder of an installation's programs: the one that a property names, one in the path, or Debian's newest. */
    static Optional<Path> programs() {
        return Stream.of(named(), inPath(), ofDebian())
                .flatMap(folders -> folders)
                .filter(folder -> PROGRAMS.stream().allMatch(program -> Files.isExecutable(folder.resolve(program))))
                .findFirst();
    }

    private static Stream<Path> named() {
        return Stream.ofNullable(System.getProperty("backstop.test.pgbin")).map(Path::of);
    }

    /** A program in the path may be a link to where all of them are. */
    private static Stream<Path> inPath() {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":"))
                .filter(folder -> !folder.isEmpty())
                .flatMap(folder -> Stream.of("postgres", "pg_dump").map(Path.of(folder)::resolve))
                .filter(Files::isExecutable)
                .map(InstalledPostgres::resolved)
                .flatMap(program -> Stream.ofNullable(program.getParent()));
    }

    private static Stream<Path> ofDebian() {
        Path versions = Path.of("/usr/lib/postgresql");
        if (!Files.isDirectory(versions)) {
            return Stream.empty();
        }
        try (Stream<Path> folders = Files.list(versions)) {
            return folders.map(version -> version.resolve("bin")).sorted(Comparator.reverseOrder()).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path resolved(Path program) {
        try {
            return program.toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static InstalledPostgres start(Path programs) throws IOException {
        Path folder = Files.createTempDirectory("backstop-pg-");
        if (isRoot()) {
            Files.setOwner(
                    folder,
                    folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(UNPRIVILEGED));
        }
        InstalledPostgres server = new InstalledPostgres(programs, folder, freePort());
        try {
            server.create();
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
        return server;
    }

    private void create() throws IOException {
        Runtime.getRuntime().addShutdownHook(atExit);
        asServer("initdb", "-D", data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
        String options = "-h 127.0.0.1 -p " + port + " -c unix_socket_directories= -c fsync=off -c wal_level=logical";
        asServer("pg_ctl", "-D", data(), "-w", "-l", folder.resolve("log").toString(), "-o", options, "start");
    }

    /** A new and empty database. */
    TestDatabase create(String name) throws IOException {
        return create(name, "UTF8");
    }

    /** A new and empty database of another encoding. */
    TestDatabase create(String name, String encoding) throws IOException {
        asServer(
                "psql",
                "-X",
                "-q",
                "-d",
                address("postgres"),
                "-c",
                "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING " + encoding);
        return new TestDatabase("jdbc:postgresql://127.0.0.1:" + port + "/" + name + "?user=postgres");
    }

    void drop(String name) throws IOException {
        asServer("psql", "-X", "-q", "-d", address("postgres"), "-c", "DROP DATABASE IF EXISTS " + name + " (FORCE)");
    }

    /** Everything in the database, as {@code pg_dump} writes it, without what differs from run to run. */
    List<String> dump(String database, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(program("pg_dump"), "-d", address(database)));
        command.addAll(List.of(options));
        return output(command)
                .lines()
                .filter(line -> !line.startsWith("\\restrict ") && !line.startsWith("\\unrestrict "))
                .toList();
    }

    /** Runs a script in {@code psql}; the first error ends it and is thrown with what psql says. */
    void run(String database, String script) throws IOException {
        run(database, script, Map.of(), "-v", "ON_ERROR_STOP=1");
    }

    /** The same in an environment, and with options of psql. */
    void run(String database, String script, Map<String, String> environment, String... options) throws IOException {
        Path file = Files.writeString(Files.createTempFile(folder, "script", ".sql"), script);
        List<String> command = new ArrayList<>(List.of(program("psql"), "-X", "-q"));
        command.addAll(List.of(options));
        command.addAll(List.of("-d", address(database), "-f", file.toString()));
        output(command, environment);
    }

    private String address(String database) {
        return "postgresql://postgres@127.0.0.1:" + port + "/" + database;
    }

    /** As a user that {@code initdb} and {@code postgres} consent to. */
    private void asServer(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(isRoot() ? List.of("runuser", "-u", UNPRIVILEGED, "--") : List.of());
        command.add(program(program));
        command.addAll(List.of(arguments));
        output(command);
    }

    private String program(String name) {
        return programs.resolve(name).toString();
    }

    /** Through a file: a server that {@code pg_ctl} leaves behind would keep a pipe open. */
    private String output(List<String> command) throws IOException {
        return output(command, Map.of());
    }

    private String output(List<String> command, Map<String, String> environment) throws IOException {
        Path out = Files.createTempFile("backstop-pg-", ".out");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(new File("/"))
                    .redirectErrorStream(true)
                    .redirectOutput(out.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            int code = process.waitFor();
            String text = Files.readString(out);
            if (code != 0) {
                throw new IOException(String.join(" ", command) + " ended with " + code + ":\n" + text);
            }
            return text;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(command.get(0));
        } finally {
            Files.delete(out);
        }
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(folder.resolve("data/postmaster.pid"))) {
            asServer("pg_ctl", "-D", data(), "-w", "-m", "immediate", "stop");
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        Runtime.getRuntime().removeShutdownHook(atExit);
    }

    private void stopQuietly() {
        try {
            if (Files.exists(folder.resolve("data/postmaster.pid"))) {
                asServer("pg_ctl", "-D", data(), "-m", "immediate", "stop");
            }
        } catch (IOException e) {
            // The run is at its end already, and nobody is left to be told.
        }
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private String data() {
        return folder.resolve("data").toString();
    }
}
