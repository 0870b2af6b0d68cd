package io.backstop.cli.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.approval.ApprovalView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop approvals show}. */
@Command(
        name = "show",
        description = "Shows all of a request: statement, reasons, impact, what it is bound to, history.",
        mixinStandardHelpOptions = true)
final class ApprovalsShowCommand implements Callable<Integer> {
    /** The history of a request is as young as the request. */
    private static final int SEARCHED_RECORDS = 10_000;

    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Parameters(paramLabel = "ID", arity = "1..*", description = "The requests, appr_….")
    private List<String> ids = new ArrayList<>();

    @Override
    public Integer call() throws ControlStoreUnavailableException, RefusedException {
        try (ControlStore store = control.openExisting()) {
            List<Approval> approvals = new ArrayList<>();
            for (String id : ids) {
                approvals.add(ApprovalChoice.find(store, id));
            }
            if (report.asJson()) {
                report.json(approvals.stream().map(ApprovalView::of).toList());
                return ExitCode.DONE;
            }
            for (Approval approval : approvals) {
                new ApprovalText(report).details(approval);
                history(store, approval);
            }
        }
        return ExitCode.DONE;
    }

    private void history(ControlStore store, Approval approval) throws ControlStoreUnavailableException {
        List<AuditRecord> records = new ArrayList<>(store.audit().newest(SEARCHED_RECORDS).stream()
                .filter(each ->
                        each.event().approvalId().filter(approval.id()::equals).isPresent())
                .toList());
        Collections.reverse(records);
        for (AuditRecord record : records) {
            report.line(
                    "history    " + record.event().at() + "  " + record.event().agentId() + "  "
                            + record.event().operation() + "  " + record.event().outcome());
        }
        if (approval.state() == ApprovalState.CONSUMED
                && records.stream().noneMatch(record -> record.event().kind() == AuditEvent.Kind.OUTCOME)) {
            report.line("history    no outcome is on the record: the statement may have run, or be running");
        }
    }
}
