package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.RowsSince;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

/** Statements that are covered by snapshots taken beforehand. */
@ExtendWith(PostgresExtension.class)
class RecentSnapshotsTest {
    private static final String DATABASE = "localhost:5432/test";

    private final TestDatabase database;
    private Instant published = Securing.NOW;
    private final InstantSource stores = () -> published;
    private final MemoryObjectStore store = new MemoryObjectStore(stores.withZone(ZoneOffset.UTC));
    private final Securing securing = new Securing(store);

    RecentSnapshotsTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    @Timeout(60)
    void create() throws SQLException {
        database.run(
                "CREATE TABLE a (id integer PRIMARY KEY)",
                "CREATE TABLE b (a_id integer REFERENCES a ON DELETE CASCADE)",
                "INSERT INTO a VALUES (1), (2)",
                "INSERT INTO b VALUES (1)");
        while (!counted().equals("3")) { // a session tells its counts when it ends, which is after its connection's
            Thread.onSpinWait();
        }
    }

    private String counted() throws SQLException {
        return database.value("SELECT coalesce(pg_stat_get_tuples_inserted('a'::regclass), 0)"
                + " + coalesce(pg_stat_get_tuples_inserted('b'::regclass), 0)");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP TABLE a, b");
    }

    /** Taken so long before the service's clock. */
    private List<SnapshotManifest> take(Duration before, String of, String... tables) throws Exception {
        Clock then = Clock.fixed(Securing.NOW.minus(before), ZoneOffset.UTC);
        return new TableSnapshots(store, new SnapshotSettings(store.address(), Duration.ofSeconds(10), then))
                .take(
                        () -> Optional.of(database.connect()),
                        List.of(tables).stream().map(RelationName::of).toList(),
                        RowEncoding.AUTO,
                        SnapshotManifest.Source.SIDECAR,
                        of,
                        Progress.SILENT);
    }

    private SecuredRows delete(Connection connection) throws RecoveryNotReadyException {
        return securing.service.secure(
                connection,
                Connections.NONE,
                new SnapshotRequest(
                        List.of(plain(Kind.DELETE, "a")),
                        List.of(),
                        1,
                        Optional.of(Duration.ofMinutes(5)),
                        DATABASE,
                        "agent-7",
                        "ab".repeat(32),
                        Optional.empty(),
                        false),
                Progress.SILENT);
    }

    private SecuredRows truncate(Connection connection, long maxBytes, String... tables)
            throws RecoveryNotReadyException {
        return securing.service.secure(
                connection,
                Connections.NONE,
                new SnapshotRequest(
                        Stream.of(tables)
                                .map(table -> plain(Kind.TRUNCATE, table))
                                .toList(),
                        List.of(),
                        maxBytes,
                        Optional.of(Duration.ofMinutes(5)),
                        DATABASE,
                        "agent-7",
                        "ab".repeat(32),
                        Optional.empty(),
                        false),
                Progress.SILENT);
    }

