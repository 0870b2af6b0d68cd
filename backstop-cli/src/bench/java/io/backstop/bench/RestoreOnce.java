package io.backstop.bench;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.Restore;
import io.backstop.recovery.RestoreProgress;
import io.backstop.recovery.Thoroughness;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.Locale;
import java.util.Optional;

/** Restores the newest snapshot to bench_recovered. Arguments: database, storage, thoroughness, report. */
public final class RestoreOnce {
    private RestoreOnce() {}

    public static void main(String[] args) throws Exception {
        try (ObjectStore store = ObjectStores.open(args[1]);
                Connection connection = DriverManager.getConnection(args[0])) {
            SnapshotArchive archive = new SnapshotArchive(store);
            SnapshotManifest manifest = archive.list("public", "bench").get(0);
            new Restore(
                            archive,
                            () -> Optional.of(DriverManager.getConnection(args[0])),
                            Thoroughness.valueOf(args[2].toUpperCase(Locale.ROOT)))
                    .restore(
                            connection, manifest, RelationName.of("public", "bench_recovered"), RestoreProgress.SILENT);
            Files.writeString(Path.of(args[3]), CaptureOnce.heap() + "\n");
        }
    }
}
