package io.backstop.cli.operators;

import picocli.CommandLine.Command;

/** {@code backstop operators}: adds, lists and revokes the operators whose signed approvals count. */
@Command(
        name = "operators",
        description = "Adds, lists and revokes the operators whose signed approvals count.",
        mixinStandardHelpOptions = true,
        subcommands = {OperatorsAddCommand.class, OperatorsListCommand.class, OperatorsRevokeCommand.class})
public final class OperatorsCommand {
    private OperatorsCommand() {}
}
