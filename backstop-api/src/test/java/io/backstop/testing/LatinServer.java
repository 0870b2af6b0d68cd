package io.backstop.testing;

import org.junit.jupiter.api.Assumptions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A server whose locale has a byte for each letter, so that it folds {@code É} in names as it folds {@code E}. The locale is
 * made for it, as hardly any machine has one; it runs the programs of the server of the other tests.
 */
public final class LatinServer implements AutoCloseable {
    private static final String LOCALE = "fr_FR.ISO-8859-1";
    private static final long PATIENCE_SECONDS = 60;

    private final Path programs;
    private final Path folder;
    private final Process server;
    private final String urlPattern;

    private LatinServer(Path programs, Path folder, Process server, String urlPattern) {
        this.programs = programs;
        this.folder = folder;
        this.server = server;
        this.urlPattern = urlPattern;
    }

    /**
     * Starts one, or skips the test with a reason where that is impossible.
     *
     * @param other of the server whose programs are used
     * @param folder for the locale and the data
     */
    public static LatinServer start(TestDatabase other, Path folder) throws SQLException, InterruptedException {
        Path programs = Path.of(other.value("SELECT setting FROM pg_config WHERE name = 'BINDIR'"));
        Assumptions.assumeTrue(
                Files.isExecutable(programs.resolve("initdb")), "the programs of the server are not on this machine");
        Assumptions.assumeTrue(
                ended(
                        folder,
                        "localedef",
                        "-i",
                        "fr_FR",
                        "-f",
                        "ISO-8859-1",
                        folder.resolve(LOCALE).toString()),
                "no locale with a single-byte encoding can be made here");
        Assumptions.assumeTrue(
                ended(
                        folder,
                        asNobodySpecial(
                                programs.resolve("initdb").toString(),
                                "--username=postgres",
                                "--encoding=LATIN1",
                                "--locale=" + LOCALE,
                                "--no-sync",
                                data(folder))),
                "the server's libraries do not know the locale that was made");
        try {
            int port = freePort();
            Process server = process(
                            folder,
                            asNobodySpecial(
                                    programs.resolve("postgres").toString(),
                                    "-D",
                                    data(folder),
                                    "-p",
                                    String.valueOf(port),
                                    "-c",
                                    "listen_addresses=127.0.0.1",
                                    "-c",
                                    "unix_socket_directories=",
                                    "-c",
                                    "fsync=off"))
                    .start();
            LatinServer started = new LatinServer(
                    programs, folder, server, "jdbc:postgresql://127.0.0.1:" + port + "/%s?user=postgres");
            started.await();
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String data(Path folder) {
        return folder.resolve("data").toString();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** PostgreSQL refuses to run as root. */
    private static String[] asNobodySpecial(String... command) {
        if (!System.getProperty("user.name").equals("root")) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("unshare", "-U"));
        all.addAll(List.of(command));
        return all.toArray(String[]::new);
    }

    private static ProcessBuilder process(Path folder, String... command) {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()));
        builder.environment().put("LOCPATH", folder.toString());
        return builder;
    }

    private static boolean ended(Path folder, String... command) throws InterruptedException {
        try {
            return process(folder, command).start().waitFor() == 0;
        } catch (IOException e) {
            return false; // there is no such program
        }
    }

    private void await() throws InterruptedException, SQLException {
        SQLException last = new SQLException("it was not asked");
        for (long tries = PATIENCE_SECONDS * 10; tries > 0; tries--) {
            try {
                DriverManager.getConnection(urlPattern.formatted("postgres")).close();
                return;
            } catch (SQLException e) {
                last = e;
            }
            if (server.waitFor(100, TimeUnit.MILLISECONDS)) {
                break;
            }
        }
        close();
        throw last;
    }

    /**
     * A new database.
     *
     * @param encoding LATIN1 or SQL_ASCII
     */
    public TestDatabase database(String encoding) throws SQLException {
        String name = encoding.toLowerCase(java.util.Locale.ROOT);
        try (Connection connection = DriverManager.getConnection(urlPattern.formatted("postgres"));
                Statement statement = connection.createStatement()) {
            statement.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
            statement.execute("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING '" + encoding + "' LOCALE '"
                    + LOCALE + "'");
        }
        return new TestDatabase(urlPattern.formatted(name));
    }

    @Override
    public void close() {
        try {
            ended(
                    folder,
                    asNobodySpecial(
                            programs.resolve("pg_ctl").toString(), "stop", "-D", data(folder), "-m", "immediate"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            server.destroy();
        }
    }
}
