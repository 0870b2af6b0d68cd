package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.DatabaseIdentity;
import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.PGProperty;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The gate before statements that are covered by snapshots taken beforehand. */
@ExtendWith(PostgresExtension.class)
class RecentModeTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final String NO_APPROVAL = "\"require_approval_for_risks\": [], \"snapshot_mode\": \"recent\"";

    private static final ServerIdentity SERVER = new ServerIdentity("7300000000000000001", Optional.of(2L));
    private static final DatabaseIdentity THIS = new DatabaseIdentity(SERVER, 1);

    @TempDir
    private Path folder;

    private final TestDatabase database;
    private final FakeSnapshots snapshots = new FakeSnapshots();

    RecentModeTest(TestDatabase database) {
        this.database = database;
    }

    @BeforeEach
    void create() throws SQLException {
        database.run("CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users VALUES (1)");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP TABLE users");
    }

    private void truncate(String policy) throws Exception {
        try (Backstop backstop = Backstop.builder()
                        .control(store(NOW))
                        .snapshots(snapshots)
                        .clock(Clock.fixed(NOW, ZoneOffset.UTC))
                        .policy(new PolicyReader().read("{" + policy + "}", "p"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE users");
        }
    }

    private SqlControlStore store(Instant now) throws SQLException {
        return SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.fixed(now, ZoneOffset.UTC));
    }

    private void beat(Instant at) throws SQLException {
        beat(at, databaseName());
    }

    private void beat(Instant at, String of, Long... tables) throws SQLException {
        beat(at, of, Optional.of(THIS), tables);
    }

    private void beat(Instant at, String of, Optional<DatabaseIdentity> identity, Long... tables) throws SQLException {
        try (SqlControlStore store = store(at)) {
            store.heartbeats().beat("sidecar of " + of, of, identity, Set.of(tables));
        }
    }

    /** As the guard names it. */
    private String databaseName() {
        Properties place = org.postgresql.Driver.parseURL(database.url(), null);
        return PGProperty.PG_HOST.getOrDefault(place) + ":" + PGProperty.PG_PORT.getOrDefault(place) + "/"
                + PGProperty.PG_DBNAME.getOrDefault(place);
    }

    private SnapshotManifest taken(SnapshotManifest.Source source, Optional<Long> table) {
        SnapshotManifest.StoredObject nothing = new SnapshotManifest.StoredObject("schema.json", 0, "00");
        return new SnapshotManifest(
                SnapshotManifest.FORMAT_VERSION,
                "snap_0123456789abcdef",
                "grp_1",
                "public",
                "users",
                List.of(),
                SnapshotManifest.Coverage.TABLE,
                1,
                "00",
                "text",
                "UTF8",
                "zstd",
                List.of(),
                nothing,
                nothing,
                NOW,
                source,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                databaseName(),
                "18.6",
                "0/0",
                "complete",
                table.map(oid -> new SnapshotManifest.TableIdentity(1, oid, 1, 0)),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(SERVER));
    }

    @Test
    void a_sidecar_of_another_database_is_none() throws Exception {
        beat(NOW, "elsewhere:5432/other");
        assertRefused(NO_APPROVAL, "no sidecar of database " + databaseName() + " has ever been heard of");
    }

    @Test
    void what_the_sidecar_does_not_store_is_not_covered() throws Exception {
        beat(NOW, databaseName(), 7L);
        for (Optional<Long> table : List.of(Optional.of(8L), Optional.<Long>empty())) {
            snapshots.manifests = List.of(taken(SnapshotManifest.Source.SIDECAR, table));
            assertThatThrownBy(() -> truncate(NO_APPROVAL))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("no sidecar that is alive stores table public.users of database");
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("1");
        }
    }

    static Stream<Arguments> heartbeatsOfOtherPlaces() {
        String other = "of server 7300000000000000001, timeline 2; one is there for a database of that name of ";
        return Stream.of(
                Arguments.of(
                        "another server",
                        Optional.of(
                                new DatabaseIdentity(new ServerIdentity("7300000000000000002", Optional.of(2L)), 1)),
                        other + "server 7300000000000000002, timeline 2"),
                Arguments.of(
                        "another timeline",
                        Optional.of(
                                new DatabaseIdentity(new ServerIdentity("7300000000000000001", Optional.of(3L)), 1)),
                        other + "server 7300000000000000001, timeline 3"),
                Arguments.of(
                        "an unknown timeline",
                        Optional.of(
                                new DatabaseIdentity(new ServerIdentity("7300000000000000001", Optional.empty()), 1)),
                        other + "server 7300000000000000001"),
                Arguments.of(
                        "another database of the server",
                        Optional.of(new DatabaseIdentity(SERVER, 2)),
                        "of server 7300000000000000001, timeline 2"),
                Arguments.of("nobody knows which server", Optional.empty(), "one does not say of which server"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("heartbeatsOfOtherPlaces")
    void a_heartbeat_for_the_same_name_and_oid_of_another_place_covers_nothing(
            String place, Optional<DatabaseIdentity> identity, String reason) throws Exception {
        beat(NOW, databaseName(), identity, 7L);
        snapshots.manifests = List.of(taken(SnapshotManifest.Source.SIDECAR, Optional.of(7L)));
        assertThatThrownBy(() -> truncate(NO_APPROVAL))
                .as(place)
                .isInstanceOfSatisfying(
                        RecoveryNotReadyException.class,
                        e -> assertThat(e.getSQLState()).isEqualTo("ZB007"))
                .hasMessageContaining("no sidecar that is alive stores table public.users of database")
                .hasMessageContaining(reason);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("1");
    }

    @Test
    void what_the_sidecar_stores_is_covered() throws Exception {
        beat(NOW, databaseName(), 7L);
        snapshots.manifests = List.of(taken(SnapshotManifest.Source.SIDECAR, Optional.of(7L)));
        truncate(NO_APPROVAL);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    private void assertRefused(String policy, String reason) throws SQLException {
        assertThatThrownBy(() -> truncate(policy))
                .isInstanceOfSatisfying(
                        RecoveryNotReadyException.class,
                        e -> assertThat(e.getSQLState()).isEqualTo("ZB007"))
                .hasMessageContaining(reason);
        assertThat(snapshots.requests).isEmpty();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("1");
    }

    @Test
    void without_a_sidecar_nothing_destructive_runs() throws Exception {
        assertRefused(NO_APPROVAL, "no sidecar has ever been heard of");
    }

    @Test
    void a_sidecar_that_fell_silent_stops_it() throws Exception {
        beat(NOW.minusSeconds(500));
        beat(NOW.minusSeconds(121));
        assertRefused(
                NO_APPROVAL,
                "the sidecar was last heard of 121 seconds ago, longer than the 120 that the policy allows");
    }

    @Test
    void nobody_is_asked_to_approve_what_could_not_run() throws Exception {
        assertRefused("\"snapshot_mode\": \"recent\"", "no sidecar has ever been heard of");
        beat(NOW);
        assertThatThrownBy(() -> truncate("\"snapshot_mode\": \"recent\""))
                .isInstanceOf(ApprovalRequiredException.class);
    }

    @ParameterizedTest
    @CsvSource({"inline, recent", "recent, inline"})
    void an_approval_is_bound_to_the_kind_of_snapshot_that_the_statement_runs_behind(String approved, String other)
            throws Exception {
        beat(NOW);
        String before = "\"snapshot_mode\": \"" + approved + "\"";
        String after = "\"snapshot_mode\": \"" + other + "\"";
        String id = held(before);
        try (SqlControlStore store = store(NOW)) {
            assertThat(store.approvals().decide(id, true, "ops")).isPresent();
        }
        assertThat(held(after)).isNotEqualTo(id);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("1");

        truncate(before);
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    private String held(String policy) {
        AtomicReference<String> id = new AtomicReference<>();
        assertThatThrownBy(() -> truncate(policy))
                .isInstanceOfSatisfying(ApprovalRequiredException.class, held -> id.set(held.approvalId()));
        return Objects.requireNonNull(id.get());
    }

    @Test
    void with_a_living_sidecar_the_engine_is_asked_for_young_snapshots() throws Exception {
        beat(NOW.minusSeconds(120));
        truncate(NO_APPROVAL + ", \"max_snapshot_age_seconds\": 77");
        assertThat(snapshots.requests)
                .extracting(SnapshotRequest::recent)
                .containsExactly(Optional.of(Duration.ofSeconds(77)));
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("0");
    }

    @Test
    void a_policy_that_does_not_count_on_a_sidecar_asks_for_none() throws Exception {
        truncate(NO_APPROVAL + ", \"require_sidecar_heartbeat\": false");
        assertThat(snapshots.requests)
                .extracting(SnapshotRequest::recent)
                .containsExactly(Optional.of(Duration.ofMinutes(5)));
    }
}
