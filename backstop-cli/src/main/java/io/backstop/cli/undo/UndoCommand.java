package io.backstop.cli.undo;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.DatabaseOption;
import io.backstop.cli.option.OperatorOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.cli.restore.AuthenticityOption;
import io.backstop.recovery.Undo;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.UndoConflict;
import io.backstop.recovery.model.UndoReport;
import io.backstop.recovery.model.UndoReport.Outcome;
import io.backstop.recovery.model.UndoRequest;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop undo}: takes back one statement, or one undo. */
@Command(
        name = "undo",
        description = {
            "Undoes one statement that has a snapshot, in all tables that it changed, in one transaction. Rows that somebody"
                    + " has changed since are named, and nothing is changed then (exit code 3), unless --skip-changed.",
            "What it changes is stored before, so that the undo can be undone by its own id. The control store's audit keeps"
                    + " what came of it."
        },
        mixinStandardHelpOptions = true)
public final class UndoCommand implements Callable<Integer> {
    private static final String ACT = "undo";

    @Parameters(
            paramLabel = "ID",
            description =
                    "The change: grp_…, or one of its snapshots, snap_…, or the approval under which it ran, appr_….")
    private String id = "";

    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Option(
            names = "--dry-run",
            description = "Do the same in a transaction that is rolled back, and tell what would change.")
    private boolean dryRun;

    @Option(
            names = "--skip-changed",
            description = "Leave the rows that were changed since as they are, and undo the others.")
    private boolean skipChanged;

    @Mixin
    private final AuthenticityOption authenticity = new AuthenticityOption();

    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorOption operator = new OperatorOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Override
    public Integer call() throws IOException, SQLException, RecoveryException, RefusedException {
        UndoReport undone = undo();
        if (!dryRun) {
            record(
                    undone.tables().stream()
                            .map(table -> table.name().toString())
                            .toList(),
                    UndoText.recorded(undone));
        }
        if (report.asJson()) {
            report.json(new UndoJson(undone));
        } else {
            UndoText.lines(undone).forEach(report::line);
        }
        if (undone.outcome() == Outcome.REFUSED) {
            throw new RefusedException(
                    "rows were changed since " + undone.change() + ", so nothing was changed",
                    undone.tables().stream().anyMatch(UndoReport.Table::changes)
                            ? "look at these rows; with --skip-changed they stay as they are and the others are undone"
                            : "look at these rows; without them there is nothing to undo, or it cannot be told which rows"
                                    + " of the statement are which");
        }
        return ExitCode.DONE;
    }

    private UndoReport undo() throws IOException, SQLException, RecoveryException {
        try (ObjectStore store = storage.openExisting();
                Connection connection = database.address().connect()) {
            Undo undo = new Undo(
                    authenticity.archive(store, storage.key()),
                    new SnapshotSettings(storage.address(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC()));
            UndoRequest request = new UndoRequest(id, operator.name(), skipChanged);
            return dryRun ? undo.preview(connection, request) : undo.run(connection, request);
        } catch (IOException | SQLException | RecoveryException e) {
            if (!dryRun) {
                record(
                        List.of(),
                        id + " was not undone: " + ReportPrinter.inOneLine(String.valueOf(e.getMessage()), 200));
            }
            throw e;
        }
    }

    /** What was done is done, also where it cannot be recorded; its snapshots tell of it. */
    private void record(List<String> tables, String detail) {
        try (ControlStore store = control.openExisting()) {
            store.audit()
                    .append(List.of(AuditEvent.ofOperator(
                            Instant.now(),
                            operator.name(),
                            database.address().hostPortAndName(),
                            ACT,
                            tables,
                            detail,
                            Optional.empty())));
        } catch (ControlStoreUnavailableException e) {
            report.warning("the undo is not recorded in an audit: " + e.getMessage());
        }
    }

    /** All of it, for programs. */
    private record UndoJson(
            String change,
            Optional<String> undo,
            String outcome,
            List<TableJson> tables,
            List<ConflictJson> conflicts,
            List<String> notes) {
        UndoJson(UndoReport report) {
            this(
                    report.change(),
                    report.undo(),
                    UndoText.word(report.outcome()),
                    report.tables().stream().map(TableJson::new).toList(),
                    report.conflicts().stream().map(ConflictJson::new).toList(),
                    report.notes());
        }
    }

    /** One table, for programs. */
    private record TableJson(
            String table, long returned, long updated, long removed, long unchanged, long notTouched, long conflicts) {
        TableJson(UndoReport.Table table) {
            this(
                    table.name().toString(),
                    table.returned(),
                    table.updated(),
                    table.removed(),
                    table.unchanged(),
                    table.notTouched(),
                    table.conflicts());
        }
    }

    /** One row that stays as it is, for programs. */
    private record ConflictJson(
            String table, Map<String, String> key, String reason, Optional<String> constraint, long rows) {
        ConflictJson(UndoConflict conflict) {
            this(
                    conflict.table().toString(),
                    conflict.key(),
                    UndoText.word(conflict.reason()),
                    conflict.constraint(),
                    conflict.rows());
        }
    }
}
