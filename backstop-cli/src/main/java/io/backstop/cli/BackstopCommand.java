package io.backstop.cli;

import io.backstop.cli.analyze.AnalyzeCommand;
import io.backstop.cli.completion.CompletionCommand;
import io.backstop.cli.control.AlertsCommand;
import io.backstop.cli.control.ApprovalsCommand;
import io.backstop.cli.control.AuditCommand;
import io.backstop.cli.control.PauseCommand;
import io.backstop.cli.control.QuarantineCommand;
import io.backstop.cli.control.ResumeCommand;
import io.backstop.cli.control.StatusCommand;
import io.backstop.cli.demo.DemoCommand;
import io.backstop.cli.doctor.DoctorCommand;
import io.backstop.cli.keys.KeysCommand;
import io.backstop.cli.operators.OperatorsCommand;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.FailureReport;
import io.backstop.cli.restore.CopybackPlanCommand;
import io.backstop.cli.restore.DrillCommand;
import io.backstop.cli.restore.RecoverCommand;
import io.backstop.cli.restore.RestoreCommand;
import io.backstop.cli.restore.RestoreValidateCommand;
import io.backstop.cli.serve.ServeCommand;
import io.backstop.cli.snapshots.SidecarCommand;
import io.backstop.cli.snapshots.SnapshotsCommand;
import io.backstop.cli.undo.UndoCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The root of the {@code backstop} command. */
@Command(
        name = "backstop",
        description = "Looks after what SQL does to a PostgreSQL database, and brings back what was lost.",
        mixinStandardHelpOptions = true,
        version = "backstop 0.1.0")
public final class BackstopCommand {
    /** In the order in which they are listed. */
    private static final List<Class<?>> COMMANDS = List.of(
            DemoCommand.class,
            AnalyzeCommand.class,
            RecoverCommand.class,
            UndoCommand.class,
            SnapshotsCommand.class,
            SidecarCommand.class,
            RestoreCommand.class,
            RestoreValidateCommand.class,
            CopybackPlanCommand.class,
            DrillCommand.class,
            DoctorCommand.class,
            ApprovalsCommand.class,
            OperatorsCommand.class,
            QuarantineCommand.class,
            AlertsCommand.class,
            KeysCommand.class,
            PauseCommand.class,
            ResumeCommand.class,
            StatusCommand.class,
            AuditCommand.class,
            ServeCommand.class,
            CompletionCommand.class);

    private BackstopCommand() {}

    /** Runs the command; see {@link ExitCode} for how it ends. */
    public static void main(String[] arguments) {
        System.exit(commandLine(arguments).setOut(output(FileDescriptor.out)).execute(arguments));
    }

    /** In UTF-8 whatever the locale: scripts that are printed say that they are, and so does JSON. */
    private static PrintWriter output(FileDescriptor descriptor) {
        return new PrintWriter(new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8), true);
    }

    /** With all commands. */
    public static CommandLine commandLine() {
        return commandLine(COMMANDS);
    }

    /**
     * With the one command that is called where it is known by its name: what picocli reads of all others is half of the time
     * until it runs.
     */
    static CommandLine commandLine(String... arguments) {
        return COMMANDS.stream()
                .filter(command -> arguments.length > 0
                        && command != CompletionCommand.class
                        && command.getAnnotation(Command.class).name().equals(arguments[0]))
                .findFirst()
                .map(command -> commandLine(List.<Class<?>>of(command)))
                .orElseGet(BackstopCommand::commandLine);
    }

    private static CommandLine commandLine(List<Class<?>> commands) {
        CommandLine commandLine = new CommandLine(new BackstopCommand());
        commands.forEach(commandLine::addSubcommand);
        commandLine.setParameterExceptionHandler(FailureReport::wrongArguments);
        commandLine.setExecutionExceptionHandler(new FailureReport());
        commandLine.setExecutionStrategy(FailureReport::withinMemory);
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        return commandLine;
    }
}
