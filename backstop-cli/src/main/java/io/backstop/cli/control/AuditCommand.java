package io.backstop.cli.control;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditQuery;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.control.AuditView;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop audit}: shows the audit log and checks its hash chain. */
@Command(
        name = "audit",
        description = "Shows the audit, writes it to a file, and checks that nobody changed it.",
        mixinStandardHelpOptions = true,
        subcommands = {AuditCommand.ListCommand.class, AuditCommand.VerifyCommand.class, AuditExportCommand.class})
public final class AuditCommand {
    private AuditCommand() {}

    /** {@code backstop audit list}. */
    @Command(name = "list", description = "Shows the newest records, newest first.", mixinStandardHelpOptions = true)
    static final class ListCommand implements Callable<Integer> {
        /** Of a long text so many characters are shown, on a terminal over so many lines. */
        private static final int SHOWN_TEXT = 200;

        private static final int SHOWN_LINES = 2;

        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Option(names = "--limit", paramLabel = "N", defaultValue = "50", description = "How many [${DEFAULT-VALUE}].")
        private int limit;

        @Option(names = "--risk", paramLabel = "RISK", description = "Only this risk: SAFE, WRITE, HIGH, CRITICAL.")
        private @Nullable RiskLevel risk;

        @Option(names = "--agent", paramLabel = "ID", description = "Only this agent or operator.")
        private @Nullable String agent;

        @Option(
                names = "--since",
                paramLabel = "TIME",
                description = "Only from this time on, like 2026-05-06T12:29:00Z.")
        private @Nullable Instant since;

        @Override
        public Integer call() throws ControlStoreUnavailableException {
            try (ControlStore store = control.openExisting()) {
                List<AuditRecord> records = store.audit()
                        .newest(new AuditQuery(
                                limit,
                                Optional.ofNullable(risk),
                                Optional.ofNullable(agent),
                                Optional.ofNullable(since)));
                if (report.asJson()) {
                    report.json(records.stream().map(AuditView::of).toList());
                } else {
                    if (records.isEmpty()) {
                        report.line("no record of the audit fits");
                    }
                    records.forEach(this::print);
                }
            }
            return ExitCode.DONE;
        }

        private void print(AuditRecord record) {
            AuditEvent event = record.event();
            report.line(record.sequence() + "  " + event.at().truncatedTo(ChronoUnit.SECONDS) + "  " + event.agentId()
                    + "  " + event.risk() + "  " + event.operation());
            for (String text : List.of(event.outcome(), event.sql())) {
                if (!text.isEmpty()) {
                    report.wrapped("    ", ReportPrinter.inOneLine(text, SHOWN_TEXT), SHOWN_LINES);
                }
            }
        }
    }

    /** {@code backstop audit verify}. */
    @Command(
            name = "verify",
            description = "Checks the audit's hash chain; exit code 3 where a record was changed or is missing.",
            mixinStandardHelpOptions = true)
    static final class VerifyCommand implements Callable<Integer> {
        @Mixin
        private final ControlOption control = new ControlOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Override
        public Integer call() throws ControlStoreUnavailableException {
            try (ControlStore store = control.openExisting()) {
                Optional<Long> broken = store.audit().firstBroken();
                if (report.asJson()) {
                    report.json(new Outcome(broken.isEmpty(), broken));
                } else {
                    report.line(broken.map(sequence -> "the audit is not what was written: record " + sequence
                                    + " was changed or is missing")
                            .orElse("the audit is whole"));
                }
                return broken.isEmpty() ? ExitCode.DONE : ExitCode.REFUSED;
            }
        }

        private record Outcome(boolean whole, Optional<Long> firstBroken) {}
    }
}
