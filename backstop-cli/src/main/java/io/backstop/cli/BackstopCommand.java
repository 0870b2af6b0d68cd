package io.backstop.cli;

import io.backstop.cli.analyze.AnalyzeCommand;
import io.backstop.cli.demo.DemoCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The root of the {@code backstop} command. */
@Command(
        name = "backstop",
        description = "Looks after what SQL does to a PostgreSQL database, and brings back what was lost.",
        mixinStandardHelpOptions = true,
        version = "backstop 0.1.0",
        subcommands = {
            DemoCommand.class,
            AnalyzeCommand.class,
            RecoverCommand.class,
            SnapshotsCommand.class,
            SidecarCommand.class,
            RestoreCommand.class,
            RestoreValidateCommand.class,
            CopybackPlanCommand.class,
            ApprovalsCommand.class,
            PauseCommand.class,
            ResumeCommand.class,
            StatusCommand.class,
            AuditCommand.class,
            ServeCommand.class,
        })
public final class BackstopCommand {
    private BackstopCommand() {}

    /** Runs the command; see {@link ExitCode} for how it ends. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new BackstopCommand());
        commandLine.setExecutionExceptionHandler(new FailureReport());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        return commandLine;
    }
}
