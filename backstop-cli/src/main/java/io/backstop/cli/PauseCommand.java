package io.backstop.cli;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.util.concurrent.Callable;

/** {@code backstop pause}: pulls the emergency brake. */
@Command(
        name = "pause",
        description = "Stops everything that is not SAFE, in every process that shares the control store.",
        mixinStandardHelpOptions = true)
final class PauseCommand implements Callable<Integer> {
    @Mixin
    private final Control control = new Control();

    @Mixin
    private final Operator operator = new Operator();

    @Mixin
    private final Report report = new Report();

    @Option(
            names = "--reason",
            required = true,
            paramLabel = "TEXT",
            description = "Why, for everybody who is refused.")
    private String reason = "";

    @Override
    public Integer call() throws ControlStoreUnavailableException {
        try (ControlStore store = control.open()) {
            store.pause().pause(reason, operator.name());
            StatusCommand.print(report, store);
        }
        return ExitCode.DONE;
    }
}
