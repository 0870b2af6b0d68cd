package io.backstop.cli.snapshots;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.option.TableNameConverter;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.ReadMeteringStore;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.cli.restore.SnapshotOption;
import io.backstop.recovery.model.TableReference;
import io.backstop.snapshot.archive.CorruptSnapshotException;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;

/** {@code backstop snapshots verify}: whether what is stored is what was stored. */
@Command(
        name = "verify",
        description = {
            "Reads every object of the snapshots to its end and compares it with the manifest.",
            "Exit code 1 where one is damaged, or a manifest is not valid."
        },
        mixinStandardHelpOptions = true)
final class SnapshotsVerifyCommand implements Callable<Integer> {
    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(
            names = "--table",
            paramLabel = "NAME",
            converter = TableNameConverter.class,
            description = "Only those of this table: name or schema.name.")
    private @Nullable TableReference table;

    @Option(names = "--snapshot-id", paramLabel = "ID", description = "Only this one.")
    private @Nullable String snapshotId;

    @Override
    public Integer call() throws IOException, RefusedException {
        List<Verified> verified;
        List<String> broken;
        try (ObjectStore store = storage.openExisting()) {
            SnapshotArchive.Contents contents = snapshotId == null
                    ? storage.archive(store).contents()
                    : new SnapshotArchive.Contents(
                            List.of(SnapshotOption.find(snapshotId, storage.archive(store))), Set.of(), List.of());
            // A manifest that cannot be read does not tell for sure whose it is, so a table's name leaves none out.
            broken = contents.broken();
            verified = verify(contents.valid().stream().filter(this::wanted).toList(), store, storage.key());
            if (!report.asJson() && verified.isEmpty() && broken.isEmpty()) {
                report.line("no snapshots" + (table == null ? "" : " of " + table) + " in " + store.address());
            }
        }
        if (report.asJson()) {
            report.json(new Verification(
                    broken.isEmpty() && verified.stream().allMatch(Verified::valid), verified, broken));
        } else {
            broken.forEach(problem -> report.line("DAMAGED  " + problem));
        }
        return broken.isEmpty() && verified.stream().allMatch(Verified::valid) ? ExitCode.DONE : ExitCode.FAILED;
    }

    private boolean wanted(SnapshotManifest manifest) {
        return table == null || table.matches(RelationName.of(manifest.schema(), manifest.table()));
    }

    private List<Verified> verify(List<SnapshotManifest> manifests, ObjectStore store, Optional<KeyProvider> key) {
        List<Verified> verified = new ArrayList<>();
        for (SnapshotManifest manifest : manifests) {
            Verified one = new Verified(
                    manifest, problem(store, key, manifest), key.isPresent() && manifest.hasEncryptedRows());
            verified.add(one);
            if (!report.asJson()) {
                report.line(one.line());
            }
        }
        return verified;
    }

    private static Optional<String> problem(ObjectStore store, Optional<KeyProvider> key, SnapshotManifest manifest) {
        try {
            ReadMeteringStore.verify(store, key, manifest);
            return Optional.empty();
        } catch (CorruptSnapshotException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            return Optional.of("it cannot be read: " + e.getMessage());
        }
    }

    /** All of it, for programs. */
    private record Verification(boolean valid, List<Verified> snapshots, List<String> notValid) {}

    /** One snapshot and what is wrong with it. */
    private record Verified(
            String snapshotId,
            String table,
            long rows,
            long bytes,
            boolean valid,
            Optional<String> problem,
            boolean authenticated) {
        Verified(SnapshotManifest manifest, Optional<String> problem, boolean authenticated) {
            this(
                    manifest.snapshotId(),
                    RelationName.of(manifest.schema(), manifest.table()).toString(),
                    manifest.rowCount(),
                    manifest.storedBytes(),
                    problem.isEmpty(),
                    problem,
                    authenticated);
        }

        String line() {
            String what = snapshotId + " of " + table + ": ";
            return problem.map(words -> "DAMAGED  " + what + words)
                    .orElse("ok       " + what + rows + " rows, " + bytes + " bytes"
                            + (authenticated ? ", authenticated" : ""));
        }
    }
}
