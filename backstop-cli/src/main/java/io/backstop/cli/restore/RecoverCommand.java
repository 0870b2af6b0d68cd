package io.backstop.cli.restore;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.DatabaseAddress;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.recovery.CopybackPlanner;
import io.backstop.recovery.GuidedRecovery;
import io.backstop.recovery.RecoveryReport;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.Validation;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop recover}: from the name of a lost table to a validated copy of it, and the SQL that puts it back. */
@Command(
        name = "recover",
        description = {
            "Restores a snapshot of a table, the newest or one from before --before, to TABLE_recovered, validates it, and"
                    + " then prints the SQL that puts it back. The newest without rows is passed over while an older one has"
                    + " some.",
            "With --schema, all tables of a schema of which something was stored since --before, together: rows and"
                    + " definitions as they were before that. What is there and differs is named and stays.",
            "The original table, if there is one, is not touched."
        },
        mixinStandardHelpOptions = true)
public final class RecoverCommand implements Callable<Integer> {
    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(
            names = "--db",
            required = true,
            paramLabel = "URL",
            converter = DatabaseAddress.Converter.class,
            description = "Where to restore to, as psql takes it: postgresql://user@host:port/database.")
    private DatabaseAddress database = DatabaseAddress.parse("postgresql://localhost", System.getenv());

    @ArgGroup(multiplicity = "1")
    private Lost lost = new Lost();

    /** Either of them. */
    static final class Lost {
        @Option(
                names = "--table",
                required = true,
                paramLabel = "NAME",
                description = "The lost table: name or schema.name.")
        private String table = "";

        @Option(
                names = "--schema",
                required = true,
                paramLabel = "NAME",
                description = "The schema whose tables and definitions were lost; needs --before.")
        private String schema = "";

        /** Its name is taken as it is; one that is quoted as in SQL has quotes in no other reading. */
        String schemaName() {
            return schema.length() > 2 && schema.startsWith("\"") && schema.endsWith("\"")
                    ? schema.substring(1, schema.length() - 1).replace("\"\"", "\"")
                    : schema;
        }
    }

    @Spec
    private @Nullable CommandSpec command;

    @Mixin
    private final RehearsalOption rehearsal = new RehearsalOption();

    @Mixin
    private final AuthenticityOption authenticity = new AuthenticityOption();

    @Mixin
    private final BeforeOption before = new BeforeOption();

    @Mixin
    private final PresentOption present = new PresentOption();

    @Mixin
    private final ReplaceOption replace = new ReplaceOption();

    @Option(names = "--group", description = "Also every table that was stored together with it.")
    private boolean group;

    @Override
    public Integer call()
            throws IOException, SQLException, RecoveryException, RefusedException, ControlStoreUnavailableException {
        if (!lost.schema.isEmpty() && !before.isGiven()) {
            throw usage("--schema needs --before: a moment in the history of a schema");
        }
        if (!lost.schema.isEmpty() && group) {
            throw usage("--group is of a table, and --schema recovers its tables together anyway");
        }
        try (ObjectStore store = storage.openExisting();
                Connection connection = database.connect();
                RestoreProgressBar bar = new RestoreProgressBar()) {
            SnapshotArchive archive = authenticity.archive(store, storage.key());
            GuidedRecovery recovery = replace.asked(new GuidedRecovery(archive, planner(), database.connections()));
            RecoveryReport done = recover(recovery, connection, bar);
            done.tables().stream()
                    .flatMap(restored -> AuthenticityOption.note(archive, restored.manifest()).stream())
                    .forEach(report::warning);
            if (report.asJson()) {
                report.json(new Recovered(done, archive));
            } else {
                print(done);
            }
            return RehearsalReport.exitCode(done.copyback().rehearsal());
        }
    }

    private CopybackPlanner planner() {
        return present.asked(rehearsal.planner(), !report.asJson());
    }

    private RecoveryReport recover(GuidedRecovery recovery, Connection connection, RestoreProgressBar bar)
            throws RecoveryException, RefusedException, ControlStoreUnavailableException {
        if (!lost.schema.isEmpty()) {
            return recovery.recoverSchema(
                    connection, lost.schemaName(), before.given().orElseThrow(), bar);
        }
        Optional<RecoveryPoint> point = before.point(recovery, connection, lost.table, !report.asJson());
        return group
                ? recovery.recoverGroup(connection, lost.table, point, bar)
                : recovery.recover(connection, lost.table, point, bar);
    }

    private ParameterException usage(String problem) {
        return new ParameterException(Objects.requireNonNull(command).commandLine(), problem);
    }

    private void print(RecoveryReport done) {
        for (RestoredTable restored : done.tables()) {
            SnapshotManifest manifest = restored.manifest();
            comment(restored.original() + " of " + manifest.createdAt() + " (" + manifest.snapshotId()
                    + (restored.foundThere() ? ") was restored before as " : ") is restored as ") + restored.target()
                    + ", " + manifest.rowCount() + " rows");
            ReportPrinter.lines(restored.validation()).forEach(line -> comment("  " + line));
        }
        done.notes().forEach(note -> comment("note: " + note));
        done.copyback()
                .parts()
                .forEach(part -> comment(part.original() + ": " + part.rows().words()));
        Rehearsal outcome = done.copyback().rehearsal();
        report.line(verdict(done.copyback(), outcome));
        RehearsalReport.print(outcome, report);
        report.script(done.copyback().sql());
    }

    private static String verdict(CopybackPlan plan, Rehearsal outcome) {
        if (outcome instanceof Rehearsal.Failed) {
            return "-- valid, but the SQL that puts the rows back does not work yet.";
        }
        long offered =
                plan.parts().stream().mapToLong(part -> part.rows().offered()).sum();
        return offered == 0
                ? "-- valid. Review what follows, then run it to put the rows back."
                : "-- valid, but " + offered
                        + " stored rows DO NOT COME BACK by what follows as it is: the notes say why,"
                        + " and its comments offer them.";
    }

    /** All of this is run as a script, so that no name in it may end the comment: a line is printed as one. */
    private void comment(String text) {
        report.line("-- " + text);
    }

    /** The report for programs. */
    private record Recovered(List<Table> tables, List<String> notes, RehearsalReport rehearsal, String copybackSql) {
        Recovered(RecoveryReport report, SnapshotArchive archive) {
            this(
                    report.tables().stream()
                            .map(table -> new Table(
                                    table, rows(report.copyback(), table), archive.isAuthenticated(table.manifest())))
                            .toList(),
                    report.notes(),
                    RehearsalReport.of(report.copyback().rehearsal()),
                    report.copyback().sql());
        }

        private static CopybackCounts rows(CopybackPlan plan, RestoredTable table) {
            return plan.parts().stream()
                    .filter(part -> part.recovered().equals(table.target()))
                    .map(CopybackPlan.Part::rows)
                    .findFirst()
                    .orElseGet(() -> CopybackCounts.untouched(table.manifest().rowCount()));
        }
    }

    private record Table(
            String table,
            String restoredAs,
            String snapshotId,
            long rows,
            CopybackCounts copyback,
            boolean valid,
            boolean authenticated,
            List<Validation.Check> checks) {
        Table(RestoredTable restored, CopybackCounts copyback, boolean authenticated) {
            this(
                    restored.original().toString(),
                    restored.target().toString(),
                    restored.manifest().snapshotId(),
                    restored.manifest().rowCount(),
                    copyback,
                    restored.validation().holds(),
                    authenticated,
                    restored.validation().checks());
        }
    }
}
