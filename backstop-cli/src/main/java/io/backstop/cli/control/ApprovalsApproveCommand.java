package io.backstop.cli.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.jdbc.operator.OperatorException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.util.concurrent.Callable;

/** {@code backstop approvals approve}. */
@Command(
        name = "approve",
        description = "Lets statements run, once each, when their agent sends them again.",
        mixinStandardHelpOptions = true)
final class ApprovalsApproveCommand implements Callable<Integer> {
    @Mixin
    private final ApprovalDecisions decisions = new ApprovalDecisions();

    @Override
    public Integer call() throws ControlStoreUnavailableException, RefusedException, OperatorException {
        return decisions.make(true) ? ExitCode.DONE : ExitCode.REFUSED;
    }
}
