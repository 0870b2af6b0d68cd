package io.backstop.bench;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.capture.PostgresSnapshotService;
import io.backstop.snapshot.store.ObjectStores;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Secures a schema of tiny tables for DROP SCHEMA … CASCADE, which then does not run, and prints the time for each table.
 * Arguments: the JDBC URL, the storage, the number of tables. The server needs {@code max_locks_per_transaction} for it.
 */
public final class ManyTables {
    private ManyTables() {}

    public static void main(String[] args) throws Exception {
        int tables = Integer.parseInt(args[2]);
        make(args[0], tables);
        SnapshotRequest request = new SnapshotRequest(
                List.of(new Destruction(
                        Destruction.Kind.DROP_SCHEMA, List.of(RelationName.of("many")), true, false)),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                "localhost/bench",
                "benchmark",
                "0".repeat(64),
                Optional.empty(),
                false);
        Map<Progress.Step, Long> last = new EnumMap<>(Progress.Step.class);
        try (PostgresSnapshotService service = new PostgresSnapshotService(
                        ObjectStores.open(args[1]),
                        new SnapshotSettings(args[1], SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC()));
                Connection connection = DriverManager.getConnection(args[0])) {
            connection.setAutoCommit(false);
            long start = System.nanoTime();
            SecuredRows rows = service.secure(
                    connection,
                    Connections.NONE,
                    request,
                    (step, subject, done, total) -> last.put(step, System.nanoTime() - start));
            long end = System.nanoTime() - start;
            connection.rollback();
            last.forEach((step, nanos) ->
                    System.out.printf(Locale.ROOT, "last %s after %.2f s%n", step, nanos / 1e9));
            System.out.printf(
                    Locale.ROOT,
                    "%d tables in %.2f s, %.2f ms each%n",
                    rows.manifests().size(),
                    end / 1e9,
                    end / 1e6 / rows.manifests().size());
        }
    }

    private static void make(String url, int tables) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS many CASCADE");
            statement.execute("CREATE SCHEMA many");
            for (int begin = 0; begin < tables; begin += 500) {
                statement.execute("DO $$ BEGIN FOR i IN " + begin + ".." + (Math.min(begin + 500, tables) - 1)
                        + " LOOP EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, body text)', i);"
                        + " EXECUTE format('INSERT INTO many.t%s VALUES (1, ''one''), (2, ''two'')', i);"
                        + " END LOOP; END $$");
            }
            statement.execute("ANALYZE");
        }
    }
}
