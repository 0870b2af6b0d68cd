package io.backstop.cli.control;

import io.backstop.api.control.ControlStore;
import io.backstop.api.control.Quarantine;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop quarantine}: shows and lifts the quarantine of agents. */
@Command(
        name = "quarantine",
        description = "Shows which agents are in quarantine, and lifts it.",
        mixinStandardHelpOptions = true,
        subcommands = {QuarantineCommand.ListCommand.class, QuarantineCommand.LiftCommand.class})
public final class QuarantineCommand {
    private QuarantineCommand() {}

    /** {@code backstop quarantine list}. */
    @Command(
            name = "list",
            description = "Lists the agents in quarantine with the statements that led there.",
            mixinStandardHelpOptions = true)
    static final class ListCommand implements Callable<Integer> {
        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Override
        public Integer call() throws ControlStoreUnavailableException {
            try (ControlStore store = control.openExisting()) {
                List<Quarantine> quarantines = store.quarantine().list();
                if (report.asJson()) {
                    report.json(quarantines);
                    return ExitCode.DONE;
                }
                if (quarantines.isEmpty()) {
                    report.line("no agent is in quarantine");
                }
                for (Quarantine quarantine : quarantines) {
                    report.line(
                            quarantine.agentId() + "  since " + quarantine.since() + "  until " + quarantine.until());
                    quarantine.statements().forEach(statement -> report.line("    " + statement));
                }
            }
            return ExitCode.DONE;
        }
    }

    /** {@code backstop quarantine lift}. */
    @Command(name = "lift", description = "Ends the quarantine of an agent.", mixinStandardHelpOptions = true)
    static final class LiftCommand implements Callable<Integer> {
        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final OperatorOption operator = new OperatorOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Parameters(paramLabel = "AGENT", description = "The agent's id.")
        private String agent = "";

        @Override
        public Integer call() throws ControlStoreUnavailableException, RefusedException {
            try (ControlStore store = control.openExisting()) {
                if (!store.quarantine().lift(agent, operator.name())) {
                    throw new RefusedException(
                            "agent " + agent + " is not in quarantine", "`backstop quarantine list` shows who is");
                }
                if (report.asJson()) {
                    report.json(store.quarantine().list());
                } else {
                    report.line("agent " + agent + " is not in quarantine any more");
                }
            }
            return ExitCode.DONE;
        }
    }
}
