package io.backstop.bench;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.capture.PostgresSnapshotService;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.ObjectStores;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/**
 * Secures the table for one statement, which then does not run. Arguments: database, storage, kind, one|two, report, how
 * often, and a key file if the snapshot is to be under one; the report tells bytes, heap, and the seconds of the last time,
 * when classes are loaded and compiled.
 */
public final class Captures {
    private Captures() {}

    public static void main(String[] args) throws Exception {
        Connections more = args[3].equals("two")
                ? () -> Optional.of(DriverManager.getConnection(args[0]))
                : Connections.NONE;
        SnapshotRequest request = new SnapshotRequest(
                List.of(new Destruction(
                        Destruction.Kind.valueOf(args[2]), List.of(RelationName.of("bench", "bench")), false, false)),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                "localhost/bench",
                "benchmark",
                "0".repeat(64),
                Optional.empty(),
                false);
        Optional<KeyProvider> key = args.length > 6 ? Optional.of(KeyFile.open(Path.of(args[6]))) : Optional.empty();
        try (PostgresSnapshotService service = new PostgresSnapshotService(
                        ObjectStores.open(args[1]),
                        new SnapshotSettings(args[1], SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC()),
                        key);
                Connection connection = DriverManager.getConnection(args[0])) {
            connection.setAutoCommit(false);
            for (int i = 0; i < Integer.parseInt(args[5]); i++) {
                long begin = System.nanoTime();
                SecuredRows rows = service.secure(connection, more, request, Progress.SILENT);
                double seconds = (System.nanoTime() - begin) / 1e9;
                connection.rollback();
                long bytes = rows.manifests().stream()
                        .mapToLong(SnapshotManifest::storedBytes)
                        .sum();
                Files.writeString(Path.of(args[4]), bytes + "\n" + heap() + "\n" + seconds + "\n");
            }
        }
    }

    /** The largest that each part of the heap ever was, added up: an upper bound. */
    static String heap() {
        long peak = ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .map(MemoryPoolMXBean::getPeakUsage)
                .mapToLong(java.lang.management.MemoryUsage::getUsed)
                .sum();
        return "heap at most " + peak / 1_000_000 + " MB";
    }
}
