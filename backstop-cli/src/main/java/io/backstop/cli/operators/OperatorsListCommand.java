package io.backstop.cli.operators;

import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.operator.Operator;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorsFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop operators list}. */
@Command(
        name = "list",
        description = "Lists the operators, after the file's signatures were verified.",
        mixinStandardHelpOptions = true)
final class OperatorsListCommand implements Callable<Integer> {
    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    static OperatorsFile required(OperatorsFileOption option) throws RefusedException {
        return option.file()
                .orElseThrow(() -> new RefusedException(
                        "no operators' file is named", "name it with --operators, or set BACKSTOP_OPERATORS"));
    }

    @Override
    public Integer call() throws OperatorException, RefusedException {
        List<Operator> all = required(operators).read().all();
        if (report.asJson()) {
            report.json(all);
        } else {
            report.table(
                    List.of("operator", "added", "by", "state"),
                    all.stream().map(OperatorsListCommand::row).toList(),
                    "there are no operators");
        }
        return ExitCode.DONE;
    }

    private static List<String> row(Operator operator) {
        return List.of(
                operator.name(),
                operator.addedAt().toString(),
                operator.addedBy(),
                operator.revokedBy().map(by -> "revoked by " + by).orElse("may decide"));
    }
}
