package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.RowEncoding;
import io.backstop.snapshot.capture.TableSnapshots;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The way of a table into an encrypted snapshot and back, and what stops it. */
@ExtendWith(PostgresExtension.class)
class EncryptedRecoveryTest {
    @TempDir
    Path folder;

    private final TestDatabase database;
    private Optional<KeyProvider> key = Optional.empty();

    EncryptedRecoveryTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void make_table_and_key() throws IOException, SQLException {
        key = Optional.of(KeyFile.create(folder.resolve("own.key")));
        database.run("DROP TABLE IF EXISTS t, t_recovered CASCADE", "DROP FUNCTION IF EXISTS hostile CASCADE");
        database.run("CREATE TABLE t (id int PRIMARY KEY, secret text DEFAULT 'default_of_a_column')");
        database.run("INSERT INTO t SELECT i, 'value_of_a_row ' || i FROM generate_series(1, 20000) i");
        database.run("CREATE VIEW v AS SELECT id, 'text_of_a_view' AS x FROM t");
    }

    private ObjectStore store() {
        return new FileObjectStore(folder.resolve("store"));
    }

    private SnapshotManifest take(Optional<KeyProvider> used) throws SQLException {
        ObjectStore store = store();
        return new TableSnapshots(
                        store,
                        new SnapshotSettings(store.address(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC()),
                        used)
                .take(
                        () -> Optional.of(database.connect()),
                        List.of(RelationName.of("t")),
                        RowEncoding.AUTO,
                        SnapshotManifest.Source.MANUAL,
                        "here",
                        (step, subject, done, total) -> {})
                .get(0);
    }

    private void restore(SnapshotArchive archive) throws SQLException, IOException, RecoveryException {
        SnapshotManifest manifest = archive.list().get(0);
        try (Connection connection = database.connect()) {
            new Restore(archive).restore(connection, manifest, RelationName.of("t_recovered"), RestoreProgress.SILENT);
        }
    }

    private void assertNothingWasMade() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM pg_class WHERE relname LIKE '%recovered%'"))
                .isEqualTo("0");
    }

    @Test
    void brings_back_every_row_of_an_encrypted_snapshot() throws SQLException, IOException, RecoveryException {
        SnapshotManifest manifest = take(key);
        assertThat(manifest.formatVersion()).isEqualTo(SnapshotManifest.ENCRYPTED_FORMAT_VERSION);
        restore(new SnapshotArchive(store(), key));
        assertThat(database.value("SELECT count(*) FROM (TABLE t EXCEPT TABLE t_recovered) x"))
                .isEqualTo("0");
        assertThat(database.value("SELECT count(*) FROM t_recovered")).isEqualTo("20000");
    }

    @Test
    void stores_neither_rows_nor_definitions_in_clear() throws SQLException, IOException {
        take(key);
        try (Stream<Path> files = Files.walk(folder.resolve("store"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                        .as(file.toString())
                        .doesNotContain("value_of_a_row", "default_of_a_column", "text_of_a_view", "secret");
            }
        }
    }

    @Test
    void refuses_to_restore_without_the_key_and_says_which_option_names_it() throws SQLException {
        take(key);
        assertThatThrownBy(() -> restore(new SnapshotArchive(store())))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("is encrypted, and no key is given")
                .hasMessageContaining("HINT: name its key: --key");
        assertNothingWasMade();
    }

    @Test
    void refuses_to_restore_with_another_key() throws SQLException, IOException {
        take(key);
        KeyProvider another = KeyFile.create(folder.resolve("another.key"));
        try (Connection connection = database.connect()) {
            GuidedRecovery recovery = new GuidedRecovery(new SnapshotArchive(store(), Optional.of(another)));
            assertThatThrownBy(() -> recovery.recover(connection, "t", RestoreProgress.SILENT))
                    .isInstanceOf(RecoveryException.class)
                    .hasMessageContaining(
                            "is encrypted under the key " + key.orElseThrow().id())
                    .hasMessageContaining("`backstop keys list`");
        }
        assertNothingWasMade();
    }

    /** As after a change of the key, or before there was one. */
    @ParameterizedTest
    @ValueSource(strings = {"without a key", "another key", "encrypted"})
    void an_older_snapshot_under_another_key_does_not_keep_the_newest_from_coming_back(String older) throws Exception {
        Optional<KeyProvider> another = Optional.of(KeyFile.create(folder.resolve("another.key")));
        Optional<KeyProvider> none = Optional.empty();
        take(older.equals("without a key") ? none : older.equals("another key") ? another : key);
        Optional<KeyProvider> given = older.equals("encrypted") ? none : key;
        SnapshotManifest newest = take(given);

        try (Connection connection = database.connect()) {
            RecoveryReport report = new GuidedRecovery(new SnapshotArchive(store(), given))
                    .recover(connection, "t", RestoreProgress.SILENT);

            assertThat(report.manifest().snapshotId()).isEqualTo(newest.snapshotId());
            assertThat(report.notes())
                    .anyMatch(note ->
                            note.contains("; it cannot be read: ") || note.contains("a snapshot was passed over: "))
                    .noneMatch(note -> note.contains("damaged"));
        }
        assertThat(database.value("SELECT count(*) FROM t_recovered")).isEqualTo("20000");
    }

    @Test
    void runs_no_definition_of_a_snapshot_without_authentication_where_there_is_a_key()
            throws SQLException, IOException, RecoveryException {
        database.run("CREATE FUNCTION hostile() RETURNS int LANGUAGE sql AS 'SELECT 1'");
        database.run("ALTER TABLE t ADD CHECK (hostile() = 1)");
        take(Optional.empty());
        database.run("DROP FUNCTION hostile() CASCADE");
        assertThatThrownBy(() -> restore(new SnapshotArchive(store(), key)))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("is not authenticated, and a key is given")
                .hasMessageContaining("--accept-unauthenticated");
        assertNothingWasMade();
        assertThat(database.value("SELECT count(*) FROM pg_proc WHERE proname = 'hostile'"))
                .isEqualTo("0");
        restore(new SnapshotArchive(store(), key, true));
        assertThat(database.value("SELECT count(*) FROM t_recovered")).isEqualTo("20000");
    }
}
