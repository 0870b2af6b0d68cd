package io.backstop.cli.control;

import io.backstop.api.analysis.RiskLevel;
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
        private static final int SHOWN_SQL = 50;

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
                    report.tableThatFits(
                            List.of("no", "at", "who", "risk", "operation", "outcome", "statement"),
                            List.of(0, 1, 2, 4, 5),
                            records.stream().map(ListCommand::row).toList(),
                            "no record of the audit fits");
                }
            }
            return ExitCode.DONE;
        }

        private static List<String> row(AuditRecord record) {
            return List.of(
                    String.valueOf(record.sequence()),
                    record.event().at().toString(),
                    record.event().agentId(),
                    record.event().risk().name(),
                    record.event().operation(),
                    ReportPrinter.inOneLine(record.event().outcome(), SHOWN_SQL),
                    ReportPrinter.inOneLine(record.event().sql(), SHOWN_SQL));
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
