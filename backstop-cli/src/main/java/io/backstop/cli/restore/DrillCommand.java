package io.backstop.cli.restore;

import picocli.CommandLine.Command;

/** {@code backstop drill}: what is only known to work once it was tried. */
@Command(
        name = "drill",
        description = "Tries a recovery without keeping anything of it.",
        mixinStandardHelpOptions = true,
        subcommands = DrillRestoreCommand.class)
public final class DrillCommand {
    private DrillCommand() {}
}
