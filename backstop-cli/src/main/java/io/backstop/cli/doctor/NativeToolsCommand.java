package io.backstop.cli.doctor;

import io.backstop.cli.option.DatabaseAddress;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code backstop doctor native-tools}. */
@Command(
        name = "native-tools",
        description = {
            "Looks for PostgreSQL's own programs on the PATH. Snapshots and recovery work without them.",
            "With --db, compares their versions with the server's."
        },
        mixinStandardHelpOptions = true)
final class NativeToolsCommand implements Callable<Integer> {
    private static final Pattern VERSION = Pattern.compile("(\\d+)(?:\\.\\d+)*");
    private static final int SECONDS = 10;

    /** The programs, and what an operator uses them for beside Backstop. */
    private enum Tool {
        PSQL("psql", "runs the scripts that `recover` and `restore-copyback-plan` print", false),
        PG_DUMP("pg_dump", "dumps a database", true),
        PG_RESTORE("pg_restore", "restores a dump", false),
        PG_BASEBACKUP("pg_basebackup", "copies a whole server", true),
        PG_RECEIVEWAL("pg_receivewal", "receives the write-ahead log", true);

        private final String program;
        private final String purpose;

        /** Whether it refuses a server of a later version. */
        private final boolean bound;

        Tool(String program, String purpose, boolean bound) {
            this.program = program;
            this.purpose = purpose;
            this.bound = bound;
        }
    }

    @Option(
            names = "--db",
            paramLabel = "URL",
            converter = DatabaseAddress.Converter.class,
            description = "The server that they are to be used with.")
    private @Nullable DatabaseAddress database;

    @Mixin
    private final Diagnosis diagnosis = new Diagnosis();

    @Override
    public Integer call() throws SQLException, InterruptedException {
        OptionalInt server = database == null ? OptionalInt.empty() : OptionalInt.of(version(database));
        List<DoctorFinding> findings = new ArrayList<>();
        for (Tool tool : Tool.values()) {
            findings.add(finding(tool, server));
        }
        return diagnosis.conclude(findings);
    }

    private static int version(DatabaseAddress database) throws SQLException {
        try (Connection connection = database.connect()) {
            return connection.getMetaData().getDatabaseMajorVersion();
        }
    }

    private static DoctorFinding finding(Tool tool, OptionalInt server) throws InterruptedException {
        Optional<Path> file = onPath(tool.program);
        if (file.isEmpty()) {
            return DoctorFinding.degraded(
                    tool.program,
                    "is not on the PATH; it " + tool.purpose,
                    "install PostgreSQL's client programs, or add their folder to the PATH");
        }
        OptionalInt version = version(file.get());
        if (version.isEmpty()) {
            return DoctorFinding.degraded(
                    tool.program, file.get() + " does not tell its version", "run `" + file.get() + " --version`");
        }
        if (tool.bound && server.isPresent() && version.getAsInt() < server.getAsInt()) {
            return DoctorFinding.degraded(
                    tool.program,
                    "version " + version.getAsInt() + " refuses a server of version " + server.getAsInt(),
                    "install that of version " + server.getAsInt() + " or later");
        }
        return DoctorFinding.ready(tool.program, "version " + version.getAsInt() + ", " + file.get());
    }

    private static Optional<Path> onPath(String program) {
        String path = System.getenv().getOrDefault("PATH", "");
        return Stream.of(path.split(Pattern.quote(File.pathSeparator), -1))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> new File(folder, program)) // a Path would not take every text
                .filter(File::canExecute)
                .map(File::toPath)
                .findFirst();
    }

    private static OptionalInt version(Path file) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(file.toString(), "--version")
                    .redirectErrorStream(true)
                    .start();
            process.getOutputStream().close();
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return OptionalInt.empty();
            }
            String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher version = VERSION.matcher(printed);
            return process.exitValue() == 0 && version.find()
                    ? OptionalInt.of(Integer.parseInt(version.group(1)))
                    : OptionalInt.empty();
        } catch (IOException | NumberFormatException e) {
            return OptionalInt.empty();
        }
    }
}
