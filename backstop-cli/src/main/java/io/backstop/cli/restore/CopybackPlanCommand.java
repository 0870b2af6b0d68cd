package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.DatabaseAddress;
import io.backstop.cli.option.KeyOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.option.TableNameConverter;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.recovery.GuidedRecovery;
import io.backstop.recovery.OfflineCopybackScript;
import io.backstop.recovery.Restore;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.CopybackPlan;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.Rehearsal;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop restore-copyback-plan}: the SQL that takes restored rows to where they are missed, for somebody to read. */
@Command(
        name = "restore-copyback-plan",
        description = {
            "Prints the SQL that takes a restored table's rows to where they are missed. Runs none of it.",
            "With --db and --storage it looks at both tables and the snapshot and writes the exact script; without, it"
                    + " writes one from the two names, which finds out the rest when it runs and says what it cannot do."
        },
        mixinStandardHelpOptions = true)
public final class CopybackPlanCommand implements Callable<Integer> {
    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Spec
    private @Nullable CommandSpec command;

    @Option(
            names = "--source-table",
            required = true,
            paramLabel = "NAME",
            converter = TableNameConverter.class,
            description = "The restored table: name or schema.name.")
    private TableReference source = new TableNameConverter().convert("-");

    @Option(
            names = "--target-table",
            required = true,
            paramLabel = "NAME",
            converter = TableNameConverter.class,
            description = "The table that the rows are missed in: name or schema.name.")
    private TableReference target = new TableNameConverter().convert("-");

    @Option(
            names = "--db",
            paramLabel = "URL",
            converter = DatabaseAddress.Converter.class,
            description = "Look at the tables in this database.")
    private @Nullable DatabaseAddress database;

    @Mixin
    private final RehearsalOption rehearsal = new RehearsalOption();

    @Option(
            names = "--storage",
            paramLabel = "ADDRESS",
            defaultValue = "${env:BACKSTOP_STORAGE}",
            description = "With --db: where the snapshot is that the table was restored from [BACKSTOP_STORAGE].")
    private @Nullable String storage;

    @Mixin
    private final PresentOption present = new PresentOption();

    @Mixin
    private final KeyOption key = new KeyOption();

    @Mixin
    private final AuthenticityOption authenticity = new AuthenticityOption();

    @Option(
            names = "--snapshot-id",
            paramLabel = "ID",
            description = "With --db: that snapshot [the newest of the target table in this database].")
    private @Nullable String snapshotId;

    @Override
    public Integer call() throws IOException, SQLException, RefusedException, RecoveryException {
        DatabaseAddress looked = database;
        String address = storage;
        requireTwoTables(source.name(), target.name());
        if (looked == null) {
            if (snapshotId != null) {
                throw usage("--snapshot-id needs --db: a snapshot is compared with the tables of a database");
            }
            if (present.isGiven()) {
                throw usage("--present needs --db: a script of two names looks at no table");
            }
            print(Plan.byName(source.name(), target.name()), Optional.empty());
        } else if (address == null || address.isBlank()) {
            throw usage("--db needs --storage: what the table was before, its snapshot says");
        } else {
            try (ObjectStore store = StorageOption.openExisting(address);
                    Connection connection = looked.connect()) {
                return exact(authenticity.archive(store, key.key()), connection);
            }
        }
        return ExitCode.DONE;
    }

