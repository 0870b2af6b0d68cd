package io.backstop.bench;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.Restore;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.PostgresSnapshotService;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Secures a table of four large rows, of text, bytea, jsonb and an array, for TRUNCATE, which then does not run; restores it
 * beside, reads every row back, and prints the times and the heap. Arguments: the JDBC URL, the storage, the size of each
 * value in MB. The heap is that of {@code -Xmx}.
 */
public final class LargeRows {
    private LargeRows() {}

    public static void main(String[] args) throws Exception {
        make(args[0], Long.parseLong(args[2]) * 1_000_000);
        SnapshotRequest request = new SnapshotRequest(
                List.of(new Destruction(
                        Destruction.Kind.TRUNCATE, List.of(RelationName.of("public", "large")), false, false)),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                "localhost/bench",
                "benchmark",
                "0".repeat(64),
                Optional.empty(),
                false);
        try (ObjectStore store = ObjectStores.open(args[1]);
                PostgresSnapshotService service = new PostgresSnapshotService(
                        ObjectStores.open(args[1]),
                        new SnapshotSettings(args[1], SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC()))) {
            long begin = System.nanoTime();
            SnapshotManifest manifest;
            try (Connection connection = DriverManager.getConnection(args[0])) {
                connection.setAutoCommit(false);
                SecuredRows rows = service.secure(connection, Connections.NONE, request, Progress.SILENT);
                connection.rollback();
                manifest = rows.manifests().get(0);
            }
            print("captured " + manifest.storedBytes() / 1_000_000 + " MB", begin);
            begin = System.nanoTime();
            try (Connection connection = DriverManager.getConnection(args[0])) {
                new Restore(new SnapshotArchive(store))
                        .restore(connection, manifest, RelationName.of("public", "large_restored"), RestoreProgress.SILENT);
            }
            print("restored", begin);
        }
    }

    private static void print(String what, long begin) {
        System.out.printf(
                Locale.ROOT, "%s in %.1f s, %s%n", what, (System.nanoTime() - begin) / 1e9, Captures.heap());
    }

    private static void make(String url, long bytes) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS large, large_restored");
            statement.execute("CREATE TABLE large (id int PRIMARY KEY, t text, b bytea, j jsonb, a text[])");
            statement.execute("INSERT INTO large (id, t) VALUES (1, repeat('text \\ ', " + bytes / 7 + "))");
            statement.execute("INSERT INTO large (id, b) SELECT 2, string_agg(sha512(i::text::bytea), '')"
                    + " FROM generate_series(1, " + bytes / 64 + ") i");
            statement.execute("INSERT INTO large (id, j) VALUES (3, to_jsonb(repeat('json\"', "
                    + Math.min(bytes, 250_000_000) / 6 + ")))");
            statement.execute("INSERT INTO large (id, a) VALUES (4, array_fill(repeat('array,', 1000), ARRAY["
                    + bytes / 6000 + "]))");
        }
    }
}
