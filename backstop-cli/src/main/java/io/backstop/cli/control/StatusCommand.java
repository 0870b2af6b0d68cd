package io.backstop.cli.control;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Pause;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop status}: whether writes are paused, and how many statements wait for approval. */
@Command(
        name = "status",
        description = "Tells whether writes are paused and how many statements wait.",
        mixinStandardHelpOptions = true)
public final class StatusCommand implements Callable<Integer> {
    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws ControlStoreUnavailableException {
        try (ControlStore store = control.open()) {
            print(report, store);
        }
        return ExitCode.DONE;
    }

    static void print(ReportPrinter report, ControlStore store) throws ControlStoreUnavailableException {
        Optional<Pause> pause = store.pause().current();
        int pending = store.approvals().list(ApprovalState.PENDING).size();
        if (report.asJson()) {
            report.json(new Status(pause.isPresent(), pause, pending));
        } else {
            report.line(pause.map(now -> "paused since " + now.since() + " by " + now.operator() + ": " + now.reason())
                    .orElse("not paused"));
            report.line(pending + (pending == 1 ? " statement waits" : " statements wait") + " for approval");
        }
    }

    private record Status(boolean paused, Optional<Pause> pause, int pending) {}
}
