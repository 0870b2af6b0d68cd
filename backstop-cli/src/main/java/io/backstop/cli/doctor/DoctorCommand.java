package io.backstop.cli.doctor;

import picocli.CommandLine.Command;

/** {@code backstop doctor}: whether everything is as it has to be. */
@Command(
        name = "doctor",
        description = "Checks what Backstop relies on, and says how to mend what is not right.",
        mixinStandardHelpOptions = true,
        subcommands = {NativeToolsCommand.class, StoragePermissionsCommand.class, LaunchCommand.class})
public final class DoctorCommand {
    private DoctorCommand() {}
}
