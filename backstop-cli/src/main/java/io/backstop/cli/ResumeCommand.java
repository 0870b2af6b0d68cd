package io.backstop.cli;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.util.concurrent.Callable;

/** {@code backstop resume}: ends a pause. */
@Command(name = "resume", description = "Ends a pause.", mixinStandardHelpOptions = true)
final class ResumeCommand implements Callable<Integer> {
    @Mixin
    private final Control control = new Control();

    @Mixin
    private final Operator operator = new Operator();

    @Mixin
    private final Report report = new Report();

    @Override
    public Integer call() throws ControlStoreUnavailableException {
        try (ControlStore store = control.open()) {
            store.pause().resume(operator.name());
            StatusCommand.print(report, store);
        }
        return ExitCode.DONE;
    }
}
