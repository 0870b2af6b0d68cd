package io.backstop.bench;

import io.backstop.cli.BackstopCommand;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.S3Server;
import java.io.File;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Backstop's commands and PostgreSQL's, as processes. */
final class Contenders {
    private final String database;
    private final Path tools;
    private final Path folder;
    private final String heap;
    private final boolean together;

    private Contenders(String database, Path tools, Path folder, String heap, boolean together) {
        this.database = database;
        this.tools = tools;
        this.folder = folder;
        this.heap = heap;
        this.together = together;
    }

    /** @param together whether the table consists of several, which are restored together */
    static Map<String, Contender> of(
            String database, Path tools, Path folder, String heap, boolean together, S3Server s3) {
        Contenders contenders = new Contenders(database, tools, folder, heap, together);
        Map<String, Contender> all = new LinkedHashMap<>();
        all.put("pg_dump -Fc -Z1", contenders::dump);
        all.put("capture, DELETE, two connections", () -> contenders.capture("DELETE", "two", contenders.files()));
        all.put("capture, DELETE, two connections, under a key", contenders::captureUnderKey);
        all.put("capture, TRUNCATE, one connection", () -> contenders.capture("TRUNCATE", "one", contenders.files()));
        all.put("capture, DELETE, two connections, to S3", () -> contenders.capture("DELETE", "two", s3.storage(s3.newBucket())));
        all.put("second capture of a process", () -> contenders.secondCapture(contenders.files()));
        all.put("second capture of a process, under a key", contenders::secondCaptureUnderKey);
        all.put(
                "second capture of a process, to S3",
                () -> contenders.secondCapture(s3.storage(s3.newBucket())));
        all.put("pg_restore -j2", contenders::restoreDump);
        all.put("restore, rows counted", contenders::restore);
        all.put("the server alone, rows from a file", () -> contenders.serverAlone(1));
        all.put("the server alone, rows from two files at once", () -> contenders.serverAlone(2));
        all.put("restore, every row read back", () -> contenders.restore("--read-back"));
        return all;
    }

    private String files() {
        return folder.resolve("store").toUri().toString();
    }

    private Contender.Result dump() throws Exception {
        Path file = folder.resolve("bench.dump");
        Files.deleteIfExists(file);
        double seconds = time(List.of(
                tools.resolve("pg_dump").toString(), "-Fc", "-Z1", "-n", "bench", "-f", file.toString(), database));
        return new Contender.Result(seconds, Files.size(file), "");
    }

    private Contender.Result restoreDump() throws Exception {
        sql("ALTER SCHEMA bench RENAME TO bench_kept", "CHECKPOINT");
        try {
            double seconds = time(List.of(
                    tools.resolve("pg_restore").toString(),
                    "-j2",
                    "-d",
                    database,
                    folder.resolve("bench.dump").toString()));
            return new Contender.Result(seconds, 0, "");
        } finally {
            sql("DROP SCHEMA IF EXISTS bench CASCADE", "ALTER SCHEMA bench_kept RENAME TO bench");
        }
    }

    private Contender.Result capture(String kind, String connections, String storage) throws Exception {
        return captures(kind, connections, storage, 1);
    }

    private Contender.Result captureUnderKey() throws Exception {
        return captures("DELETE", "two", filesUnderKey(), 1, newKey());
    }

    private Contender.Result secondCaptureUnderKey() throws Exception {
        return secondCapture(filesUnderKey(), newKey());
    }

    private String filesUnderKey() {
        return folder.resolve("store-under-key").toUri().toString();
    }

    private String newKey() throws Exception {
        Path key = folder.resolve("key");
        Files.deleteIfExists(key);
        KeyFile.create(key);
        return key.toString();
    }

    /** For a DELETE, over two connections; the process and its first capture are not counted. */
    private Contender.Result secondCapture(String storage, String... key) throws Exception {
        Contender.Result both = captures("DELETE", "two", storage, 2, key);
        double seconds = Double.parseDouble(
                Files.readAllLines(folder.resolve("report")).get(2));
        return new Contender.Result(seconds, both.bytes(), both.remark());
    }

