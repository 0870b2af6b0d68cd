package io.backstop.cli.snapshots;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.cli.restore.SnapshotOption;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.describe.ObjectDescriber;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** {@code backstop snapshots show}: what is known of a snapshot. */
@Command(
        name = "show",
        description = {
            "Shows all that the manifest of a snapshot says: of which table, when, for which statement, which rows and"
                    + " columns, and the others of its group.",
            "The rows are not read: `backstop snapshots verify --snapshot-id ID` compares them with the manifest."
        },
        mixinStandardHelpOptions = true)
final class SnapshotsShowCommand implements Callable<Integer> {
    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Parameters(paramLabel = "ID", arity = "1..*", description = "The snapshots, snap_….")
    private List<String> ids = new ArrayList<>();

    @Override
    public Integer call() throws IOException, RefusedException {
        try (ObjectStore store = storage.openExisting()) {
            SnapshotArchive archive = storage.archive(store);
            List<Shown> shown = new ArrayList<>();
            SnapshotArchive.Contents contents = archive.contents();
            for (String id : ids) {
                shown.add(shown(SnapshotOption.find(id, archive), archive, contents));
            }
            if (report.asJson()) {
                report.json(shown);
            } else {
                shown.forEach(one -> print(one, definitions(one.manifest(), archive)));
            }
        }
        return ExitCode.DONE;
    }

    private static String which(SnapshotManifest manifest) {
        return switch (manifest.coverage()) {
            case TABLE -> "all of the table's own";
            case ROWS -> "those that the statement changed or removed";
            case DEFINITIONS -> "the table's definitions alone";
            case OBJECT -> "a definition of its own: it is of no table";
            case MADE -> "those that were inserted, as they were inserted";
        };
    }

    private static Shown shown(SnapshotManifest manifest, SnapshotArchive archive, SnapshotArchive.Contents contents) {
        return new Shown(
                manifest,
                !contents.undecided().contains(manifest.snapshotId()),
                archive.isAuthenticated(manifest),
                contents.valid().stream()
                        .filter(other -> other.groupId().equals(manifest.groupId())
                                && !other.snapshotId().equals(manifest.snapshotId()))
                        .map(other -> new Member(other.snapshotId(), name(other).toString(), other.rowCount()))
                        .toList());
    }

    /** What a snapshot without rows is there for; one with rows says it by these. */
    private static List<String> definitions(SnapshotManifest manifest, SnapshotArchive archive) {
        if (!manifest.holdsNoRows()) {
            return List.of();
        }
        try {
            TableDescription table = archive.description(manifest);
            if (manifest.holdsObject()) {
                Prerequisite object = ObjectDescriber.itself(table);
                return List.of(object.kind() + " " + object.identity());
            }
            List<String> parts = new ArrayList<>();
            table.constraints().forEach(constraint -> parts.add("constraint " + constraint.name()));
            table.indexes().forEach(index -> parts.add("index " + index.name()));
            table.dependents().forEach(part -> parts.add(part.kind() + " " + part.identity()));
            return parts;
        } catch (IOException e) {
            return List.of("cannot be read: " + e.getMessage());
        }
    }

    private void print(Shown shown, List<String> definitions) {
        SnapshotManifest manifest = shown.manifest();
        report.line(manifest.snapshotId());
        line("table", name(manifest).toString());
        line("database", manifest.database() + ", PostgreSQL " + manifest.serverVersion());
        manifest.server().ifPresent(server -> line("server", server.toString()));
        line("taken at", manifest.createdAt() + ", log position " + manifest.lsn());
        line("source", manifest.source().name().toLowerCase(Locale.ROOT));
        manifest.agentId().ifPresent(agent -> line("agent", agent));
        manifest.operation()
                .ifPresent(operation ->
                        line("before", operation.name().toLowerCase(Locale.ROOT).replace('_', ' ')));
        manifest.statementSha256().ifPresent(digest -> line("statement", "SHA-256 " + digest));
        manifest.approvalId().ifPresent(approval -> line("approval", approval));
        line(
                "state",
                shown.decided()
                        ? "final"
                        : "undecided: its statement is not known to be committed, and recover and prune do not count it");
        line("rows", manifest.rowCount() + ", " + which(manifest));
        definitions.forEach(definition -> line("holds", definition));
        manifest.undoOf().ifPresent(change -> line("undo of", change));
        line("bytes", manifest.storedBytes() + " in " + (manifest.chunks().size() + 2) + " objects");
        line("key", authenticity(shown));
        if (!manifest.columns().isEmpty()) {
            line(
                    "columns",
                    manifest.columns().stream()
                            .map(column -> column.name() + " " + column.type())
                            .collect(Collectors.joining(", ")));
        }
        line("group", manifest.groupId() + (shown.group().isEmpty() ? ", this snapshot alone" : ""));
        shown.group()
                .forEach(
                        other -> line("", other.snapshotId() + " of " + other.table() + ", " + other.rows() + " rows"));
    }

    private static String authenticity(Shown shown) {
        if (shown.authenticated()) {
            return "encrypted, and authenticated under the key that is given";
        }
        return shown.manifest().hasEncryptedRows()
                ? "encrypted, and no key is given: rows, columns and definitions cannot be read"
                : "none: a writer of the storage may have changed its rows and definitions";
    }

    private void line(String what, String value) {
        report.line("    %-10s %s".formatted(what, value));
    }

    private static RelationName name(SnapshotManifest manifest) {
        return RelationName.of(manifest.schema(), manifest.table());
    }

    /**
     * One snapshot, for programs.
     *
     * @param decided whether it is final
     * @param group the other snapshots of its recovery group
     */
    private record Shown(SnapshotManifest manifest, boolean decided, boolean authenticated, List<Member> group) {}

    /** Another snapshot of the same moment. */
    private record Member(String snapshotId, String table, long rows) {}
}
