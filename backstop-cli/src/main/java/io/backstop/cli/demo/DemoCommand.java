package io.backstop.cli.demo;

import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.operator.OperatorException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** {@code backstop demo}. */
@Command(
        name = "demo",
        description = "Loses a table on a real PostgreSQL and brings it back, in under a minute.",
        mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
    @Option(
            names = "--keep",
            description = "Leave the database running and the store on disk, and print how to connect.")
    private boolean keep;

    @Spec
    private @Nullable CommandSpec command;

    @Override
    public Integer call() throws Exception {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        PrintWriter out = command.commandLine().getOut();
        DemoNarrator story = new DemoNarrator(out);
        Path folder = Files.createTempDirectory("backstop-demo-");
        try (DemoServer server = DemoServer.start(folder.resolve("postgres"), keep)) {
            DemoScenario demo = new DemoScenario(story, server, folder);
            demo.run();
            story.end("Lost and brought back in " + story.elapsed() + ": every row and every constraint is as it was.");
            if (keep) {
                howToConnect(story, server, demo, folder);
            }
            return ExitCode.DONE;
        } catch (DemoNarrator.DemoFailure e) {
            story.end("The demo failed: " + e.getMessage());
            return ExitCode.FAILED;
        } finally {
            if (!keep) {
                delete(folder);
            }
        }
    }

    private static void howToConnect(DemoNarrator story, DemoServer server, DemoScenario demo, Path folder)
            throws IOException, OperatorException {
        story.end("Kept in " + folder + ":");
        story.seen("plain:    psql " + server.psqlUrl());
        story.seen("guarded:  " + demo.agentUrl());
        story.seen("store:    backstop snapshots list --storage "
                + folder.resolve("snapshots").toUri());
        story.seen("control:  backstop approvals list --all --control " + folder.resolve("backstop.db"));
        demo.keepOperator();
        story.seen("approve:  backstop approvals approve ID --control " + folder.resolve("backstop.db") + " "
                + demo.operatorOptions());
        story.seen("stop:     kill $(head -1 " + folder.resolve("postgres").resolve("postmaster.pid") + ")");
        story.seen("remove:   rm -r " + folder);
    }

    static void delete(Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.walk(folder)) {
            all = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : all) {
            Files.deleteIfExists(file);
        }
    }
}
