package io.backstop.cli.output;

import io.backstop.api.error.BackstopException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.server.token.InvalidTokenFileException;
import io.backstop.snapshot.archive.CorruptSnapshotException;
import io.backstop.snapshot.key.KeyException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Tells a failure in words, without a stack trace, on standard error. */
public final class FailureReport implements IExecutionExceptionHandler {
    @Override
    public int handleExecutionException(Exception failure, CommandLine commandLine, ParseResult parsed) {
        commandLine
                .getErr()
                .println(commandLine.getColorScheme().errorText("error: " + PrintableText.message(message(failure))));
        commandLine.getErr().flush();
        return refused(failure) ? ExitCode.REFUSED : ExitCode.FAILED;
    }

    /** The error last, where it is seen: all options of a command fill a screen. Only the few commands of a group are shown. */
    public static int wrongArguments(ParameterException wrong, String... arguments) {
        CommandLine command = wrong.getCommandLine();
        boolean group = !command.getSubcommands().isEmpty();
        if (group) {
            command.usage(command.getErr(), command.getColorScheme());
        }
        command.getErr()
                .println(command.getColorScheme()
                        .errorText("error: " + PrintableText.message(String.valueOf(wrong.getMessage()))));
        if (!UnmatchedArgumentException.printSuggestions(wrong, command.getErr()) && !group) {
            command.getErr()
                    .println("HINT: `" + command.getCommandSpec().qualifiedName() + " --help` shows its options");
        }
        command.getErr().flush();
        return ExitCode.USAGE;
    }

    /** Runs a command; where its memory is used up, that is a failure like another. */
    public static int withinMemory(ParseResult parsed) {
        try {
            return new CommandLine.RunLast().execute(parsed);
        } catch (OutOfMemoryError e) {
            throw new CommandLine.ExecutionException(
                    parsed.commandSpec().commandLine(),
                    "backstop ran out of memory; what it had not finished was not done\n"
                            + "HINT: rows that an earlier version stored are held as they are stored, others need 96 MB: run it with"
                            + " more, JAVA_TOOL_OPTIONS=-Xmx4g",
                    e);
        }
    }

    private static String message(Exception failure) {
        if (failure instanceof FileSystemException file && file.getReason() == null) {
            return file.getFile() + ": " + reason(file);
        }
        String message = failure.getMessage();
        return message == null || message.isBlank() ? failure.getClass().getName() : message;
    }

    /** Why a file could not be read or written; of some, the JDK's message has the name alone. */
    public static String reason(IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return "there is no such file or folder";
        }
        if (failure instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (failure instanceof FileAlreadyExistsException) {
            return "it exists already";
        }
        if (failure instanceof CharacterCodingException) {
            return "it is not text in UTF-8";
        }
        return String.valueOf(failure.getMessage());
    }

    /** Whether it is a check that said no, rather than something that did not work. */
    private static boolean refused(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof CorruptSnapshotException
                    || cause instanceof KeyException
                    || cause instanceof RefusedException
                    || cause instanceof OperatorException
                    || cause instanceof InvalidTokenFileException) {
                return true;
            }
        }
        // These two say both: without a cause it is their own answer, with one a database or a storage failed.
        if (failure instanceof RecoveryException || failure instanceof RecoveryNotReadyException) {
            return failure.getCause() == null;
        }
        return failure instanceof BackstopException;
    }
}
