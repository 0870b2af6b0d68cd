package io.backstop.cli.control;

import io.backstop.api.control.Alert;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.control.AlertView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop alerts}: shows what operators should look at, and takes note that one does. */
@Command(
        name = "alerts",
        description = "Shows what operators should look at, and takes note that somebody does.",
        mixinStandardHelpOptions = true,
        subcommands = {AlertsCommand.ListCommand.class, AlertsCommand.AcknowledgeCommand.class})
public final class AlertsCommand {
    private AlertsCommand() {}

    /** {@code backstop alerts list}. */
    @Command(
            name = "list",
            description = "Lists the alerts that nobody has acknowledged, newest first.",
            mixinStandardHelpOptions = true)
    static final class ListCommand implements Callable<Integer> {
        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Option(names = "--limit", paramLabel = "N", defaultValue = "100", description = "How many [${DEFAULT-VALUE}].")
        private int limit;

        @Option(names = "--all", description = "Also those that were acknowledged.")
        private boolean all;

        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Override
        public Integer call() throws ControlStoreUnavailableException {
            if (limit < 1) {
                throw new ParameterException(spec.commandLine(), "--limit has to be at least 1");
            }
            try (ControlStore store = control.openExisting()) {
                List<AlertView> alerts = store.alerts().newest(limit, !all).stream()
                        .map(AlertView::of)
                        .toList();
                if (report.asJson()) {
                    report.json(alerts);
                    return ExitCode.DONE;
                }
                if (alerts.isEmpty()) {
                    report.line(all ? "there is no alert" : "there is no alert that nobody has acknowledged");
                }
                alerts.forEach(this::print);
            }
            return ExitCode.DONE;
        }

        private void print(AlertView alert) {
            report.line(alert.id() + "  " + alert.kind() + "  " + alert.lastAt()
                    + (alert.count() > 1 ? "  " + alert.count() + " times since " + alert.raisedAt() : ""));
            report.line("    " + alert.message());
            alert.acknowledgedBy()
                    .ifPresent(by -> report.line("    acknowledged by " + by + " at "
                            + alert.acknowledgedAt().orElseThrow()));
        }
    }

    /** {@code backstop alerts acknowledge}. */
    @Command(
            name = "acknowledge",
            description = "Takes note that somebody takes care of alerts.",
            mixinStandardHelpOptions = true)
    static final class AcknowledgeCommand implements Callable<Integer> {
        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final OperatorOption operator = new OperatorOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Parameters(arity = "1..*", paramLabel = "ID", description = "The ids that `backstop alerts list` shows.")
        private List<String> ids = new ArrayList<>();

        @Override
        public Integer call() throws ControlStoreUnavailableException, RefusedException {
            List<AlertView> acknowledged = new ArrayList<>();
            try (ControlStore store = control.openExisting()) {
                for (String id : ids) {
                    Alert alert = store.alerts()
                            .acknowledge(id, operator.name())
                            .orElseThrow(() -> new RefusedException(
                                    "there is no alert " + id, "`backstop alerts list --all` shows all of them"));
                    acknowledged.add(AlertView.of(alert));
                }
            }
            if (report.asJson()) {
                report.json(acknowledged);
            } else {
                acknowledged.forEach(alert -> report.line(alert.id() + " is acknowledged by "
                        + alert.acknowledgedBy().orElseThrow()));
            }
            return ExitCode.DONE;
        }
    }
}
