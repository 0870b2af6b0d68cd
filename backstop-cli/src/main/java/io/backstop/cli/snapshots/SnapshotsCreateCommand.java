package io.backstop.cli.snapshots;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop snapshots create}: stores tables as they are now, while they are in use. */
@Command(
        name = "create",
        description = {
            "Stores tables as they all are at one moment, with their partitions and children, and reads them back.",
            "Nobody waits for it but who would drop, empty or alter them."
        },
        mixinStandardHelpOptions = true)
final class SnapshotsCreateCommand implements Callable<Integer> {
    @Mixin
    private final CaptureOptions tables = new CaptureOptions();

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException, SQLException, RecoveryNotReadyException {
        List<SnapshotManifest> taken = tables.take(storage, SnapshotManifest.Source.MANUAL);
        if (report.asJson()) {
            report.json(taken);
        } else {
            print(taken);
        }
        return ExitCode.DONE;
    }

    private void print(List<SnapshotManifest> taken) {
        report.table(
                List.of("snapshot", "table", "rows", "bytes", "format", "taken at", "group"),
                taken.stream()
                        .map(manifest -> List.of(
                                manifest.snapshotId(),
                                RelationName.of(manifest.schema(), manifest.table())
                                        .toString(),
                                String.valueOf(manifest.rowCount()),
                                String.valueOf(manifest.storedBytes()),
                                manifest.copyFormat(),
                                manifest.createdAt().toString(),
                                manifest.groupId()))
                        .toList(),
                "nothing was stored");
    }
}
