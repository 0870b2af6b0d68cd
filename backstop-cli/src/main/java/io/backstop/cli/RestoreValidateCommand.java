package io.backstop.cli;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.RecoveryException;
import io.backstop.recovery.Restore;
import io.backstop.recovery.RestoredTable;
import io.backstop.recovery.Validation;
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
final class RestoreValidateCommand implements Callable<Integer> {
    @Mixin
    private final Database database = new Database();

    @Mixin
    private final Storage storage = new Storage();

    @Mixin
    private final ChosenSnapshot snapshot = new ChosenSnapshot();

    @Mixin
    private final TargetTable target = new TargetTable();

    @Mixin
    private final Report report = new Report();

    @Override
    public Integer call() throws IOException, SQLException, RefusedException, RecoveryException {
        try (ObjectStore store = storage.openExisting()) {
            SnapshotManifest manifest = snapshot.in(store);
            try (Connection connection = database.address().connect()) {
                RestoredTable restored =
                        new Restore(new SnapshotArchive(store)).validate(connection, manifest, target.of(manifest));
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
                    Report.lines(validation).forEach(report::line);
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
