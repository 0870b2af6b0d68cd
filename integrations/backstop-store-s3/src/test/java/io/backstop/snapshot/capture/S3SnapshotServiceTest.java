package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotServiceProvider;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.ServiceLoader;

import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The port of snapshots as the driver finds it, with S3 behind it. */
@ExtendWith({PostgresExtension.class, S3Extension.class})
class S3SnapshotServiceTest {
    private TestDatabase database;

    @BeforeEach
    void tables(TestDatabase database) throws SQLException {
        this.database = database;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE a (id integer PRIMARY KEY)",
                "CREATE TABLE b (id integer)",
                "INSERT INTO a VALUES (1), (2)",
                "INSERT INTO b VALUES (3)");
    }

    @Test
    void the_driver_finds_the_service_and_it_works_over_s3(S3Server server) throws Exception {
        SnapshotServiceProvider provider =
                ServiceLoader.load(SnapshotServiceProvider.class).findFirst().orElseThrow();
        String storage = server.storage(server.newBucket() + "/pre/fix");
        SnapshotSettings settings =
                new SnapshotSettings(storage, SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC());
        try (SnapshotService service = provider.open(settings);
                ObjectStore store = ObjectStores.open(storage);
                Connection connection = Securing.begin(database)) {
            service.probe();
            assertThat(store.list("")).isEmpty();
            SecuredRows secured = service.secure(
                    connection,
                    Connections.NONE,
                    Securing.request(List.of(plain(Kind.TRUNCATE, "a", "b")), List.of(), Long.MAX_VALUE),
                    Progress.SILENT);
            assertThat(secured.storage()).isEqualTo(storage);
            SnapshotArchive archive = new SnapshotArchive(store);
            assertThat(archive.list())
                    .containsExactlyInAnyOrderElementsOf(secured.manifests())
                    .hasSize(2);
            for (SnapshotManifest manifest : archive.list()) {
                archive.verify(manifest);
            }
        }
    }

    @Test
    void a_storage_that_is_not_there_or_not_understood_is_told_with_its_address(S3Server server) throws Exception {
        SnapshotServiceProvider provider = new PostgresSnapshotServiceProvider();
        String storage = server.storage("no-such-bucket");
        SnapshotSettings settings =
                new SnapshotSettings(storage, SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC());
        try (SnapshotService service = provider.open(settings)) {
            assertThatThrownBy(service::probe)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("the storage " + storage + " cannot be used: ");
        }
        assertThatThrownBy(() -> provider.open(
                        new SnapshotSettings("ftp://x", SnapshotSettings.DEFAULT_LOCK_TIMEOUT, Clock.systemUTC())))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageContaining("accepted are file:///path");
    }
}