    @Test
    void a_temporary_table_of_the_session_is_stored_at_once_for_nobody_else_could() throws Exception {
        SnapshotManifest taken = take(Duration.ofMinutes(1), DATABASE, "b").get(0);
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "CREATE TEMPORARY TABLE own AS SELECT generate_series(1, 3) AS id");
            SecuredRows rows = truncate(connection, 1 << 20, "b", "own");
            assertThat(rows.manifests())
                    .extracting(SnapshotManifest::table, SnapshotManifest::rowCount, SnapshotManifest::source)
                    .containsExactlyInAnyOrder(
                            tuple("b", 1L, SnapshotManifest.Source.SIDECAR),
                            tuple("own", 3L, SnapshotManifest.Source.INLINE));
            assertThat(rows.manifests()).contains(taken);
            assertThatThrownBy(() -> truncate(connection, 1, "own"))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("max_inline_snapshot_bytes");
        }
    }

    private void assertRefused(String reason) throws SQLException {
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> delete(connection))
                    .isInstanceOfSatisfying(
                            RecoveryNotReadyException.class,
                            e -> assertThat(e.getSQLState()).isEqualTo("ZB007"))
                    .hasMessageContaining(reason);
            assertThat(Securing.value(connection, "SELECT count(*) FROM a")).isEqualTo("2");
        }
    }

    @Test
    void young_snapshots_of_all_that_is_reached_are_enough_whatever_the_size() throws Exception {
        List<SnapshotManifest> taken = take(Duration.ofMinutes(5), DATABASE, "a", "b");
        try (Connection connection = Securing.begin(database)) {
            assertThat(delete(connection).manifests()).containsExactlyInAnyOrderElementsOf(taken);
            assertThat(securing.archive.list()).hasSize(2);
        }
    }

    /** The locks are held meanwhile. */
    @Test
    void of_many_snapshots_only_the_last_are_looked_at() throws Exception {
        for (int i = 40; i > 0; i--) {
            published = Securing.NOW.minusSeconds(i);
            take(Duration.ofSeconds(i), DATABASE, "a");
        }
        List<SnapshotManifest> newest = take(Duration.ZERO, DATABASE, "b");
        try (Connection connection = Securing.begin(database)) {
            int before = store.opened().size();
            assertThat(delete(connection).manifests())
                    .extracting(SnapshotManifest::createdAt)
                    .containsExactlyInAnyOrder(
                            Securing.NOW.minusSeconds(1), newest.get(0).createdAt());
            assertThat(store.opened().stream().skip(before).filter(name -> name.endsWith("/manifest.json")))
                    .hasSizeLessThan(12);
        }
    }

    @Test
    void a_table_without_a_snapshot_stops_the_statement() throws Exception {
        take(Duration.ofSeconds(10), DATABASE, "a");
        assertRefused("there is no snapshot of table public.b of database " + DATABASE);
    }

    @Test
    void a_snapshot_that_is_too_old_stops_the_statement() throws Exception {
        take(Duration.ofSeconds(10), DATABASE, "b");
        String id = take(Duration.ofSeconds(301), DATABASE, "a").get(0).snapshotId();
        assertRefused("the newest snapshot of table public.a, " + id
                + ", is 301 seconds old, more than the 300 that the policy allows");
    }

    @Test
    void a_snapshot_from_the_future_or_of_another_database_does_not_count() throws Exception {
        take(Duration.ofSeconds(10), DATABASE, "b");
        take(Duration.ofHours(-1), DATABASE, "a");
        take(Duration.ofSeconds(10), "localhost:5432/other", "a");
        assertRefused("there is no snapshot of table public.a");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE a RENAME TO old_a; CREATE TABLE a (id integer PRIMARY KEY); INSERT INTO a VALUES (3), (4)",
                "DROP TABLE b; DROP TABLE a; CREATE TABLE a (id integer PRIMARY KEY); INSERT INTO a VALUES (3), (4);"
                        + " CREATE TABLE b (a_id integer REFERENCES a ON DELETE CASCADE)",
                "TRUNCATE a, b; INSERT INTO a VALUES (3), (4)",
                "VACUUM FULL a"
            })
    void a_snapshot_of_the_tables_name_alone_does_not_count(String change) throws Exception {
        String id = take(Duration.ofSeconds(10), DATABASE, "a", "b").get(0).snapshotId();
        database.run(change.split("; "));
        assertRefused("the newest snapshot of table public.a, " + id
                + ", is of another table of that name, or was taken before the table was emptied or rewritten");
        database.run("DROP TABLE IF EXISTS old_a CASCADE");
    }

    @Test
    void rows_that_were_written_since_are_told() throws Exception {
        take(Duration.ofSeconds(10), DATABASE, "a", "b");
        try (Connection connection = Securing.begin(database)) {
            assertThat(delete(connection).rowsSince()).contains(new RowsSince(0, false));
            Securing.run(connection, "INSERT INTO a SELECT generate_series(10, 16)");
            Securing.run(connection, "UPDATE a SET id = 20 WHERE id = 10");
            assertThat(delete(connection).rowsSince()).contains(new RowsSince(8, false));
        }
    }

    @Test
    void a_table_that_has_other_columns_since_is_not_covered() throws Exception {
        String id = take(Duration.ofSeconds(10), DATABASE, "a", "b").get(0).snapshotId();
        database.run("ALTER TABLE a ADD COLUMN more text");
        assertRefused("table public.a has other columns than its newest snapshot " + id);
    }

    @Test
    void a_snapshot_that_is_not_whole_any_more_stops_the_statement() throws Exception {
        SnapshotManifest taken =
                take(Duration.ofSeconds(10), DATABASE, "a", "b").get(0);
        String chunk = taken.chunks().get(0).name();
        store.delete("snapshots/public.a/" + taken.snapshotId() + "/" + chunk);
        assertRefused("the object " + chunk + " of " + taken.snapshotId() + " is missing");
    }
}
