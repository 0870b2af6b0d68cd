package io.backstop.cli.serve;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.KeyOption;
import io.backstop.cli.option.OperatorKeyOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.server.BackstopServer;
import io.backstop.server.DecisionSigning;
import io.backstop.server.token.InvalidTokenFileException;
import io.backstop.server.token.TokenFile;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

/** {@code backstop serve}: the HTTP endpoints for operators, until the process is told to end. */
@Command(
        name = "serve",
        description = "Answers operators over HTTP until the process is told to end (SIGTERM, Ctrl-C).",
        mixinStandardHelpOptions = true)
public final class ServeCommand implements Callable<Integer> {
    private static final int LARGEST_PORT = 65_535;

    @Mixin
    private final ControlOption control = new ControlOption();

    @Option(
            names = "--port",
            paramLabel = "N",
            defaultValue = "8080",
            description = "Where to listen; 0 lets the system choose [${DEFAULT-VALUE}].")
    private int port;

    @Option(
            names = "--host",
            paramLabel = "NAME",
            defaultValue = BackstopServer.DEFAULT_HOST,
            description = "The interface to listen on; others than this machine's own belong behind TLS"
                    + " [${DEFAULT-VALUE}].")
    private String host = "";

    @Option(
            names = "--tokens",
            required = true,
            paramLabel = "FILE",
            description = "Who may do what: a JSON file that only its owner may read.")
    private Path tokens = Path.of("");

    @Option(
            names = "--storage",
            paramLabel = "ADDRESS",
            defaultValue = "${env:BACKSTOP_STORAGE}",
            description = "Where snapshots are kept [BACKSTOP_STORAGE]; without it they are listed from the control"
                    + " store.")
    private @Nullable String storage;

    @Mixin
    private final KeyOption key = new KeyOption();

    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final OperatorKeyOption operatorKey = new OperatorKeyOption();

    @Spec
    private @Nullable CommandSpec command;

    @Override
    public Integer call()
            throws ControlStoreUnavailableException, InvalidTokenFileException, IOException, InterruptedException,
                    OperatorException, RefusedException {
        if (port < 0 || port > LARGEST_PORT) {
            throw new ParameterException(spec().commandLine(), "--port has to be between 0 and " + LARGEST_PORT);
        }
        TokenFile known = TokenFile.open(tokens);
        DecisionSigning signing = new DecisionSigning(operators.file(), operatorKey.key());
        Optional<KeyProvider> snapshotKey = key.key();
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        Thread hook = new Thread(() -> end(told, closed), "backstop-serve-end");
        Runtime.getRuntime().addShutdownHook(hook);
        try (ControlStore store = control.open();
                ObjectStore objects = storage == null ? null : ObjectStores.open(storage);
                BackstopServer server = new BackstopServer(
                        store,
                        Optional.ofNullable(objects).map(opened -> new SnapshotArchive(opened, snapshotKey)),
                        known,
                        host,
                        signing)) {
            server.start(port);
            PrintWriter out = spec().commandLine().getOut();
            out.println("listening on http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + server.port());
            out.flush();
            told.await();
        } finally {
            closed.countDown();
            forget(hook);
        }
        return ExitCode.DONE;
    }

    /** Runs while the JVM ends, which waits for it: so everything is closed before the process is gone. */
    private static void end(CountDownLatch told, CountDownLatch closed) {
        told.countDown();
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is ending: the hook is what told us.
        }
    }

    private CommandSpec spec() {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        return command;
    }
}
