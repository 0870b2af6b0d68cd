package io.backstop.cli.operators;

import io.backstop.cli.option.OperatorKeyOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.option.PassphraseOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorKey;
import io.backstop.jdbc.operator.OperatorKeyFile;
import io.backstop.jdbc.operator.OperatorList;
import io.backstop.jdbc.operator.OperatorsFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop operators add}: makes a key pair and lists its public key. */
@Command(
        name = "add",
        description =
                "Makes a key for an operator and adds them to the operators' file. The first operator needs the rights"
                        + " to write the file; every other one also the signature of an operator (--operator-key).",
        mixinStandardHelpOptions = true)
final class OperatorsAddCommand implements Callable<Integer> {
    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final OperatorKeyOption signer = new OperatorKeyOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Parameters(paramLabel = "NAME", description = "The new operator, as the audit names them.")
    private String name = "";

    @Option(
            names = "--key-file",
            required = true,
            paramLabel = "FILE",
            description = "Where the new private key is written, for its owner only; it must not exist.")
    private Path keyFile = Path.of("");

    @Option(
            names = "--new-passphrase-env",
            paramLabel = "NAME",
            description = "The environment variable that holds the new key's passphrase [the terminal is asked].")
    private @Nullable String newVariable;

    @Option(
            names = "--new-passphrase-file",
            paramLabel = "FILE",
            description = "The file whose first line is the new key's passphrase [the terminal is asked].")
    private @Nullable Path newFile;

    @Override
    public Integer call() throws OperatorException, RefusedException {
        OperatorsFile file = OperatorsListCommand.required(operators);
        OperatorList before = file.readOrEmpty();
        OperatorKey key;
        try {
            key = OperatorKey.create(name);
        } catch (IllegalArgumentException e) {
            throw new RefusedException(String.valueOf(e.getMessage()), "choose another name");
        }
        OperatorKey signing = before.all().isEmpty() ? key : signer.required();
        OperatorList after = before.add(name, key.publicKey(), signing, Instant.now());
        char[] passphrase = PassphraseOption.read(newVariable, newFile, "new passphrase for " + keyFile + ": ");
        try {
            OperatorKeyFile.write(keyFile, key, passphrase);
        } finally {
            Arrays.fill(passphrase, ' ');
        }
        file.write(after);
        if (report.asJson()) {
            report.json(after.all());
        } else {
            report.line("added operator " + name + " to " + file.path() + "; the private key is in " + keyFile);
        }
        List<String> reasons = file.writableByThisProcess();
        if (!reasons.isEmpty()) {
            report.warning("note: " + reasons.get(0) + "; agents must not run as this user");
        }
        return ExitCode.DONE;
    }
}
