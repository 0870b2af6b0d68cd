package io.backstop.snapshot.capture;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Snapshots that an operator takes of tables that others are using. */
@ExtendWith(PostgresExtension.class)
class TableSnapshotsTest {
    private final TestDatabase database;
    private final MemoryObjectStore store = new MemoryObjectStore();
    private final Securing securing = new Securing(store);

    TableSnapshotsTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void create() throws SQLException {
        database.run(
                "CREATE TABLE a (id integer PRIMARY KEY, body text)",
                "INSERT INTO a SELECT i, 'body ' || i FROM generate_series(1, 100) i",
                "CREATE TABLE b (a_id integer REFERENCES a)",
                "INSERT INTO b SELECT i FROM generate_series(1, 100) i",
                "CREATE TABLE p (k integer) PARTITION BY LIST (k)",
                "CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)",
                "CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2)",
                "INSERT INTO p VALUES (1), (2), (2)");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP TABLE IF EXISTS a, b, p CASCADE");
    }

    private List<SnapshotManifest> take(RowEncoding encoding, Progress progress, String... tables) throws Exception {
        return take(Duration.ofSeconds(10), encoding, progress, tables);
    }

    private List<SnapshotManifest> take(Duration patience, RowEncoding encoding, Progress progress, String... tables)
            throws Exception {
        return new TableSnapshots(store, new SnapshotSettings(store.address(), patience, Clock.systemUTC()))
                .take(
                        () -> Optional.of(database.connect()),
                        Stream.of(tables).map(RelationName::of).toList(),
                        encoding,
                        SnapshotManifest.Source.MANUAL,
                        "host:5432/test",
                        progress);
    }

    @Test
    void tables_are_stored_as_they_were_at_one_moment() throws Exception {
        boolean[] written = {false};
        List<SnapshotManifest> manifests = take(
                RowEncoding.AUTO,
                (step, subject, done, total) -> {
                    if (step == Progress.Step.DESCRIBED && !written[0]) {
                        written[0] = true;
                        insertAndDelete();
                    }
                },
                "a",
                "b");
        assertThat(written[0]).isTrue();
        assertThat(manifests).extracting(SnapshotManifest::rowCount).containsExactly(100L, 100L);
        assertThat(manifests).extracting(SnapshotManifest::source).containsOnly(SnapshotManifest.Source.MANUAL);
        assertThat(manifests)
                .extracting(SnapshotManifest::groupId)
                .containsOnly(manifests.get(0).groupId());
        assertThat(securing.rows(database, manifests.get(0)))
                .contains("1\tbody 1")
                .doesNotContain("101\tlate");
    }

    private void insertAndDelete() {
        try {
            database.run(
                    "DELETE FROM b WHERE a_id = 1", "DELETE FROM a WHERE id = 1", "INSERT INTO a VALUES (101, 'late')");
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void partitions_come_with_their_table() throws Exception {
        assertThat(take(RowEncoding.AUTO, Progress.SILENT, "p"))
                .extracting(manifest -> manifest.table() + " " + manifest.rowCount())
                .containsExactlyInAnyOrder("p 0", "p_1 1", "p_2 2");
    }

    @Test
    void text_is_to_be_had() throws Exception {
        SnapshotManifest manifest = take(RowEncoding.TEXT, Progress.SILENT, "a").get(0);
        assertThat(manifest.copyFormat()).isEqualTo("text");
        assertThat(manifest.encoding()).isEqualTo("UTF8");
        assertThat(securing.rows(database, manifest)).hasSize(100).contains("1\tbody 1");
        securing.archive.verify(manifest);
    }

    @Test
    void what_is_no_table_is_refused_by_name() throws Exception {
        database.run("CREATE VIEW v AS SELECT * FROM a");
        assertThatThrownBy(() -> take(RowEncoding.AUTO, Progress.SILENT, "a", "v"))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("v is not a table with rows of its own");
        assertThatThrownBy(() -> take(RowEncoding.AUTO, Progress.SILENT, "nothing"))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("table nothing does not exist");
        assertThatThrownBy(() -> take(RowEncoding.AUTO, Progress.SILENT, "pg_class"))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("pg_class belongs to the server itself");
        assertThat(store.list("")).isEmpty();
    }

    @Test
    void a_table_that_somebody_holds_is_not_waited_for_for_ever() throws Exception {
        try (var other = Securing.begin(database)) {
            Securing.run(other, "LOCK TABLE a IN ACCESS EXCLUSIVE MODE");
            assertThatThrownBy(() -> take(Duration.ofMillis(20), RowEncoding.AUTO, Progress.SILENT, "a"))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("canceling statement due to lock timeout");
        }
        assertThat(store.list("")).isEmpty();
    }
}
