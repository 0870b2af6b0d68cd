package io.backstop.cli;

import io.backstop.cli.analyze.AnalyzeCommand;
import io.backstop.cli.completion.CompletionCommand;
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
            KeysCommand.class,
            PauseCommand.class,
            ResumeCommand.class,
            StatusCommand.class,
            AuditCommand.class,
            ServeCommand.class,
            CompletionCommand.class,
        })
public final class BackstopCommand {
    private BackstopCommand() {}

    /** Runs the command; see {@link ExitCode} for how it ends. */
    public static void main(String[] arguments) {
        System.exit(commandLine().setOut(output(FileDescriptor.out)).execute(arguments));
    }

    /** In UTF-8 whatever the locale: scripts that are printed say that they are, and so does JSON. */
    private static PrintWriter output(FileDescriptor descriptor) {
        return new PrintWriter(new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8), true);
    }

    public static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new BackstopCommand());
        commandLine.setExecutionExceptionHandler(new FailureReport());
        commandLine.setExecutionStrategy(FailureReport::withinMemory);
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        return commandLine;
    }
}
