package io.backstop.cli.snapshots;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.BackstopException;
import io.backstop.api.snapshot.DatabaseIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.PrintableText;
import io.backstop.cli.output.ReportPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** {@code backstop sidecar}: stores tables again and again, for policies with {@code "snapshot_mode": "recent"}. */
@Command(
        name = "sidecar",
        description = {
            "Stores tables every so often, and tells the control store that it is alive after each round that succeeded.",
            "For policies with \"snapshot_mode\": \"recent\". Runs until it is stopped."
        },
        mixinStandardHelpOptions = true)
public final class SidecarCommand implements Callable<Integer> {
    private static final long LONGEST = Duration.ofDays(365).toSeconds();

    @Mixin
    private final CaptureOptions tables = new CaptureOptions();

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(
            names = "--every",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long from the end of a round to the next [${DEFAULT-VALUE}].")
    private long seconds = 60;

    @Option(names = "--rounds", paramLabel = "N", description = "Stop after so many rounds.")
    private int rounds = Integer.MAX_VALUE;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws BackstopException, InterruptedException {
        if (seconds < 0 || seconds > LONGEST || rounds < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--every has to be from 0 to " + LONGEST + ", and --rounds at least 1");
        }
        try (ControlStore store = control.open()) {
            int exit = ExitCode.DONE;
            for (int round = 1; round <= rounds; round++) {
                exit = round(store);
                if (round < rounds) {
                    Thread.sleep(Duration.ofSeconds(seconds).toMillis());
                }
            }
            return exit;
        }
    }

    /** Named after what it stores, so that another sidecar, of this database or server or another, has its own heartbeat. */
    private void beat(ControlStore store, List<SnapshotManifest> taken) throws SQLException {
        String database = tables.databaseName();
        String names = taken.stream()
                .map(manifest -> manifest.schema() + "." + manifest.table())
                .sorted()
                .collect(Collectors.joining(", "));
        Set<Long> oids = taken.stream()
                .flatMap(manifest -> manifest.identity().stream())
                .map(SnapshotManifest.TableIdentity::tableOid)
                .collect(Collectors.toSet());
        Optional<DatabaseIdentity> identity = DatabaseIdentity.of(taken.get(0)); // all are of one connection
        String server = identity.map(of -> " (server " + of.server().systemIdentifier() + ")")
                .orElse("");
        store.heartbeats().beat(database + server + ": " + names, database, identity, oids);
    }

    /** A round that fails is told, and not counted: the next one may succeed, and statements wait for it. */
    private int round(ControlStore store) {
        try {
            List<SnapshotManifest> taken = tables.take(storage, SnapshotManifest.Source.SIDECAR);
            beat(store, taken);
            if (report.asJson()) {
                report.json(taken);
            } else {
                report.line(taken.get(0).createdAt() + " " + taken.size() + (taken.size() == 1 ? " table" : " tables")
                        + " stored in group " + taken.get(0).groupId());
            }
            return ExitCode.DONE;
        } catch (SQLException | IOException e) {
            spec.commandLine()
                    .getErr()
                    .println("this round failed: " + PrintableText.message(String.valueOf(e.getMessage())));
            return ExitCode.FAILED;
        }
    }
}
