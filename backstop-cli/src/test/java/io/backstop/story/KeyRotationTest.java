package io.backstop.story;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.WrappedKeys;
import io.backstop.snapshot.capture.RowEncoding;
import io.backstop.snapshot.capture.TableSnapshots;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyFile;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.store.FileObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** Keys of snapshots are rotated, and the process that does it is killed after every one of its steps. */
@ExtendWith(PostgresExtension.class)
class KeyRotationTest {
    /** Each is wrapped anew, and then loses its old wrapped key. */
    private static final int SNAPSHOTS = 3;

    @TempDir
    private Path folder;

    private final TestDatabase database;
    private Path oldFile = Path.of("");
    private Path newFile = Path.of("");

    KeyRotationTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void store_snapshots() throws IOException, SQLException {
        oldFile = folder.resolve("old.key");
        newFile = folder.resolve("new.key");
        KeyFile old = KeyFile.create(oldFile);
        KeyFile.create(newFile);
        database.run("DROP TABLE IF EXISTS t", "CREATE TABLE t AS SELECT generate_series(1, 10) AS id");
        FileObjectStore store = store();
        for (int i = 0; i < SNAPSHOTS; i++) {
            new TableSnapshots(
                            store,
                            new SnapshotSettings(
                                    store.address(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC()),
                            Optional.of(old))
                    .take(
                            () -> Optional.of(database.connect()),
                            List.of(RelationName.of("t")),
                            RowEncoding.AUTO,
                            SnapshotManifest.Source.MANUAL,
                            "here",
                            (step, subject, done, total) -> {});
        }
    }

    private FileObjectStore store() {
        return new FileObjectStore(folder.resolve("store"));
    }

    private boolean readsAll(Path keyFile) throws IOException {
        return readsAll(store(), keyFile);
    }

    private static boolean readsAll(FileObjectStore store, Path keyFile) throws IOException {
        Optional<KeyProvider> key = Optional.of(KeyFile.open(keyFile));
        SnapshotArchive archive = new SnapshotArchive(store, key);
        try {
            List<SnapshotManifest> all = archive.list();
            for (SnapshotManifest manifest : all) {
                archive.verify(manifest);
                archive.description(manifest);
            }
            return all.size() == SNAPSHOTS;
        } catch (KeyException e) {
            return false;
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path path : all.toList()) {
                Files.copy(path, to.resolve(from.relativize(path)));
            }
        }
    }

    @Test
    void all_snapshots_can_be_read_with_one_of_the_keys_wherever_a_rotation_is_killed()
            throws IOException, InterruptedException {
        for (int change = 1; change <= 2 * SNAPSHOTS; change++) {
            Path copy = folder.resolve("store-" + change);
            copy(folder.resolve("store"), copy);
            Process rotation = ForkedJvm.start(
                    KeyRotationKillSite.class,
                    copy.toString(),
                    oldFile.toString(),
                    newFile.toString(),
                    Integer.toString(change));
            assertThat(rotation.waitFor()).as("change %d", change).isEqualTo(KeyRotationKillSite.KILLED);
            FileObjectStore store = new FileObjectStore(copy);
            assertThat(readsAll(store, oldFile) || readsAll(store, newFile))
                    .as("after change %d", change)
                    .isTrue();
            new WrappedKeys(store).rotate(KeyFile.open(oldFile), KeyFile.open(newFile));
            assertThat(readsAll(store, newFile)).isTrue();
            assertThat(new WrappedKeys(store).counts())
                    .isEqualTo(Map.of(KeyFile.open(newFile).id(), SNAPSHOTS));
        }
    }

    @Test
    void what_lies_under_the_name_of_the_new_key_hides_no_data_key() throws IOException {
        KeyProvider old = KeyFile.open(oldFile);
        KeyProvider other = KeyFile.open(newFile);
        String name = store().list("snapshots/").stream()
                .filter(object -> object.endsWith(".key"))
                .reduce((first, second) -> second)
                .orElseThrow();
        store().put(name.replace(old.id(), other.id()), java.nio.ByteBuffer.allocate(61));
        assertThat(new WrappedKeys(store()).rotate(old, other)).isEqualTo(SNAPSHOTS);
        assertThat(readsAll(newFile)).isTrue();
    }
}
