package io.backstop.cli;

import picocli.CommandLine;

import java.io.PrintWriter;
import java.io.StringWriter;

/** One run of the {@code backstop} command in this JVM: how it ended and what it printed. */
public record CommandRun(int exitCode, String output, String errors) {
    public static CommandRun of(String... arguments) {
        StringWriter output = new StringWriter();
        StringWriter errors = new StringWriter();
        CommandLine command = BackstopCommand.commandLine(arguments)
                .setOut(new PrintWriter(output))
                .setErr(new PrintWriter(errors));
        int exitCode = command.execute(arguments);
        return new CommandRun(exitCode, output.toString(), errors.toString());
    }
}
