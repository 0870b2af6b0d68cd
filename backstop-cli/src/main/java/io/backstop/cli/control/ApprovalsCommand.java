package io.backstop.cli.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.approval.ApprovalService;
import io.backstop.jdbc.approval.Decider;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** {@code backstop approvals}: what waits for a human, and the human's answer. */
@Command(
        name = "approvals",
        description = "Lists, approves and denies statements that wait for a human.",
        mixinStandardHelpOptions = true,
        subcommands = {
            ApprovalsCommand.ListCommand.class,
            ApprovalsCommand.ApproveCommand.class,
            ApprovalsCommand.DenyCommand.class
        })
public final class ApprovalsCommand {
    private ApprovalsCommand() {}

    /** {@code backstop approvals list}. */
    @Command(name = "list", description = "Lists the statements that wait.", mixinStandardHelpOptions = true)
    static final class ListCommand implements Callable<Integer> {
        private static final int SHOWN_SQL = 60;

        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Option(names = "--all", description = "Also those that were decided or have expired.")
        private boolean all;

        @Override
        public Integer call() throws ControlStoreUnavailableException {
            ApprovalState[] states = all ? ApprovalState.values() : new ApprovalState[] {ApprovalState.PENDING};
            try (ControlStore store = control.open()) {
                List<Approval> approvals = store.approvals().list(states);
                if (report.asJson()) {
                    report.json(approvals);
                } else {
                    report.table(
                            List.of("id", "state", "agent", "database", "risk", "expires", "statement"),
                            approvals.stream().map(ListCommand::row).toList(),
                            "nothing waits for approval");
                }
            }
            return ExitCode.DONE;
        }

        private static List<String> row(Approval approval) {
            return List.of(
                    approval.id(),
                    approval.state().name().toLowerCase(Locale.ROOT),
                    approval.request().agentId(),
                    approval.request().database(),
                    approval.request().risk().name(),
                    approval.expiresAt().toString(),
                    ReportPrinter.inOneLine(approval.request().sql(), SHOWN_SQL));
        }
    }

    /** {@code backstop approvals approve}. */
    @Command(
            name = "approve",
            description = "Lets a statement run, once, when its agent sends it again.",
            mixinStandardHelpOptions = true)
    static final class ApproveCommand implements Callable<Integer> {
        @Mixin
        private final Decision decision = new Decision();

        @Override
        public Integer call() throws ControlStoreUnavailableException, RefusedException {
            decision.make(true);
            return ExitCode.DONE;
        }
    }

    /** {@code backstop approvals deny}. */
    @Command(name = "deny", description = "Says no to a statement.", mixinStandardHelpOptions = true)
    static final class DenyCommand implements Callable<Integer> {
        @Mixin
        private final Decision decision = new Decision();

        @Override
        public Integer call() throws ControlStoreUnavailableException, RefusedException {
            decision.make(false);
            return ExitCode.DONE;
        }
    }

    /** What approving and denying have in common. */
    static final class Decision {
        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final OperatorOption operator = new OperatorOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Parameters(paramLabel = "ID", description = "The request, appr_….")
        private String id = "";

        void make(boolean approve) throws ControlStoreUnavailableException, RefusedException {
            try (ControlStore store = control.open()) {
                ApprovalService service = new ApprovalService(store.approvals());
                Decider decider = Decider.named(operator.name());
                ApprovalDecision made = (approve ? service.approve(id, decider) : service.deny(id, decider))
                        .orElseThrow(() -> new RefusedException(
                                "there is no request " + id, "`backstop approvals list` shows those that wait"));
                refuseUnlessDecided(made);
                Approval after = made.approval();
                if (report.asJson()) {
                    report.json(after);
                } else {
                    report.line(words(after));
                }
            }
        }

        private void refuseUnlessDecided(ApprovalDecision made) throws RefusedException {
            if (made instanceof ApprovalDecision.NotYours) {
                throw new RefusedException(
                        "request " + id + " was made by " + operator.name() + ", and nobody approves for themselves",
                        "an operator of another name has to decide");
            }
            if (made instanceof ApprovalDecision.AlreadyDecided already) {
                Approval decided = already.approval();
                throw new RefusedException(
                        "request " + id + " is not undecided, it is "
                                + decided.state().name().toLowerCase(Locale.ROOT)
                                + decided.decidedBy()
                                        .map(by -> ", decided by " + by)
                                        .orElse(""),
                        "its agent has to send the statement again for a new request");
            }
        }

        private static String words(Approval approval) {
            String what = approval.request().operation() + " by agent "
                    + approval.request().agentId() + " on " + approval.request().database();
            return approval.state() == ApprovalState.APPROVED
                    ? "approved " + approval.id() + ": " + what + " may run once before " + approval.expiresAt()
                    : "denied " + approval.id() + ": " + what;
        }
    }
}
