package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.DatabaseOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReadMeteringStore;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.recovery.Restore;
import io.backstop.recovery.RestorePreview;
import io.backstop.recovery.model.ExistingTarget;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.Validation;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop restore}: makes a table of one snapshot, beside the one that it was taken of. */
@Command(
        name = "restore",
        description = {
            "Makes a table of a snapshot: complete, or not at all. Its objects are compared with their checksums before"
                    + " and its rows counted; restore-validate reads every row back.",
            "A table that exists is never changed. One that was restored from the snapshot before, and still is what that"
                    + " holds, is reported as restored already."
        },
        mixinStandardHelpOptions = true)
public final class RestoreCommand implements Callable<Integer> {
    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final SnapshotOption snapshot = new SnapshotOption();

    @Mixin
    private final TargetTableOption target = new TargetTableOption();

    @Mixin
    private final ReplaceOption replace = new ReplaceOption();

    @Mixin
    private final AuthenticityOption authenticity = new AuthenticityOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(
            names = "--dry-run",
            description = "Write nothing: verify the manifest and every object, and say what would be done.")
    private boolean dryRun;

    @Option(
            names = "--read-back",
            description = "Compare every row with the snapshot before the table is there, as restore-validate does"
                    + " afterwards; takes longer.")
    private boolean readBack;

    @Override
    public Integer call() throws IOException, SQLException, RefusedException, RecoveryException {
        try (ObjectStore store = storage.openExisting()) {
            SnapshotArchive archive = authenticity.archive(store, storage.key());
            SnapshotManifest manifest = snapshot.in(archive);
            return dryRun ? rehearse(manifest, archive, store) : restore(manifest, archive);
        }
    }

    private int restore(SnapshotManifest manifest, SnapshotArchive archive) throws SQLException, RecoveryException {
        try (Connection connection = database.address().connect();
                RestoreProgressBar bar = new RestoreProgressBar()) {
            SnapshotOrigin.note(connection, manifest).ifPresent(report::warning);
            Restore restore = replace.asked(new Restore(
                    archive,
                    database.address().connections(),
                    readBack ? RowVerification.EVERY_ROW : RowVerification.COUNTS));
            RestoredTable restored = restore.restore(connection, manifest, target.of(manifest), bar);
            AuthenticityOption.note(archive, manifest).ifPresent(report::warning);
            if (report.asJson()) {
                report.json(new Restored(restored, archive.isAuthenticated(manifest)));
            } else {
                report.line((restored.foundThere() ? "restored already: " : "restored ") + manifest.rowCount()
                        + " rows of " + restored.original() + " from " + manifest.snapshotId() + " of "
                        + manifest.createdAt() + " as " + restored.target());
                ReportPrinter.lines(restored.validation()).forEach(line -> report.line("  " + line));
                restored.created().forEach(what -> report.line("note: " + what + " was missing and created"));
                restored.warnings().forEach(warning -> report.line("note: " + warning));
            }
        }
        return ExitCode.DONE;
    }

    private int rehearse(SnapshotManifest manifest, SnapshotArchive archive, ObjectStore store)
            throws IOException, SQLException, RecoveryException, RefusedException {
        ReadMeteringStore.verify(store, storage.key(), manifest);
        RestorePreview outlook;
        try (Connection connection = database.address().connect()) {
            SnapshotOrigin.note(connection, manifest).ifPresent(report::warning);
            outlook = RestorePreview.of(connection, archive, manifest, target.of(manifest));
        }
        if (report.asJson()) {
            report.json(new Rehearsed(
                    manifest,
                    outlook,
                    outlook.obstacle()
                            .or(() -> outlook.existing()
                                    .filter(there -> !goesOnBeside(there))
                                    .map(ExistingTarget::problem))));
        } else {
            print(manifest, outlook);
        }
        if (outlook.obstacle().isPresent()) {
            throw new RefusedException(outlook.obstacle().get(), "name another target with --target-table");
        }
        Optional<ExistingTarget> refused = outlook.existing().filter(there -> !goesOnBeside(there));
        if (refused.isPresent()) {
            throw refused.get().refusal();
        }
        return ExitCode.DONE;
    }

    private boolean goesOnBeside(ExistingTarget there) {
        return there.isRestoredAlready() || (replace.isAsked() && there.isReplaceable());
    }

    private String toDo(RestorePreview outlook) {
        return outlook.obstacle()
                .or(() -> outlook.existing().map(there -> {
                    if (there.isRestoredAlready()) {
                        return there.problem() + ", so that nothing would be done";
                    }
                    return goesOnBeside(there) ? there.problem() + "; it would be replaced" : there.problem();
                }))
                .orElse("which is free");
    }

    private void print(SnapshotManifest manifest, RestorePreview outlook) {
        report.line("dry run: nothing was written");
        report.line("  snapshot:   " + manifest.snapshotId() + " of " + manifest.createdAt()
                + ", its manifest's checksum and every object are right");
        report.line("  table:      " + RelationName.of(manifest.schema(), manifest.table())
                + (manifest.coverage() == SnapshotManifest.Coverage.ROWS ? ", only the rows of one statement" : ""));
        report.line("  rows:       " + manifest.rowCount());
        report.line("  bytes:      " + manifest.storedBytes() + " stored, in "
                + (manifest.chunks().size() + 2) + " objects");
        report.line("  target:     " + outlook.target() + ", " + toDo(outlook));
        outlook.toCreate().forEach(what -> report.line("  to create:  " + what + " is missing and would be created"));
        outlook.missing()
                .forEach(what ->
                        report.line("  missing:    " + what + ", and the snapshot cannot tell how it was made"));
    }

    /** A restore, for programs. */
    private record Restored(
            String snapshotId,
            String table,
            String restoredAs,
            long rows,
            boolean valid,
            boolean authenticated,
            boolean restoredAlready,
            List<Validation.Check> checks,
            List<String> created,
            List<String> warnings) {
        Restored(RestoredTable restored, boolean authenticated) {
            this(
                    restored.manifest().snapshotId(),
                    restored.original().toString(),
                    restored.target().toString(),
                    restored.manifest().rowCount(),
                    restored.validation().holds(),
                    authenticated,
                    restored.foundThere(),
                    restored.validation().checks(),
                    restored.created(),
                    restored.warnings());
        }
    }

    /** A dry run, for programs. */
    private record Rehearsed(
            boolean dryRun,
            String snapshotId,
            String table,
            String coverage,
            long rows,
            long bytes,
            Instant createdAt,
            boolean verified,
            String target,
            boolean restoredAlready,
            Optional<String> obstacle,
            List<String> toCreate,
            List<String> missing) {
        Rehearsed(SnapshotManifest manifest, RestorePreview outlook, Optional<String> obstacle) {
            this(
                    true,
                    manifest.snapshotId(),
                    RelationName.of(manifest.schema(), manifest.table()).toString(),
                    manifest.coverage().name().toLowerCase(Locale.ROOT),
                    manifest.rowCount(),
                    manifest.storedBytes(),
                    manifest.createdAt(),
                    true,
                    outlook.target().toString(),
                    outlook.existing().filter(ExistingTarget::isRestoredAlready).isPresent(),
                    obstacle,
                    outlook.toCreate(),
                    outlook.missing());
        }
    }
}
