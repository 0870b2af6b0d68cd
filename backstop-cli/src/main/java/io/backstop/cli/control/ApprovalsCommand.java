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
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** {@code backstop approvals}: lists, approves and denies held statements. */
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

    /** Options and steps that {@code approve} and {@code deny} share. */
    static final class Decision {
        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final OperatorOption operator = new OperatorOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Parameters(paramLabel = "ID", description = "The request, appr_….")
        private String id = "";

        @Spec(Spec.Target.MIXEE)
        private @Nullable CommandSpec command;

        void make(boolean approve) throws ControlStoreUnavailableException, RefusedException {
            try (ControlStore store = control.open()) {
                ApprovalService service = new ApprovalService(store.approvals());
                Decider decider = decider();
                ApprovalDecision made = (approve ? service.approve(id, decider) : service.deny(id, decider))
                        .orElseThrow(() -> new RefusedException(
                                "there is no request " + id, "`backstop approvals list` shows those that wait"));
                if (!(made instanceof ApprovalDecision.Decided)) {
                    throw refusal(made);
                }
                Approval after = made.approval();
                if (report.asJson()) {
                    report.json(after);
                } else {
                    report.line(words(after));
                }
            }
        }

        private Decider decider() {
            if (operator.name().isBlank() && command != null) {
                throw new ParameterException(command.commandLine(), "--as is blank: the audit log needs a name");
            }
            return Decider.named(operator.name());
        }

        private static RefusedException refusal(ApprovalDecision made) {
            Approval approval = made.approval();
            if (made instanceof ApprovalDecision.NotYours) {
                return new RefusedException(
                        "request " + approval.id() + " was made by agent "
                                + approval.request().agentId() + ", and an agent cannot approve its own request",
                        "an operator has to approve it; `backstop approvals deny " + approval.id() + "` withdraws it");
            }
            return new RefusedException(
                    "request " + approval.id() + " is not undecided, it is "
                            + approval.state().name().toLowerCase(Locale.ROOT)
                            + approval.decidedBy()
                                    .map(operator -> ", decided by " + operator)
                                    .orElse(""),
                    nextStep(approval));
        }

        private static String nextStep(Approval approval) {
            return switch (approval.state()) {
                case APPROVED -> "its statement can run once before " + approval.expiresAt();
                case DENIED ->
                    "its statement is refused before " + approval.expiresAt()
                            + "; sent after that, it becomes a new request";
                case EXPIRED, CONSUMED -> "its agent has to send the statement again for a new request";
                case PENDING -> "`backstop approvals list` shows whether it still waits";
            };
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
