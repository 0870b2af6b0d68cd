package io.backstop.cli.control;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.util.concurrent.Callable;

/** {@code backstop pause}: stops every statement that is not SAFE. */
@Command(
        name = "pause",
        description = "Stops everything that is not SAFE, in every process that shares the control store.",
        mixinStandardHelpOptions = true)
public final class PauseCommand implements Callable<Integer> {
    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorOption operator = new OperatorOption();

    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(
            names = "--reason",
            required = true,
            paramLabel = "TEXT",
            description = "Why, for everybody who is refused.")
    private String reason = "";

    @Override
    public Integer call() throws ControlStoreUnavailableException {
        try (ControlStore store = control.openExisting()) {
            store.pause().pause(reason, operator.name());
            StatusCommand.print(report, store, control, operators);
        }
        return ExitCode.DONE;
    }
}
