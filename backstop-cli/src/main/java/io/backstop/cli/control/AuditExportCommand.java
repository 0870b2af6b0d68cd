package io.backstop.cli.control;

import io.backstop.api.audit.AuditLog;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.jdbc.control.AuditView;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop audit export}: the audit as JSON Lines, for a place where it is kept longer or searched otherwise. */
@Command(
        name = "export",
        description = {
            "Writes the audit as JSON Lines, oldest record first, with the names of `audit list --json`.",
            "With --file, it goes on after the last record that the file has; what a stopped export left of a record is"
                    + " written again."
        },
        mixinStandardHelpOptions = true)
final class AuditExportCommand implements Callable<Integer> {
    private static final int AT_ONCE = 1_000;

    @Mixin
    private final ControlOption control = new ControlOption();

    @Option(names = "--file", paramLabel = "FILE", description = "Where to write, and go on [standard output].")
    private @Nullable Path file;

    @Option(
            names = "--after",
            paramLabel = "N",
            defaultValue = "0",
            description = "On standard output: only what follows this record.")
    private long after;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws ControlStoreUnavailableException, IOException, RefusedException {
        try (ControlStore store = control.openExisting()) {
            if (file == null) {
                PrintWriter out = spec.commandLine().getOut();
                export(store.audit(), after, line -> {
                    out.print(line + "\n");
                    if (out.checkError()) {
                        throw new IOException("standard output was closed");
                    }
                });
            } else {
                try (AuditExportFile target = AuditExportFile.open(file)) {
                    Optional<AuditExportFile.Last> last = target.last();
                    if (last.isPresent()) {
                        requireSame(store.audit(), last.get());
                    }
                    long written = export(
                            store.audit(),
                            last.map(AuditExportFile.Last::sequence).orElse(0L),
                            target::append);
                    target.force();
                    spec.commandLine()
                            .getErr()
                            .println(written + (written == 1 ? " record" : " records") + " written to " + file);
                }
            }
        }
        return ExitCode.DONE;
    }

    private static long export(AuditLog audit, long after, Line line)
            throws ControlStoreUnavailableException, IOException {
        long written = 0;
        long last = after;
        List<AuditRecord> records;
        do {
            records = audit.after(last, AT_ONCE);
            for (AuditRecord record : records) {
                line.write(ReportPrinter.jsonLine(AuditView.of(record)));
                last = record.sequence();
                written++;
            }
        } while (records.size() == AT_ONCE);
        return written;
    }

    /** A file of another store, or of one that was set back, is not gone on with: two histories would stand in one file. */
    private void requireSame(AuditLog audit, AuditExportFile.Last last)
            throws ControlStoreUnavailableException, RefusedException {
        Optional<AuditRecord> record = audit.record(last.sequence());
        if (record.isEmpty() || !record.get().hash().equals(last.hash())) {
            throw new RefusedException(
                    "record " + last.sequence() + ", the last in " + file + ", is not that of the control store "
                            + "any more, or was removed by its retention",
                    "`backstop audit verify` says whether the audit is whole; name another file to begin anew");
        }
    }

    /** Where the lines go. */
    private interface Line {
        void write(String text) throws IOException;
    }
}
