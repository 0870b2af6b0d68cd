package io.backstop.cli.doctor;

import io.backstop.cli.doctor.DoctorFinding.State;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the checks of a command come to: printed, and as its exit code. */
final class Diagnosis {
    @Option(names = "--strict", description = "Exit code 1 where a check is degraded, too.")
    private boolean strict;

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    /** Prints the findings; 0 where all is ready, or degraded without {@code --strict}. */
    int conclude(List<DoctorFinding> findings) {
        State worst = findings.stream()
                .map(DoctorFinding::state)
                .max(Comparator.naturalOrder())
                .orElse(State.NOT_READY);
        if (report.asJson()) {
            report.json(new Report(
                    worst.word(),
                    findings.stream()
                            .map(each -> new Check(each.check(), each.state().word(), each.detail(), each.remedy()))
                            .toList()));
        } else {
            for (DoctorFinding finding : findings) {
                report.line(String.format(
                        Locale.ROOT, "%-10s %s: %s", finding.state().word(), finding.check(), finding.detail()));
                finding.remedy().ifPresent(remedy -> report.line("           HINT: " + remedy));
            }
            report.line(worst.word());
        }
        return worst == State.READY || (worst == State.DEGRADED && !strict) ? ExitCode.DONE : ExitCode.FAILED;
    }

    /** All of it, for programs. */
    private record Report(String status, List<Check> checks) {}

    /** One check, for programs. */
    private record Check(String check, String status, String detail, Optional<String> remedy) {}
}