    private Contender.Result captures(String kind, String connections, String storage, int times, String... key)
            throws Exception {
        if (storage.startsWith("file:")) {
            delete(Path.of(URI.create(storage)));
        }
        Path report = folder.resolve("report");
        List<String> line = java(
                "io.backstop.bench.Captures",
                SnapshotBenchmark.jdbc(database),
                storage,
                kind,
                connections,
                report.toString(),
                Integer.toString(times));
        line.addAll(List.of(key));
        double seconds = time(line);
        List<String> said = Files.readAllLines(report);
        return new Contender.Result(seconds, Long.parseLong(said.get(0)), said.get(1));
    }

    private Contender.Result serverAlone(int connections) throws Exception {
        dropRestored();
        try {
            return new ServerAlone(database, folder, connections).run();
        } finally {
            dropRestored();
        }
    }

    /** By the command, as an operator runs it; where several are restored together, without it. */
    private Contender.Result restore(String... options) throws Exception {
        dropRestored();
        sql("CHECKPOINT");
        try {
            return new Contender.Result(
                    time(together
                            ? java("io.backstop.bench.Restores", SnapshotBenchmark.jdbc(database), files())
                            : command(options)),
                    0,
                    "");
        } finally {
            dropRestored();
        }
    }

    private List<String> command(String... options) throws Exception {
        List<String> line = new ArrayList<>(List.of(
                home(BackstopCommand.class).resolve("../../../backstop").normalize().toString(),
                "restore",
                "--db",
                database,
                "--storage",
                files(),
                "--snapshot-id",
                newest(),
                "--table",
                "bench.bench"));
        line.addAll(List.of(options));
        return line;
    }

    private void dropRestored() throws Exception {
        sql("DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'bench'::regnamespace"
                + " AND relkind IN ('r', 'p') AND relname LIKE '%\\_recovered' LOOP EXECUTE 'DROP TABLE IF EXISTS ' || t || ' CASCADE';"
                + " END LOOP; END $$");
    }

    private String newest() throws IOException {
        try (ObjectStore store = ObjectStores.open(files())) {
            return new SnapshotArchive(store).list("bench", "bench").get(0).snapshotId();
        }
    }

    /** With the options, the libraries and the archived classes of the {@code backstop} command. */
    private List<String> java(String main, String... args) throws URISyntaxException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                heap,
                "-XX:+UseSerialGC",
                "-XX:CompileThresholdScaling=5",
                "-XX:CompileCommand=quiet",
                "-XX:CompileCommand=CompileThresholdScaling,com.sun.crypto.provider.*::*,0.03",
                "-XX:+UnlockDiagnosticVMOptions",
                "-XX:ArchiveRelocationMode=0",
                "-XX:SharedArchiveFile=" + libraries().resolve("backstop.jsa"),
                "-cp",
                String.join(
                        File.pathSeparator,
                        libraries().resolve(jar()).toString(),
                        home(Contenders.class).toString()),
                main));
        line.addAll(List.of(args));
        return line;
    }

    /** Of the command; it names all others. */
    private static String jar() throws URISyntaxException {
        try (Stream<Path> jars = Files.list(libraries())) {
            return jars.map(jar -> String.valueOf(jar.getFileName()))
                    .filter(name -> name.startsWith("backstop-cli-"))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Of the distribution that the build has put together beside these classes. */
    private static Path libraries() throws URISyntaxException {
        Path target = Objects.requireNonNull(home(Contenders.class).getParent());
        try (Stream<Path> built = Files.list(target)) {
            return built.map(folder -> folder.resolve("lib"))
                    .filter(folder -> Files.isExecutable(folder.resolveSibling("bin").resolve("backstop")))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("the distribution is not built in " + target));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path home(Class<?> type) throws URISyntaxException {
        return Path.of(
                type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    private double time(List<String> command) throws IOException, InterruptedException {
        long start = System.nanoTime();
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("BACKSTOP_JAVA_OPTIONS", heap);
        builder.environment().put("AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY);
        builder.environment().put("AWS_SECRET_ACCESS_KEY", S3Server.SECRET_KEY);
        Process process = builder.start();
        if (process.waitFor() != 0) {
            throw new IOException(command.get(0) + " failed");
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private void sql(String... statements) throws Exception {
        try (Connection connection = DriverManager.getConnection(SnapshotBenchmark.jdbc(database));
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> all = Files.walk(folder)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
