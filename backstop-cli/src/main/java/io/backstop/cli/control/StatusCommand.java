package io.backstop.cli.control;

import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Quarantine;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.control.ControlStatus;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.util.concurrent.Callable;

/** {@code backstop status}: pause, waiting statements, quarantines, and whose approvals count. */
@Command(
        name = "status",
        description = "Tells whether writes are paused, what waits, who is in quarantine and whose approvals count.",
        mixinStandardHelpOptions = true)
public final class StatusCommand implements Callable<Integer> {
    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws ControlStoreUnavailableException {
        try (ControlStore store = control.openExisting()) {
            print(report, store, control, operators);
        }
        return ExitCode.DONE;
    }

    static void print(ReportPrinter report, ControlStore store, ControlOption control, OperatorsFileOption operators)
            throws ControlStoreUnavailableException {
        ControlStatus status = ControlStatus.of(
                store,
                ControlStatus.Signatures.of(operators.file(), control.place().file()));
        if (report.asJson()) {
            report.json(status);
            return;
        }
        report.line(status.pause()
                .map(now -> "paused since " + now.since() + " by " + now.operator() + ": " + now.reason())
                .orElse("not paused"));
        report.line(
                status.pending() + (status.pending() == 1 ? " statement waits" : " statements wait") + " for approval");
        for (Quarantine quarantine : status.quarantined()) {
            report.line("agent " + quarantine.agentId() + " is in quarantine until " + quarantine.until());
        }
        if (status.signatures().required()) {
            report.line("approvals need the signature of an operator: "
                    + String.join(", ", status.signatures().operators()));
        }
        status.signatures().warnings().forEach(report::line);
    }
}
