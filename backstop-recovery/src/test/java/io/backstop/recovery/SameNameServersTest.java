package io.backstop.recovery;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.ServerIdentities;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.capture.PostgresSnapshotService;
import io.backstop.snapshot.capture.RowEncoding;
import io.backstop.snapshot.capture.TableSnapshots;
import io.backstop.snapshot.describe.TransactionOutcomes;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.ServersBehindOnePort;
import io.backstop.testing.ServersBehindOnePort.Server;
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
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Recovery from a storage that holds snapshots of several servers under the same host, port, names and oids. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SameNameServersTest {
    private static final Instant EARLY = Instant.parse("2026-01-02T03:00:00Z");
    private static final String SHOP = "localhost:5432/shop";

    @TempDir
    private Path snapshots;

    private ObjectStore store;
    private ServersBehindOnePort servers;
    private Server first;
    private Server second;
    private Server promoted;
    private Server third;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        servers = ServersBehindOnePort.in(folder);
        first = made("first");
        second = made("second");
        third = made("third");
        promoted = servers.promotedCopy(first);
        promoted.direct("shop").run("UPDATE t SET v = 'promoted'");
    }

    private Server made(String rows) throws Exception {
        Server server = servers.start();
        server.direct("postgres").run("CREATE DATABASE shop");
        server.direct("shop")
                .run("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, '" + rows + "')");
        return server;
    }

    @AfterAll
    void stop() throws Exception {
        servers.close();
    }

    @BeforeEach
    void begin() throws Exception {
        store = ObjectStores.open(snapshots.toUri().toString());
    }

    private SnapshotManifest take(Server server, int minute) throws Exception {
        return take(server, minute, "postgres");
    }

    private SnapshotManifest take(Server server, int minute, String user) throws Exception {
        servers.switchTo(server);
        String url = servers.database("shop").url().replace("user=postgres", "user=" + user);
        Clock clock = Clock.fixed(EARLY.plus(Duration.ofMinutes(minute)), ZoneOffset.UTC);
        return new TableSnapshots(store, new SnapshotSettings(store.address(), Duration.ofSeconds(10), clock))
                .take(
                        () -> Optional.of(DriverManager.getConnection(url)),
                        List.of(RelationName.of("public", "t")),
                        RowEncoding.AUTO,
                        SnapshotManifest.Source.MANUAL,
                        SHOP,
                        Progress.SILENT)
                .get(0);
    }

    /** One that a role took which may not ask where it is. */
    private SnapshotManifest takeUnknown(Server server, int minute) throws Exception {
        server.direct("shop")
                .run(
                        "DROP ROLE IF EXISTS app",
                        "CREATE ROLE app LOGIN",
                        "GRANT pg_read_all_data TO app",
                        "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
        try {
            SnapshotManifest taken = take(server, minute, "app");
            assertThat(taken.server()).isEmpty();
            return taken;
        } finally {
            server.direct("shop").run("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC", "DROP ROLE app");
        }
    }

    /** On the first server, by a process that dies before it marks it. */
    private SnapshotManifest takeForStatementThatIsRolledBack() throws Exception {
        SnapshotRequest request = new SnapshotRequest(
                List.of(new Destruction(Kind.TRUNCATE, List.of(RelationName.of("t")), false, false)),
                List.of(),
                Long.MAX_VALUE,
                Optional.empty(),
                SHOP,
                "agent-7",
                "ab".repeat(32),
                Optional.empty(),
                true);
        try (Connection connection = first.direct("shop").connect()) {
            connection.setAutoCommit(false);
            SnapshotManifest taken = new PostgresSnapshotService(
                            store,
                            new SnapshotSettings(
                                    store.address(), Duration.ofSeconds(10), Clock.fixed(EARLY, ZoneOffset.UTC)))
                    .secure(connection, Connections.NONE, request, Progress.SILENT)
                    .manifests()
                    .get(0);
            connection.rollback();
            return taken;
        }
    }

    private Recovered recover(Server server, Optional<RecoveryPoint> before) throws Exception {
        servers.switchTo(server);
        try (Connection connection = servers.database("shop").connect()) {
            RecoveryReport report = new GuidedRecovery(new SnapshotArchive(store))
                    .recover(connection, "t", before, RestoreProgress.SILENT);
            String rows = servers.database("shop").value("SELECT v FROM t_recovered");
            servers.database("shop").run("DROP TABLE t_recovered");
            return new Recovered(report.tables().get(0).manifest(), rows, String.join("\n", report.notes()));
        }
    }

    private Recovered recover(Server server) throws Exception {
        return recover(server, Optional.empty());
    }

    private static ServerIdentity identity(Server server) throws SQLException {
        try (Connection connection = server.direct("shop").connect()) {
            return ServerIdentities.read(connection).orElseThrow();
        }
    }

    @Test
    void a_newer_snapshot_of_another_server_is_passed_over_and_told() throws Exception {
        take(first, 1);
        SnapshotManifest other = take(second, 2);
        Recovered recovered = recover(first);
        assertThat(recovered.rows()).isEqualTo("first");
        assertThat(recovered.notes())
                .contains("1 snapshot of public.t of other servers or histories")
                .contains("passed over: the newest is " + other.snapshotId())
                .contains(identity(second).toString());
    }

    @Test
    void a_newer_snapshot_of_another_history_is_passed_over_in_either_of_them() throws Exception {
        take(promoted, 1);
        take(first, 2);
        assertThat(recover(promoted).rows()).isEqualTo("promoted");
        take(promoted, 3);
        assertThat(recover(first).rows()).isEqualTo("first");
    }

    @Test
    void a_snapshot_that_is_named_is_taken_whichever_server_it_is_of() throws Exception {
        take(first, 1);
        SnapshotManifest other = take(second, 2);
        take(first, 3);
        Recovered recovered = recover(first, Optional.of(RecoveryPoint.parse(other.snapshotId())));
        assertThat(recovered.rows()).isEqualTo("second");
        assertThat(recovered.notes())
                .contains(
                        other.snapshotId() + " was taken on " + identity(second) + ", and this is " + identity(first));
    }

    @Test
    void a_new_server_is_filled_from_the_one_that_the_snapshots_are_of_and_that_is_told() throws Exception {
        take(first, 1);
        SnapshotManifest newest = take(first, 2);
        Recovered recovered = recover(second);
        assertThat(recovered.manifest()).isEqualTo(newest);
        assertThat(recovered.notes())
                .contains("no snapshot of public.t is known to be of this server: " + newest.snapshotId()
                        + " was taken on " + identity(first) + ", and this is " + identity(second));
    }

    @Test
    void snapshots_of_several_other_servers_are_not_chosen_among() throws Exception {
        SnapshotManifest one = take(first, 1);
        SnapshotManifest two = take(promoted, 2);
        assertThatThrownBy(() -> recover(third))
                .isInstanceOf(RecoveryException.class)
                .hasMessageContaining("the snapshots of table public.t are of 2 servers or histories of a server")
                .hasMessageContaining(two.snapshotId() + " of " + two.createdAt() + " (" + identity(promoted) + ")")
                .hasMessageContaining(one.snapshotId() + " of " + one.createdAt() + " (" + identity(first) + ")")
                .hasMessageContaining("HINT: name the right one: `backstop recover --before ID`");
        assertThat(recover(third, Optional.of(RecoveryPoint.parse(one.snapshotId())))
                        .rows())
                .isEqualTo("first");
    }

    @Test
    void a_snapshot_of_an_unknown_server_counts_and_is_told() throws Exception {
        take(first, 1);
        SnapshotManifest unknown = takeUnknown(first, 2);
        Recovered recovered = recover(first);
        assertThat(recovered.manifest()).isEqualTo(unknown);
        assertThat(recovered.notes()).contains("do not say of which server they are, " + unknown.snapshotId());
    }

    @Test
    void a_snapshot_of_an_unknown_server_does_not_go_before_those_of_the_one_that_is_known() throws Exception {
        take(first, 1);
        takeUnknown(second, 2);
        Recovered recovered = recover(third);
        assertThat(recovered.rows()).isEqualTo("first");
        assertThat(recovered.notes()).contains("or that do not say of which server they are, were passed over");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void the_commit_log_of_another_server_or_history_decides_nothing(boolean history) throws Exception {
        SnapshotManifest rolledBack = takeForStatementThatIsRolledBack();
        Server other = history ? promoted : second;
        long transaction = Long.parseLong(rolledBack.transactionId().orElseThrow());
        for (boolean there = false; !there; ) {
            other.direct("shop")
                    .run("INSERT INTO t VALUES (2)", "DELETE FROM t WHERE id = 2", "SELECT pg_switch_wal()");
            there = other.direct("shop")
                    .value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > " + transaction
                            + " AND pg_current_wal_insert_lsn() >= '" + rolledBack.lsn() + "'")
                    .equals("t");
        }
        try (Connection connection = other.direct("shop").connect()) {
            assertThat(other.direct("shop").value("SELECT pg_xact_status('" + transaction + "')"))
                    .as("it has a transaction of that number")
                    .isEqualTo("committed");
            assertThat(TransactionOutcomes.of(connection, rolledBack)).isEqualTo(StatementOutcome.UNKNOWN);
        }
        try (Connection connection = first.direct("shop").connect()) {
            assertThat(TransactionOutcomes.of(connection, rolledBack)).isEqualTo(StatementOutcome.ROLLED_BACK);
        }
    }

    @Test
    void that_another_server_cannot_tell_is_said() throws Exception {
        takeForStatementThatIsRolledBack();
        assertThat(recover(third).notes())
                .contains("is undecided: neither the storage nor this server knows whether its statement was"
                        + " committed; it was taken on " + identity(first) + ", which this is not known to be");
    }

    private record Recovered(SnapshotManifest manifest, String rows, String notes) {}
}
