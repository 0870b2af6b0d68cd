package io.backstop.cli.restore;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.DatabaseOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.recovery.Restore;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.Validation;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code backstop restore-validate}: whether a restored table still is what its snapshot holds. */
@Command(
        name = "restore-validate",
        description = {
            "Compares a restored table with its snapshot: every row, and all that the catalog says of it.",
            "Exit code 1 where they differ. Changes nothing."
        },
        mixinStandardHelpOptions = true)
public final class RestoreValidateCommand implements Callable<Integer> {
    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final SnapshotOption snapshot = new SnapshotOption();

    @Mixin
    private final TargetTableOption target = new TargetTableOption();

    @Mixin
    private final AuthenticityOption authenticity = new AuthenticityOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException, SQLException, RefusedException, RecoveryException {
        try (ObjectStore store = storage.openExisting()) {
            SnapshotArchive archive = authenticity.archive(store, storage.key());
            SnapshotManifest manifest = snapshot.in(archive);
            try (Connection connection = database.address().connect()) {
                RestoredTable restored = new Restore(archive).validate(connection, manifest, target.of(manifest));
                Validation validation = restored.validation();
                if (report.asJson()) {
                    report.json(new Validated(
                            manifest.snapshotId(),
                            restored.original().toString(),
                            restored.target().toString(),
                            validation.holds(),
                            validation.checks(),
                            restored.warnings()));
                } else {
                    ReportPrinter.lines(validation).forEach(report::line);
                    restored.warnings().forEach(warning -> report.line("note: " + warning));
                    report.line(restored.target() + (validation.holds() ? " is what " : " is NOT what ")
                            + manifest.snapshotId() + " holds");
                }
                return validation.holds() ? ExitCode.DONE : ExitCode.FAILED;
            }
        }
    }

    /** The comparison, for programs. */
    private record Validated(
            String snapshotId,
            String table,
            String restoredAs,
            boolean valid,
            List<Validation.Check> checks,
            List<String> warnings) {}
}
