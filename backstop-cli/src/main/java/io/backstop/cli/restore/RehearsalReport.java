package io.backstop.cli.restore;

import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.recovery.model.Rehearsal;

import java.util.Optional;

/**
 * A rehearsal, for programs.
 *
 * @param outcome {@code passed}, {@code failed} or {@code not_done}
 * @param statement the beginning of the statement that fails
 * @param reason why it fails, or why nothing was rehearsed
 * @param hint what to do next
 */
record RehearsalReport(String outcome, Optional<String> statement, Optional<String> reason, Optional<String> hint) {
    static RehearsalReport of(Rehearsal rehearsal) {
        if (rehearsal instanceof Rehearsal.Failed failed) {
            return new RehearsalReport(
                    "failed",
                    Optional.of(failed.statement()),
                    Optional.of(failed.reason()),
                    Optional.of(failed.hint()));
        }
        if (rehearsal instanceof Rehearsal.NotDone notDone) {
            return new RehearsalReport("not_done", Optional.empty(), Optional.of(notDone.reason()), Optional.empty());
        }
        return new RehearsalReport("passed", Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** Tells it before the script, as comments of that. */
    static void print(Rehearsal rehearsal, ReportPrinter report) {
        report.line("-- " + rehearsal.words());
        if (rehearsal instanceof Rehearsal.Failed failed) {
            report.line("-- HINT: " + failed.hint());
            report.line("-- NOT READY: as it is, what follows changes nothing.");
        }
    }

    /** How the command ends: a script that cannot run is no way back. */
    static int exitCode(Rehearsal rehearsal) {
        return rehearsal instanceof Rehearsal.Failed ? ExitCode.FAILED : ExitCode.DONE;
    }
}