    private int exact(SnapshotArchive archive, Connection connection)
            throws IOException, SQLException, RefusedException, RecoveryException {
        SnapshotManifest manifest = manifest(archive, connection);
        RelationName recovered = Restore.target(manifest, source.name());
        requireTwoTables(recovered, name(manifest));
        RestoredTable restored = new Restore(archive).validate(connection, manifest, recovered);
        if (!restored.validation().holds()) {
            throw new RefusedException(
                    restored.target() + " is not what " + manifest.snapshotId() + " of " + manifest.createdAt()
                            + " holds: " + restored.validation().failures().get(0),
                    snapshotId == null
                            ? "that is the newest snapshot of " + restored.original()
                                    + "; name the one that it was restored from with --snapshot-id"
                            : "restore the snapshot again; there is no copyback of a table that differs");
        }
        CopybackPlan plan = present.asked(rehearsal.planner(), !report.asJson()).plan(connection, List.of(restored));
        Plan shown = new Plan(
                restored.target().toString(),
                restored.original().toString(),
                true,
                Optional.of(manifest.snapshotId()),
                Optional.of(plan.parts().get(0).situation().name().toLowerCase(Locale.ROOT)),
                Optional.of(plan.parts().get(0).rows()),
                plan.warnings(),
                Optional.of(RehearsalReport.of(plan.rehearsal())),
                plan.sql());
        print(shown, Optional.of(plan.rehearsal()));
        return RehearsalReport.exitCode(plan.rehearsal());
    }

    /** The script ends with the restored table's removal, for when its rows are back. */
    private static void requireTwoTables(RelationName source, RelationName target) throws RefusedException {
        if (source.equals(target)) {
            throw new RefusedException(
                    "table " + source + " is both the source and the target",
                    "the source is the table that the snapshot was restored as, for instance " + source.name()
                            + "_recovered");
        }
    }

    private SnapshotManifest manifest(SnapshotArchive archive, Connection connection)
            throws IOException, SQLException, RefusedException, RecoveryException {
        if (snapshotId != null) {
            SnapshotManifest manifest = SnapshotOption.find(snapshotId, archive);
            if (!target.matches(name(manifest))) {
                throw new RefusedException(
                        "snapshot " + snapshotId + " is of table " + name(manifest) + ", not of " + target,
                        "the target is the table that the snapshot was taken of");
            }
            SnapshotOrigin.note(connection, manifest).ifPresent(report::warning);
            return manifest;
        }
        SnapshotArchive.Contents contents = archive.contents();
        List<SnapshotManifest> all = contents.valid().stream()
                .filter(manifest -> !manifest.servesUndoAlone() && !manifest.holdsNoRows())
                .toList();
        RelationName table =
                target.among(all.stream().map(CopybackPlanCommand::name).toList(), contents.broken());
        List<String> notes = new ArrayList<>();
        SnapshotManifest newest = GuidedRecovery.ofDatabase(
                        connection,
                        all.stream()
                                .filter(manifest -> name(manifest).equals(table))
                                .toList(),
                        notes)
                .get(0);
        notes.forEach(note -> report.warning("note: " + note));
        return newest;
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }

    private void print(Plan plan, Optional<Rehearsal> outcome) {
        if (report.asJson()) {
            report.json(plan);
        } else {
            outcome.ifPresent(rehearsed -> RehearsalReport.print(rehearsed, report));
            report.script(plan.sql());
        }
    }

    private ParameterException usage(String problem) {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        return new ParameterException(command.commandLine(), problem);
    }

    /**
     * The plan, for programs.
     *
     * @param lookedAt whether both tables and the snapshot were looked at
     * @param situation how the target table is: gone, present or changed; known only where it was looked at
     * @param rows what becomes of the stored rows; known only where it was looked at
     * @param notes what the script does not bring back, and why
     * @param rehearsal whether the script works; known only where it was looked at
     */
    private record Plan(
            String sourceTable,
            String targetTable,
            boolean lookedAt,
            Optional<String> snapshotId,
            Optional<String> situation,
            Optional<CopybackCounts> rows,
            List<String> notes,
            Optional<RehearsalReport> rehearsal,
            String sql) {
        static Plan byName(RelationName source, RelationName target) {
            return new Plan(
                    source.toString(),
                    target.toString(),
                    false,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    List.of(),
                    Optional.empty(),
                    OfflineCopybackScript.script(source, target));
        }
    }
}
