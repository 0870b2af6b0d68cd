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

import java.util.concurrent.Callable;

/** {@code backstop resume}: ends a pause. */
@Command(name = "resume", description = "Ends a pause.", mixinStandardHelpOptions = true)
public final class ResumeCommand implements Callable<Integer> {
    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorOption operator = new OperatorOption();

    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws ControlStoreUnavailableException {
        try (ControlStore store = control.openExisting()) {
            store.pause().resume(operator.name());
            StatusCommand.print(report, store, control, operators);
        }
        return ExitCode.DONE;
    }
}
