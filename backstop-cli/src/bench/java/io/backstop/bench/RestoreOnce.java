package io.backstop.bench;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.Restore;
import io.backstop.recovery.RestoreProgress.Step;
import io.backstop.recovery.Thoroughness;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Restores the newest snapshot to bench_recovered. Arguments: database, storage, thoroughness, report. */
public final class RestoreOnce {
    private RestoreOnce() {}

    public static void main(String[] args) throws Exception {
        Map<Step, Long> reached = new EnumMap<>(Step.class);
        long begin = System.nanoTime();
        try (ObjectStore store = ObjectStores.open(args[1]);
                Connection connection = DriverManager.getConnection(args[0])) {
            SnapshotArchive archive = new SnapshotArchive(store);
            SnapshotManifest manifest = archive.list("public", "bench").get(0);
            new Restore(
                            archive,
                            () -> Optional.of(DriverManager.getConnection(args[0])),
                            Thoroughness.valueOf(args[2]))
                    .restore(
                            connection,
                            manifest,
                            RelationName.of("public", "bench_recovered"),
                            (step, target, rows, total) -> reached.put(step, System.nanoTime()));
        }
        String phases = reached.entrySet().stream()
                .map(step -> String.format(
                        Locale.ROOT,
                        "%s after %.1f s",
                        step.getKey().name().toLowerCase(Locale.ROOT),
                        (step.getValue() - begin) / 1e9))
                .collect(Collectors.joining(", "));
        Files.writeString(Path.of(args[3]), Captures.heap() + ", " + phases + "\n");
    }
}
