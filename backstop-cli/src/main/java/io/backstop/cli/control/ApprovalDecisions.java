package io.backstop.cli.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorKeyOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.approval.ApprovalService;
import io.backstop.jdbc.approval.ApprovalView;
import io.backstop.jdbc.approval.Decider;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorKey;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Options and steps that {@code approve} and {@code deny} share. */
final class ApprovalDecisions {
    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorOption operator = new OperatorOption();

    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final OperatorKeyOption key = new OperatorKeyOption();

    @Mixin
    private final ApprovalChoice choice = new ApprovalChoice();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(names = "--comment", paramLabel = "TEXT", description = "Why, for the audit and the agent.")
    private String comment = "";

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    /** @return whether every chosen request was decided */
    boolean make(boolean approve) throws ControlStoreUnavailableException, RefusedException, OperatorException {
        try (ControlStore store = control.openExisting()) {
            List<Approval> chosen = choice.chosen(store, report, approve ? "approve" : "deny");
            Optional<OperatorKey> signer = signer(chosen);
            ApprovalService service = new ApprovalService(store.approvals(), signer);
            Decider decider = Decider.named(signer.map(OperatorKey::operator).orElse(name()));
            List<Approval> decided = new ArrayList<>();
            List<RefusedException> refused = new ArrayList<>();
            for (Approval approval : chosen) {
                ApprovalDecision made = (approve
                                ? service.approve(approval.id(), decider, comment)
                                : service.deny(approval.id(), decider, comment))
                        .orElseThrow(() -> new RefusedException(
                                "there is no request " + approval.id(),
                                "`backstop approvals list` shows those that wait"));
                if (made instanceof ApprovalDecision.Decided) {
                    decided.add(made.approval());
                } else {
                    refused.add(refusal(made));
                }
            }
            print(decided);
            if (signer.isEmpty() && !decided.isEmpty()) {
                report.warning("note: this decision is not signed; it counts only where no operators are configured");
            }
            if (refused.size() == 1) {
                throw refused.get(0);
            }
            refused.forEach(refusal -> report.warning("error: " + refusal.getMessage()));
            return refused.isEmpty();
        }
    }

    private String name() {
        if (operator.name().isBlank() && command != null) {
            throw new ParameterException(command.commandLine(), "--as is blank: the audit log needs a name");
        }
        return operator.name();
    }

    /** Who signs: a person at the terminal is asked where a signature is needed and no key was named. */
    private Optional<OperatorKey> signer(List<Approval> chosen) throws OperatorException, RefusedException {
        boolean needed = operators.file().isPresent()
                || chosen.stream()
                        .anyMatch(approval -> approval.state() == ApprovalState.PENDING
                                && approval.request().signatureRequired());
        Optional<OperatorKey> signer = needed ? Optional.of(key.required()) : key.key();
        if (signer.isPresent()
                && operators.file().isPresent()
                && !operators.file().get().read().holds(signer.get())) {
            throw new RefusedException(
                    signer.get().operator() + " with this key is no operator in "
                            + operators.file().get().path(),
                    "`backstop operators list` shows who is");
        }
        return signer;
    }

    private void print(List<Approval> decided) {
        if (report.asJson()) {
            List<ApprovalView> views = decided.stream().map(ApprovalView::of).toList();
            if (views.size() == 1) {
                report.json(views.get(0));
            } else if (!views.isEmpty()) {
                report.json(views);
            }
            return;
        }
        decided.forEach(approval -> report.line(words(approval)));
    }

    private static RefusedException refusal(ApprovalDecision made) {
        Approval approval = made.approval();
        if (made instanceof ApprovalDecision.NotYours) {
            return new RefusedException(
                    "request " + approval.id() + " was made by agent "
                            + approval.request().agentId() + ", and an agent cannot approve its own request",
                    "an operator has to approve it; `backstop approvals deny " + approval.id() + "` withdraws it");
        }
        if (made instanceof ApprovalDecision.NotSigned) {
            return new RefusedException(
                    "request " + approval.id() + " can only be approved with an operator's signature",
                    "name the file of your key with --operator-key");
        }
        return new RefusedException(
                "request " + approval.id() + " is not undecided, it is " + ApprovalText.state(approval)
                        + approval.decidedBy().map(who -> ", decided by " + who).orElse(""),
                nextStep(approval));
    }

    private static String nextStep(Approval approval) {
        return switch (approval.state()) {
            case APPROVED -> "its statement can run once before " + approval.expiresAt();
            case DENIED ->
                "its statement is refused before " + approval.expiresAt()
                        + "; sent after that, it becomes a new request";
            case EXPIRED, CONSUMED, INVALID -> "its agent has to send the statement again for a new request";
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
