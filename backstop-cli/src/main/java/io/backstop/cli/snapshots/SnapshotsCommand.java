package io.backstop.cli.snapshots;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.DatabaseAddress;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.option.TableNameConverter;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** {@code backstop snapshots}: what the storage holds. */
@Command(
        name = "snapshots",
        description = "Shows, takes, checks and removes snapshots.",
        mixinStandardHelpOptions = true,
        subcommands = {
            SnapshotsCommand.ListCommand.class,
            SnapshotsShowCommand.class,
            SnapshotsCreateCommand.class,
            SnapshotsVerifyCommand.class,
            SnapshotsPruneCommand.class
        })
public final class SnapshotsCommand {
    private SnapshotsCommand() {}

    /** {@code backstop snapshots list}. */
    @Command(
            name = "list",
            description = "Lists the snapshots whose manifest is valid, newest first.",
            mixinStandardHelpOptions = true)
    static final class ListCommand implements Callable<Integer> {
        private static final List<String> HEADINGS = List.of(
                "snapshot", "table", "rows", "taken at", "source", "agent", "group", "bytes", "database", "now");

        @Mixin
        private final StorageOption storage = new StorageOption();

        @Mixin
        private final ReportPrinter report = new ReportPrinter();

        @Option(
                names = "--db",
                paramLabel = "URL",
                converter = DatabaseAddress.Converter.class,
                description = "Also tell which of its own tables this database has at present.")
        private @Nullable DatabaseAddress database;

        @Option(
                names = "--table",
                paramLabel = "NAME",
                converter = TableNameConverter.class,
                description = "Only those of this table: name or schema.name.")
        private @Nullable TableReference table;

        @Override
        public Integer call() throws IOException {
            try (ObjectStore store = storage.openExisting()) {
                SnapshotArchive.Contents contents = storage.archive(store).contents();
                List<SnapshotManifest> manifests =
                        contents.valid().stream().filter(this::wanted).toList();
                if (report.asJson()) {
                    report.json(manifests);
                } else {
                    print(manifests, "no snapshots" + (table == null ? "" : " of " + table) + " in " + store.address());
                }
                manifests.stream()
                        .filter(manifest -> contents.undecided().contains(manifest.snapshotId()))
                        .forEach(manifest -> report.warning("undecided: " + manifest.snapshotId() + " of "
                                + name(manifest) + ": its statement is not known to be committed"));
                contents.broken().forEach(problem -> report.warning("not usable: " + problem));
            }
            return ExitCode.DONE;
        }

        private boolean wanted(SnapshotManifest manifest) {
            return table == null || table.matches(name(manifest));
        }

        private void print(List<SnapshotManifest> manifests, String ifEmpty) {
            ExistingTables present = ExistingTables.in(database, manifests);
            List<Integer> shown = new ArrayList<>(List.of(0, 1, 2, 3));
            if (database != null) {
                shown.add(HEADINGS.indexOf("now"));
            }
            if (manifests.stream().map(SnapshotManifest::database).distinct().count() > 1) {
                shown.add(HEADINGS.indexOf("database"));
            }
            report.tableThatFits(
                    HEADINGS,
                    shown,
                    manifests.stream().map(manifest -> cells(manifest, present)).toList(),
                    ifEmpty);
        }

        private static List<String> cells(SnapshotManifest manifest, ExistingTables present) {
            return List.of(
                    manifest.snapshotId(),
                    name(manifest).toString(),
                    manifest.holdsNoRows() ? "definitions" : String.valueOf(manifest.rowCount()),
                    manifest.createdAt().truncatedTo(ChronoUnit.SECONDS).toString(),
                    manifest.source().name().toLowerCase(Locale.ROOT),
                    manifest.agentId().orElse(""),
                    manifest.groupId(),
                    String.valueOf(manifest.storedBytes()),
                    manifest.database(),
                    present.tell(manifest));
        }

        private static RelationName name(SnapshotManifest manifest) {
            return RelationName.of(manifest.schema(), manifest.table());
        }
    }
}
