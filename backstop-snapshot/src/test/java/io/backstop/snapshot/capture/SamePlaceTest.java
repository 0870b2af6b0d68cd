package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.ServersBehindOnePort;
import io.backstop.testing.ServersBehindOnePort.Server;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Servers that cannot be told apart by host, port, names and oids. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SamePlaceTest {
    private static final String PLACE = "localhost:5432/shop";
    private static final String OIDS = "SELECT d.oid, c.oid, pg_relation_filenode(c.oid), a.attnum, a.attname"
            + " FROM pg_database d, pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            + " WHERE d.datname = current_database() AND c.relname = 't'";

    private final MemoryObjectStore store = new MemoryObjectStore(Clock.fixed(Securing.NOW, ZoneOffset.UTC));
    private final Securing securing = new Securing(store);

    private int taken;
    private ServersBehindOnePort servers;
    private Server first;
    private Server second;
    private Server promoted;
    private ServerIdentity before;
    private ServerIdentity directlyAfter;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        servers = ServersBehindOnePort.in(folder);
        second = made();
        first = made();
        promoted = servers.standby(first);
        before = identity(promoted);
        ServersBehindOnePort.promote(promoted);
        directlyAfter = identity(promoted);
    }

    private Server made() throws Exception {
        Server server = servers.start();
        server.direct("postgres").run("CREATE ROLE app LOGIN", "CREATE DATABASE shop OWNER app");
        server.direct("shop").run("CREATE TABLE t (id int, v text)", "ALTER TABLE t OWNER TO app");
        return server;
    }

    @AfterAll
    void stop() throws Exception {
        servers.close();
    }

    @BeforeEach
    void beginWithTheFirst() throws Exception {
        for (SnapshotManifest manifest : securing.archive.list()) {
            for (String name : store.list("snapshots/public.t/" + manifest.snapshotId())) {
                store.delete(name);
            }
        }
        servers.switchTo(first);
    }

    private TestDatabase shop() {
        return servers.database("shop");
    }

    private SnapshotManifest take() throws Exception {
        return take(shop().url());
    }

    private SnapshotManifest take(String url) throws Exception {
        Clock then = Clock.fixed(Securing.NOW.minusSeconds(100).plusSeconds(++taken), ZoneOffset.UTC);
        return new TableSnapshots(store, new SnapshotSettings(store.address(), Duration.ofSeconds(10), then))
                .take(
                        () -> Optional.of(DriverManager.getConnection(url)),
                        List.of(RelationName.of("public", "t")),
                        RowEncoding.AUTO,
                        SnapshotManifest.Source.SIDECAR,
                        PLACE,
                        Progress.SILENT)
                .get(0);
    }

    private SecuredRows truncate(String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url)) {
            connection.setAutoCommit(false);
            try {
                return securing.service.secure(
                        connection,
                        Connections.NONE,
                        new SnapshotRequest(
                                List.of(plain(Kind.TRUNCATE, "t")),
                                List.of(),
                                1 << 20,
                                Optional.of(Duration.ofMinutes(5)),
                                PLACE,
                                "agent-7",
                                "ab".repeat(32),
                                Optional.empty(),
                                false),
                        Progress.SILENT);
            } finally {
                assertThat(Securing.value(connection, "SELECT 1"))
                        .as("the transaction goes on")
                        .isEqualTo("1");
                connection.rollback();
            }
        }
    }

    private void assertRefused(String reason) {
        assertThatThrownBy(() -> truncate(shop().url()))
                .isInstanceOfSatisfying(
                        RecoveryNotReadyException.class,
                        e -> assertThat(e.getSQLState()).isEqualTo("ZB007"))
                .hasMessageContaining(reason);
    }

    private static ServerIdentity identity(Server server) throws SQLException {
        try (Connection connection = server.direct("shop").connect()) {
            return ServerIdentities.read(connection).orElseThrow();
        }
    }

    @Test
    void the_servers_are_the_same_by_all_other_marks() throws Exception {
        assertThat(first.direct("shop").rows(OIDS))
                .hasSize(2)
                .isEqualTo(second.direct("shop").rows(OIDS))
                .isEqualTo(promoted.direct("shop").rows(OIDS));
    }

    @Test
    void a_snapshot_knows_the_server_and_the_timeline_that_it_is_of() throws Exception {
        String identifier = first.direct("shop").value("SELECT system_identifier FROM pg_control_system()");
        assertThat(take().server()).contains(new ServerIdentity(identifier, Optional.of(1L)));
        assertThat(securing.archive.list())
                .extracting(SnapshotManifest::server)
                .containsExactly(Optional.of(identity(first)));
        servers.switchTo(promoted);
        assertThat(take().server()).contains(new ServerIdentity(identifier, Optional.of(2L)));
    }

    @Test
    void a_standby_does_not_tell_its_timeline_and_tells_it_at_once_when_it_is_promoted() throws Exception {
        String identifier = identity(first).systemIdentifier();
        assertThat(before).isEqualTo(new ServerIdentity(identifier, Optional.empty()));
        assertThat(directlyAfter).isEqualTo(new ServerIdentity(identifier, Optional.of(2L)));
        assertThat(before.mayBe(directlyAfter)).isTrue();
        assertThat(before.isSameAs(before)).isFalse();
    }

    @Test
    void a_copy_that_was_not_promoted_cannot_be_told_apart() throws Exception {
        SnapshotManifest taken = take();
        servers.switchTo(servers.copy(first));
        assertThat(truncate(shop().url()).manifests()).containsExactly(taken);
    }

    @Test
    void a_snapshot_of_this_server_covers() throws Exception {
        SnapshotManifest taken = take();
        assertThat(truncate(shop().url()).manifests()).containsExactly(taken);
    }

    @Test
    void a_snapshot_of_another_server_with_the_same_oids_does_not_cover() throws Exception {
        SnapshotManifest own = take();
        servers.switchTo(second);
        SnapshotManifest other = take();
        assertThat(truncate(shop().url()).manifests()).containsExactly(other);
        servers.switchTo(first);
        assertThat(truncate(shop().url()).manifests()).containsExactly(own);
    }

    @Test
    void where_there_is_only_one_of_another_server_the_refusal_says_so() throws Exception {
        servers.switchTo(second);
        String id = take().snapshotId();
        servers.switchTo(first);
        assertRefused("the newest snapshot of table public.t, " + id
                + ", is of another server under the same host, port and name: of " + identity(second) + ", and this is "
                + identity(first));
    }

    @Test
    void a_snapshot_from_before_a_promotion_does_not_cover_after_it_nor_the_other_way_round() throws Exception {
        String before = take().snapshotId();
        servers.switchTo(promoted);
        assertRefused("the newest snapshot of table public.t, " + before + ", is of another history of this server: of "
                + identity(first) + ", and this is " + identity(promoted));
        SnapshotManifest after = take();
        assertThat(truncate(shop().url()).manifests()).containsExactly(after);
    }

    @Test
    void a_snapshot_of_the_promoted_copy_does_not_cover_the_original() throws Exception {
        servers.switchTo(promoted);
        take();
        servers.switchTo(first);
        assertRefused("is of another history of this server");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pg_control_system()", "pg_walfile_name(pg_lsn)", "pg_current_wal_lsn()"})
    void where_a_role_may_not_ask_a_snapshot_is_still_taken_and_covers_nothing(String function) throws Exception {
        String app = shop().url().replace("user=postgres", "user=app");
        shop().run("REVOKE EXECUTE ON FUNCTION " + function + " FROM PUBLIC");
        try {
            SnapshotManifest unknown = take(app);
            assertThat(unknown.server().flatMap(ServerIdentity::timeline)).isEmpty();
            assertRefused("does not say which");
            take();
            assertThatThrownBy(() -> truncate(app))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("the role may not ask")
                    .hasMessageContaining("HINT: grant the role EXECUTE on");
        } finally {
            shop().run("GRANT EXECUTE ON FUNCTION " + function + " TO PUBLIC");
        }
        assertThat(truncate(app).manifests()).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ALTER TABLE t DROP v; ALTER TABLE t ADD v text", "ALTER TABLE t DROP v, ADD v text"})
    void a_column_that_was_dropped_and_added_again_is_in_no_snapshot(String change) throws Exception {
        String id = take().snapshotId();
        String file = shop().value("SELECT pg_relation_filenode('t')");
        shop().run(change.split("; "));
        assertThat(shop().value("SELECT pg_relation_filenode('t')")).isEqualTo(file);
        assertRefused("table public.t has other columns than its newest snapshot " + id
                + ", or one was dropped and added again since");
        SnapshotManifest now = take();
        assertThat(truncate(shop().url()).manifests()).containsExactly(now);
    }
}
