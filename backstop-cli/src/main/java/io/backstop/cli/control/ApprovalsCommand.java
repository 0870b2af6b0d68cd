package io.backstop.cli.control;

import picocli.CommandLine.Command;

/** {@code backstop approvals}: lists, shows, approves and denies held statements. */
@Command(
        name = "approvals",
        description = "Lists, shows, approves and denies statements that wait for a human.",
        mixinStandardHelpOptions = true,
        subcommands = {
            ApprovalsListCommand.class,
            ApprovalsShowCommand.class,
            ApprovalsApproveCommand.class,
            ApprovalsDenyCommand.class
        })
public final class ApprovalsCommand {
    private ApprovalsCommand() {}
}
