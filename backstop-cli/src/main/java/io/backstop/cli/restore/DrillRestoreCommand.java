package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.DatabaseOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.option.TableNameConverter;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.recovery.RestoreDrill;
import io.backstop.recovery.model.ConnectedDatabase;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop drill restore}: whether snapshots can be restored, by restoring them. */
@Command(
        name = "restore",
        description = {
            "Restores snapshots into the database, reads every row back and compares it, and rolls all of it back: nothing"
                    + " is left, whenever it is stopped. Without an id, the newest snapshot of each table that was taken of"
                    + " this database.",
            "It takes the space and the time of a restore. Exit code 0 only where at least one snapshot was restored and"
                    + " none failed. The control store's audit keeps the result."
        },
        mixinStandardHelpOptions = true)
final class DrillRestoreCommand implements Callable<Integer> {
    private static final String ACT = "drill restore";

    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Option(
            names = "--snapshot-id",
            paramLabel = "ID",
            arity = "1..*",
            description = "These, snap_…, of whichever database they are.")
    private List<String> ids = new ArrayList<>();

    @Option(
            names = "--table",
            paramLabel = "NAME",
            converter = TableNameConverter.class,
            description = "Only the newest of this table: name or schema.name.")
    private @Nullable TableReference table;

    @Mixin
    private final AuthenticityOption authenticity = new AuthenticityOption();

    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorOption operator = new OperatorOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException, SQLException, RefusedException {
        List<Drilled> drilled;
        try (ObjectStore store = storage.openExisting()) {
            drilled = drill(authenticity.archive(store, storage.key()));
        } catch (IOException | SQLException | RefusedException e) {
            record(Result.COULD_NOT_RUN, List.of(), ReportPrinter.inOneLine(String.valueOf(e.getMessage()), 200));
            throw e;
        }
        Result result = result(drilled);
        record(result, drilled.stream().map(Drilled::table).toList(), summary(drilled));
        if (report.asJson()) {
            report.json(new Report(result.word(), drilled));
        } else if (drilled.isEmpty()) {
            report.line("could not run: there is no snapshot" + (table == null ? "" : " of " + table)
                    + " of this database in " + storage.address());
        } else {
            report.line(summary(drilled));
        }
        return result == Result.PASSED ? ExitCode.DONE : ExitCode.FAILED;
    }

    private List<Drilled> drill(SnapshotArchive archive) throws IOException, SQLException, RefusedException {
        List<Drilled> drilled = new ArrayList<>();
        try (Connection connection = database.address().connect();
                RestoreProgressBar bar = new RestoreProgressBar()) {
            for (SnapshotManifest manifest : chosen(archive, connection)) {
                Drilled one = drill(archive, connection, manifest, bar);
                drilled.add(one);
                if (!report.asJson()) {
                    report.message(one.line());
                }
            }
        }
        return drilled;
    }

    private static Drilled drill(
            SnapshotArchive archive, Connection connection, SnapshotManifest manifest, RestoreProgressBar bar) {
        long start = System.nanoTime();
        Optional<String> problem = Optional.empty();
        try {
            new RestoreDrill(archive).run(connection, manifest, bar);
        } catch (RecoveryException e) {
            problem = Optional.of(String.valueOf(e.getMessage()));
        }
        return new Drilled(manifest, Duration.ofNanos(System.nanoTime() - start), problem);
    }

    private List<SnapshotManifest> chosen(SnapshotArchive archive, Connection connection)
            throws IOException, SQLException, RefusedException {
        if (!ids.isEmpty()) {
            List<SnapshotManifest> named = new ArrayList<>();
            for (String id : ids) {
                named.add(SnapshotOption.find(id, archive));
            }
            return named;
        }
        SnapshotArchive.Contents contents = archive.contents();
        contents.broken().forEach(problem -> report.warning("not usable: " + problem));
        ConnectedDatabase here = ConnectedDatabase.read(connection);
        Map<RelationName, SnapshotManifest> newest = new LinkedHashMap<>();
        for (SnapshotManifest manifest : contents.valid()) {
            RelationName name = RelationName.of(manifest.schema(), manifest.table());
            if (!contents.undecided().contains(manifest.snapshotId())
                    && !manifest.servesUndoAlone()
                    && !manifest.holdsNoRows()
                    && here.isNamedBy(manifest)
                    && !here.isOfAnotherServer(manifest)
                    && (table == null || table.matches(name))) {
                newest.putIfAbsent(name, manifest);
            }
        }
        return List.copyOf(newest.values());
    }

    private static Result result(List<Drilled> drilled) {
        if (drilled.isEmpty()) {
            return Result.COULD_NOT_RUN;
        }
        return drilled.stream().allMatch(each -> each.problem().isEmpty()) ? Result.PASSED : Result.FAILED;
    }

    private static String summary(List<Drilled> drilled) {
        long failed =
                drilled.stream().filter(each -> each.problem().isPresent()).count();
        return failed == 0
                ? drilled.size() + (drilled.size() == 1 ? " snapshot was" : " snapshots were")
                        + " restored, compared and rolled back"
                : failed + " of " + drilled.size() + " could not be restored";
    }

    /** A drill that nobody can look up later is worth less, but is not undone by that. */
    private void record(Result result, List<String> tables, String detail) {
        try (ControlStore store = control.openExisting()) {
            store.audit()
                    .append(List.of(AuditEvent.ofOperator(
                            Instant.now(),
                            operator.name(),
                            database.address().hostPortAndName(),
                            ACT,
                            tables,
                            result.word() + ": " + detail,
                            Optional.empty())));
        } catch (ControlStoreUnavailableException e) {
            report.warning("the result is not recorded: " + e.getMessage());
        }
    }

    private enum Result {
        PASSED,
        FAILED,
        COULD_NOT_RUN;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** All of it, for programs. */
    private record Report(String result, List<Drilled> snapshots) {}

    /** One snapshot, for programs. */
    private record Drilled(
            String snapshotId,
            String table,
            long rows,
            long bytes,
            double seconds,
            boolean passed,
            Optional<String> problem) {
        Drilled(SnapshotManifest manifest, Duration took, Optional<String> problem) {
            this(
                    manifest.snapshotId(),
                    RelationName.of(manifest.schema(), manifest.table()).toString(),
                    manifest.rowCount(),
                    manifest.storedBytes(),
                    took.toMillis() / 1000.0,
                    problem.isEmpty(),
                    problem);
        }

        String line() {
            String what = snapshotId + " of " + table + ": ";
            return problem.map(words -> "FAILED   " + what + words)
                    .orElse("passed   " + what + rows + " rows in " + String.format(Locale.ROOT, "%.1f s", seconds));
        }
    }
}
