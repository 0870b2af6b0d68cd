package io.backstop.cli.keys;

import picocli.CommandLine.Command;

/** {@code backstop keys}: makes, lists, rotates and destroys the keys that snapshots are encrypted under. */
@Command(
        name = "keys",
        description =
                "Makes, lists, rotates and destroys the keys that snapshots are encrypted and authenticated under.",
        mixinStandardHelpOptions = true,
        subcommands = {KeysCreateCommand.class, KeysListCommand.class, KeysRotateCommand.class, KeysDestroyCommand.class
        })
public final class KeysCommand {
    private KeysCommand() {}
}
