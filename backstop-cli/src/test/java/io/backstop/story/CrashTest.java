package io.backstop.story;

import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.GuidedRecovery;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Kills the process after each step between the lock and the commit: the table is always either intact or covered by a
 * valid snapshot from which it comes back whole.
 */
@ExtendWith(PostgresExtension.class)
class CrashTest {
    @TempDir
    private Path folder;

    static Stream<Arguments> steps_and_statements() {
        return Arrays.stream(Step.values())
                .flatMap(step -> Stream.of("DROP TABLE users CASCADE", "TRUNCATE users", "DELETE FROM users")
                        .map(sql -> Arguments.of(step, sql)));
    }

    @ParameterizedTest
    @MethodSource("steps_and_statements")
    void a_process_killed_after_any_step_leaves_the_rows_in_the_table_or_in_a_snapshot(
            Step step, String sql, TestDatabase database) throws Exception {
        database.run(
                "DROP TABLE IF EXISTS users, users_recovered CASCADE",
                "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 3000) AS n");
        List<String> truth = rows(database, "users");
        String storage = folder.resolve("snapshots").toUri().toString();

        int exit = ForkedJvm.start(
                        CrashSite.class,
                        database.url(),
                        storage,
                        folder.resolve("backstop.db").toString(),
                        step.name(),
                        sql)
                .waitFor();

        assertThat(exit).as("it got to the step and died there").isEqualTo(CrashSite.KILLED);
        ForkedJvm.awaitSessionsEnd(database);
        boolean intact = exists(database, "users") && rows(database, "users").equals(truth);
        assertThat(intact).as("the commit is the last step").isEqualTo(step != Step.COMMITTED);
        try (ObjectStore store = ObjectStores.open(storage)) {
            SnapshotArchive archive = new SnapshotArchive(store);
            List<SnapshotManifest> manifests = archive.list("public", "users");
            assertThat(manifests).hasSize(step.compareTo(Step.PUBLISHED) >= 0 ? 1 : 0);
            assertThat(archive.contents().broken()).isEmpty();
            if (!manifests.isEmpty()) {
                archive.verify(manifests.get(0));
                try (Connection connection = database.connect()) {
                    new GuidedRecovery(archive).recover(connection, "users", RestoreProgress.SILENT);
                }
                assertThat(rows(database, "users_recovered")).isEqualTo(truth);
            }
        }
    }

    private static List<String> rows(TestDatabase database, String table) throws SQLException {
        return database.rows("SELECT * FROM " + table + " ORDER BY id");
    }

    private static boolean exists(TestDatabase database, String table) throws SQLException {
        return !database.rows("SELECT 1 FROM pg_class WHERE oid = to_regclass('" + table + "')")
                .isEmpty();
    }
}
