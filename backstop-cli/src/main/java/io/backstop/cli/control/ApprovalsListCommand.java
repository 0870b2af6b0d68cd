package io.backstop.cli.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.approval.ApprovalView;
import io.backstop.jdbc.control.ControlStatus;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop approvals list}. */
@Command(name = "list", description = "Lists the statements that wait.", mixinStandardHelpOptions = true)
final class ApprovalsListCommand implements Callable<Integer> {
    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final ApprovalFilterOptions filter = new ApprovalFilterOptions();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(names = "--all", description = "Also those that were decided or have expired.")
    private boolean all;

    @Override
    public Integer call() throws ControlStoreUnavailableException {
        ApprovalState[] states = all ? ApprovalState.values() : new ApprovalState[] {ApprovalState.PENDING};
        try (ControlStore store = control.openExisting()) {
            List<Approval> approvals = store.approvals().list(states).stream()
                    .filter(filter.filter())
                    .toList();
            if (report.asJson()) {
                report.json(approvals.stream().map(ApprovalView::of).toList());
                return ExitCode.DONE;
            }
            ApprovalText text = new ApprovalText(report);
            approvals.forEach(text::summary);
            if (approvals.isEmpty()) {
                report.line("nothing waits for approval");
            }
            ControlStatus.Signatures.of(operators.file(), control.place().file())
                    .warnings()
                    .forEach(warning -> report.warning("note: " + warning));
        }
        return ExitCode.DONE;
    }
}
