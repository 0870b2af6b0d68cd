package io.backstop.cli.operators;

import io.backstop.cli.option.OperatorKeyOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorList;
import io.backstop.jdbc.operator.OperatorsFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import java.time.Instant;
import java.util.concurrent.Callable;

/** {@code backstop operators revoke}. */
@Command(
        name = "revoke",
        description = "Revokes an operator: nothing that they signed counts any more.",
        mixinStandardHelpOptions = true)
final class OperatorsRevokeCommand implements Callable<Integer> {
    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final OperatorKeyOption signer = new OperatorKeyOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Parameters(paramLabel = "NAME", description = "The operator.")
    private String name = "";

    @Override
    public Integer call() throws OperatorException, RefusedException {
        OperatorsFile file = OperatorsListCommand.required(operators);
        OperatorList after = file.read().revoke(name, signer.required(), Instant.now());
        file.write(after);
        if (report.asJson()) {
            report.json(after.all());
        } else {
            report.line("revoked operator " + name);
        }
        return ExitCode.DONE;
    }
}
