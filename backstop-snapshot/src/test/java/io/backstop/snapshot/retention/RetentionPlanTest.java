package io.backstop.snapshot.retention;

import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotInventory;
import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.retention.RetentionPlan.Decision;
import io.backstop.snapshot.retention.RetentionPlan.Reason;
import io.backstop.snapshot.retention.StoredSnapshots.Wanted;
import io.backstop.snapshot.store.MemoryObjectStore;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class RetentionPlanTest {
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");
    private static final Map<String, Instant> APPROVALS = Map.of("appr_old", daysAgo(90), "appr_young", daysAgo(3));
    private static final String CHUNK = "data-00000.copy.zst";

    private static Instant daysAgo(int days) {
        return NOW.minus(Duration.ofDays(days));
    }

    private static RetentionRules days(int olderThan, int approvalRetention) {
        return new RetentionRules(Duration.ofDays(olderThan), Duration.ofDays(approvalRetention));
    }

    private static Map<String, Reason> reasons(MemoryObjectStore store, RetentionRules rules) throws IOException {
        return RetentionPlan.of(SnapshotInventory.of(store), APPROVALS, rules, NOW).snapshots().stream()
                .collect(Collectors.toMap(d -> d.snapshot().manifest().snapshotId(), Decision::reason));
    }

    @Test
    void keeps_the_young_and_the_newest_of_each_table_and_removes_the_rest() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(40)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(31)));
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(30)));
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(2)));
        StoredSnapshots.publish(store, new Wanted("snap_5", "orders", daysAgo(400)));
        StoredSnapshots.publish(store, new Wanted("snap_6", "users", daysAgo(400)).of("db:5432/other"));
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.OLD,
                        "snap_2", Reason.OLD,
                        "snap_3", Reason.YOUNG,
                        "snap_4", Reason.NEWEST,
                        "snap_5", Reason.NEWEST,
                        "snap_6", Reason.NEWEST));
    }

    @Test
    void definitions_stay_as_long_as_the_rows_that_they_complete() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(90)).definitions());
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(80)));
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(70)).definitions());
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(69)).definitions());
        StoredSnapshots.publish(store, new Wanted("snap_5", "users", daysAgo(60)));
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.OLD,
                        "snap_2", Reason.OLD,
                        "snap_3", Reason.COMPLETES,
                        "snap_4", Reason.COMPLETES,
                        "snap_5", Reason.NEWEST));
    }

    @Test
    void the_last_definitions_of_a_table_stay_and_are_not_its_newest_snapshot() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(90)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(80)).definitions());
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(70)).definitions());
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.NEWEST,
                        "snap_2", Reason.OLD,
                        "snap_3", Reason.COMPLETES));
    }

    /** Its statement did not run, and a lock keeps it for a while. */
    @Test
    void a_discarded_snapshot_stands_for_nothing_and_completes_nothing() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(90)).definitions());
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(80)).undecided());
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(60)));
        StoredSnapshots.publish(store, new Wanted("snap_4", "orders", daysAgo(90)).definitions());
        StoredSnapshots.publish(
                store, new Wanted("snap_5", "orders", daysAgo(80)).definitions().undecided());
        for (String folder : List.of("public.users/snap_2", "public.orders/snap_5")) {
            store.put("snapshots/" + folder + "/discarded.json", ByteBuffer.wrap(new byte[0]));
        }
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.COMPLETES,
                        "snap_2", Reason.OLD,
                        "snap_3", Reason.NEWEST,
                        "snap_4", Reason.COMPLETES,
                        "snap_5", Reason.OLD));
    }

    @Test
    void the_last_definition_of_a_function_stays_whatever_there_is_of_a_table_of_its_name() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(90)).object());
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(80)).object());
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(70)));
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(60)));
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.OLD,
                        "snap_2", Reason.COMPLETES,
                        "snap_3", Reason.OLD,
                        "snap_4", Reason.NEWEST));
    }

    @Test
    void a_table_of_another_server_or_history_under_the_same_name_is_another_table() throws IOException {
        ServerIdentity server = new ServerIdentity("7300000000000000001", Optional.of(1L));
        ServerIdentity other = new ServerIdentity("7300000000000000002", Optional.of(1L));
        ServerIdentity promoted = new ServerIdentity("7300000000000000001", Optional.of(2L));
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(48)).on(server));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(47)).on(server));
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(46)).on(other));
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(45)).on(other));
        StoredSnapshots.publish(store, new Wanted("snap_5", "users", daysAgo(44)).on(promoted));
        StoredSnapshots.publish(store, new Wanted("snap_6", "users", daysAgo(43)));
        StoredSnapshots.publish(store, new Wanted("snap_7", "users", daysAgo(42)));
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.OLD,
                        "snap_2", Reason.NEWEST,
                        "snap_3", Reason.OLD,
                        "snap_4", Reason.NEWEST,
                        "snap_5", Reason.NEWEST,
                        "snap_6", Reason.OLD,
                        "snap_7", Reason.NEWEST));
    }

    @Test
    void an_undecided_snapshot_of_an_unknown_timeline_keeps_older_ones_of_every_timeline_of_its_server()
            throws IOException {
        String identifier = "7300000000000000001";
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(
                store, new Wanted("snap_1", "users", daysAgo(48)).on(new ServerIdentity(identifier, Optional.of(1L))));
        StoredSnapshots.publish(
                store, new Wanted("snap_2", "users", daysAgo(47)).on(new ServerIdentity(identifier, Optional.of(1L))));
        StoredSnapshots.publish(
                store,
                new Wanted("snap_3", "users", daysAgo(42))
                        .on(new ServerIdentity(identifier, Optional.empty()))
                        .undecided());
        assertThat(reasons(store, days(30, 0))).containsEntry("snap_1", Reason.BEFORE_UNDECIDED);
    }

    @Test
    void an_undecided_snapshot_keeps_older_ones_of_its_server_and_those_that_may_be() throws IOException {
        ServerIdentity server = new ServerIdentity("7300000000000000001", Optional.of(1L));
        ServerIdentity other = new ServerIdentity("7300000000000000002", Optional.of(1L));
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(48)).on(server));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(47)).on(server));
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(46)).on(other));
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(45)).on(other));
        StoredSnapshots.publish(store, new Wanted("snap_5", "users", daysAgo(44)));
        StoredSnapshots.publish(store, new Wanted("snap_6", "users", daysAgo(43)));
        StoredSnapshots.publish(
                store, new Wanted("snap_7", "users", daysAgo(42)).on(server).undecided());
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.BEFORE_UNDECIDED,
                        "snap_2", Reason.NEWEST,
                        "snap_3", Reason.OLD,
                        "snap_4", Reason.NEWEST,
                        "snap_5", Reason.BEFORE_UNDECIDED,
                        "snap_6", Reason.NEWEST,
                        "snap_7", Reason.UNDECIDED));
    }

    @Test
    void some_rows_of_a_table_do_not_stand_for_it() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(40)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(35)).someRows());
        StoredSnapshots.publish(store, new Wanted("snap_3", "orders", daysAgo(35)).someRows());
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("snap_1", Reason.NEWEST, "snap_2", Reason.OLD, "snap_3", Reason.OLD));
    }

    @Test
    void the_rows_of_a_table_stay_though_it_was_found_empty_since() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(50)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(45)));
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(40)).ofNoRows());
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(35)).ofNoRows());
        StoredSnapshots.publish(store, new Wanted("snap_5", "orders", daysAgo(35)).ofNoRows());
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.OLD,
                        "snap_2", Reason.NEWEST_WITH_ROWS,
                        "snap_3", Reason.OLD,
                        "snap_4", Reason.NEWEST,
                        "snap_5", Reason.NEWEST));
    }

    @Test
    void a_damaged_snapshot_does_not_stand_for_its_table_unless_there_is_none_better() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(40)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(35)));
        StoredSnapshots.publish(store, new Wanted("snap_3", "orders", daysAgo(40)));
        StoredSnapshots.publish(store, new Wanted("snap_4", "orders", daysAgo(35)));
        store.delete("snapshots/public.users/snap_2/" + CHUNK);
        store.delete("snapshots/public.orders/snap_3/" + CHUNK);
        store.put("snapshots/public.orders/snap_4/schema.sql", java.nio.ByteBuffer.allocate(3));
        SnapshotInventory inventory = SnapshotInventory.of(store);
        assertThat(inventory.snapshots().stream().flatMap(s -> s.damage().stream()))
                .containsExactlyInAnyOrder(
                        "the object " + CHUNK + " of snap_2 is missing",
                        "the object " + CHUNK + " of snap_3 is missing",
                        "the object schema.sql of snap_4 has 3 bytes instead of 23");
        assertThat(reasons(store, days(30, 0)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_1", Reason.NEWEST,
                        "snap_2", Reason.NEWER_THAN_WHOLE_ONE,
                        "snap_3", Reason.OLD,
                        "snap_4", Reason.NO_WHOLE_ONE));
    }

    @Test
    void a_snapshot_that_a_statement_relied_on_is_kept_as_long_as_an_approval_keeps_one() throws IOException {
        AtomicReference<Instant> time = new AtomicReference<>(daysAgo(61));
        InstantSource clock = time::get;
        MemoryObjectStore store = new MemoryObjectStore(clock.withZone(ZoneOffset.UTC));
        StoredSnapshots.publish(store, new Wanted("snap_0", "users", daysAgo(0)));
        SnapshotArchive archive = new SnapshotArchive(store);
        for (int day = 1; day < 4; day++) {
            SnapshotManifest old = StoredSnapshots.publish(store, new Wanted("snap_" + day, "users", daysAgo(60)));
            time.set(daysAgo(List.of(0, 1, 30, 31).get(day)));
            archive.relyOn(List.of(old));
        }
        assertThat(reasons(store, days(7, 30)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_0", Reason.NEWEST, "snap_1", Reason.USED, "snap_2", Reason.USED, "snap_3", Reason.OLD));
        assertThat(reasons(store, days(7, 0)))
                .as("the statement may run still")
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_0", Reason.NEWEST, "snap_1", Reason.USED, "snap_2", Reason.OLD, "snap_3", Reason.OLD));
    }

    @Test
    void a_young_approval_keeps_its_snapshot_and_an_unknown_one_counts_as_young_as_the_snapshot() throws IOException {
        MemoryObjectStore store = new MemoryObjectStore();
        StoredSnapshots.publish(store, new Wanted("snap_0", "users", daysAgo(0)));
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(60)).approved("appr_young"));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(9)).approved("appr_old"));
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(29)).approved("appr_unknown"));
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(31)).approved("appr_unknown"));
        assertThat(reasons(store, days(7, 30)))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "snap_0", Reason.NEWEST,
                        "snap_1", Reason.APPROVAL,
                        "snap_2", Reason.OLD,
                        "snap_3", Reason.APPROVAL,
                        "snap_4", Reason.OLD));
    }

    @Test
    void what_is_unfinished_goes_when_nothing_was_stored_for_it_for_a_day_at_least() throws IOException {
        for (int hours : List.of(23, 24, 25)) {
            Instant written = NOW.minus(Duration.ofHours(hours));
            MemoryObjectStore store = new MemoryObjectStore(Clock.fixed(written, ZoneOffset.UTC));
            StoredSnapshots.begin(store, new Wanted("snap_1", "users", written));
            RetentionPlan plan = RetentionPlan.of(SnapshotInventory.of(store), Map.of(), days(0, 0), NOW);
            assertThat(plan.unfinished()).singleElement().satisfies(decision -> {
                assertThat(decision.removes()).isEqualTo(hours == 25);
                assertThat(decision.draft().objects()).isEqualTo(3);
                assertThat(decision.draft().lastWritten()).isEqualTo(written);
            });
            assertThat(RetentionPlan.of(SnapshotInventory.of(store), Map.of(), days(2, 0), NOW)
                            .unfinished())
                    .noneMatch(RetentionPlan.DraftDecision::removes);
        }
    }

    @Test
    void a_time_cannot_be_negative() {
        assertThatIllegalArgumentException().isThrownBy(() -> days(-1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> days(0, -1));
    }

    @Property(tries = 300)
    void the_newest_whole_snapshot_of_each_table_is_never_in_the_plan(
            @ForAll("inventories") SnapshotInventory inventory,
            @ForAll @IntRange(max = 100) int olderThan,
            @ForAll @IntRange(max = 100) int approvalRetention) {
        RetentionPlan plan = RetentionPlan.of(inventory, APPROVALS, days(olderThan, approvalRetention), NOW);
        assertThat(plan.snapshots()).extracting(Decision::snapshot).isEqualTo(inventory.snapshots());
        Set<String> removed = plan.removals().stream()
                .map(d -> d.snapshot().manifest().snapshotId())
                .collect(Collectors.toSet());
        newestWhole(inventory).forEach(id -> assertThat(removed).doesNotContain(id));
        for (Decision decision : plan.removals()) {
            SnapshotManifest manifest = decision.snapshot().manifest();
            assertThat(manifest.createdAt()).isBefore(daysAgo(olderThan));
            assertThat(manifest.approvalId().map(APPROVALS::get))
                    .satisfiesAnyOf(
                            at -> assertThat(at).isEmpty(),
                            at -> assertThat(at.orElseThrow()).isBefore(daysAgo(approvalRetention)));
            decision.best()
                    .ifPresent(best ->
                            assertThat(removed).doesNotContain(best.manifest().snapshotId()));
        }
        // Nothing is kept without one of the reasons that there are.
        plan.snapshots().stream()
                .filter(d -> d.reason() == Reason.NEWEST)
                .forEach(d -> assertThat(newestWhole(inventory))
                        .contains(d.snapshot().manifest().snapshotId()));
    }

    /** Counted otherwise than by the code under test: what has nothing better beside it. */
    private static Set<String> newestWhole(SnapshotInventory inventory) {
        Map<List<String>, List<SnapshotManifest>> tables = new HashMap<>();
        for (Stored stored : inventory.snapshots()) {
            SnapshotManifest manifest = stored.manifest();
            if (stored.damage().isEmpty() && manifest.coverage() == Coverage.TABLE) {
                tables.computeIfAbsent(List.of(manifest.database(), manifest.table()), k -> new ArrayList<>())
                        .add(manifest);
            }
        }
        Set<String> newest = new HashSet<>();
        for (List<SnapshotManifest> manifests : tables.values()) {
            manifests.sort(
                    Comparator.comparing(SnapshotManifest::createdAt).thenComparing(SnapshotManifest::snapshotId));
            newest.add(manifests.get(manifests.size() - 1).snapshotId());
        }
        return newest;
    }

    @Provide
    Arbitrary<SnapshotInventory> inventories() {
        Arbitrary<Stored> snapshot = Combinators.combine(
                        Arbitraries.of("users", "orders"),
                        Arbitraries.of("db:5432/shop", "db:5432/other"),
                        Arbitraries.integers().between(0, 12).map(days -> days * 9),
                        Arbitraries.of(Coverage.TABLE, Coverage.TABLE, Coverage.ROWS),
                        Arbitraries.of("appr_old", "appr_young", "appr_unknown").optional(),
                        Arbitraries.of("an object is missing").optional(0.2))
                .as(RetentionPlanTest::stored);
        return snapshot.list().ofMaxSize(14).map(list -> {
            List<Stored> numbered = new ArrayList<>();
            list.forEach(stored -> numbered.add(numbered(stored, "snap_%02d".formatted(numbered.size()))));
            numbered.sort(
                    Comparator.<Stored, Instant>comparing(s -> s.manifest().createdAt())
                            .reversed());
            return new SnapshotInventory(numbered, List.of(), List.of());
        });
    }

    private static Stored stored(
            String table,
            String database,
            int age,
            Coverage coverage,
            Optional<String> approvalId,
            Optional<String> damage) {
        Wanted wanted = new Wanted("snap_00", table, database, daysAgo(age), coverage, approvalId);
        return new Stored(
                manifest(wanted),
                "snapshots/public." + table + "/snap_00/",
                damage,
                StatementOutcome.COMMITTED,
                Optional.empty());
    }

    private static Stored numbered(Stored stored, String id) {
        SnapshotManifest manifest = stored.manifest();
        Wanted wanted = new Wanted(
                id,
                manifest.table(),
                manifest.database(),
                manifest.createdAt(),
                manifest.coverage(),
                manifest.approvalId());
        return new Stored(
                manifest(wanted),
                "snapshots/public." + manifest.table() + "/" + id + "/",
                stored.damage(),
                stored.outcome(),
                stored.used());
    }

    private static SnapshotManifest manifest(Wanted wanted) {
        try {
            return StoredSnapshots.publish(new MemoryObjectStore(), wanted);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
