package io.backstop.snapshot.retention;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.archive.SnapshotInventory;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.retention.RetentionPlan.Reason;
import io.backstop.snapshot.retention.StoredSnapshots.Wanted;
import io.backstop.snapshot.store.LockingObjectStore;
import io.backstop.snapshot.store.MemoryObjectStore;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** A prune, and the end of a refused statement, in a store that keeps what it has locked. */
class LockedPruningTest {
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");
    private static final Instant END = Instant.parse("2026-06-10T00:00:00Z");
    private static final RetentionRules WEEK = new RetentionRules(Duration.ofDays(7), Duration.ZERO);

    private final LockingObjectStore store =
            new LockingObjectStore(new MemoryObjectStore(Clock.fixed(daysAgo(30), ZoneOffset.UTC)), END);

    private static Instant daysAgo(int days) {
        return NOW.minus(Duration.ofDays(days));
    }

    private RetentionPlan plan() throws IOException {
        return new Pruning(store).plan(SnapshotInventory.of(store), Map.of(), WEEK, NOW);
    }

    private Map<String, Reason> reasons() throws IOException {
        return plan().snapshots().stream()
                .collect(Collectors.toMap(
                        decision -> decision.snapshot().manifest().snapshotId(), RetentionPlan.Decision::reason));
    }

    private List<String> ids() throws IOException {
        return new SnapshotArchive(store)
                .list().stream().map(SnapshotManifest::snapshotId).toList();
    }

    private void publish(String id, int age) throws IOException {
        StoredSnapshots.publish(store, new Wanted(id, "users", daysAgo(age)));
    }

    @Test
    void what_is_locked_stays_whole_and_is_named_and_the_rest_goes() throws IOException {
        publish("snap_1", 20);
        publish("snap_2", 15);
        publish("snap_3", 10);
        store.unlock(name -> name.contains("/snap_1/"));
        // One object is enough.
        store.unlock(name -> name.contains("/snap_2/") && !name.endsWith("schema.sql"));
        RetentionPlan plan = plan();
        Pruning.Outcome outcome = new Pruning(store).run(plan);
        assertThat(outcome.complete()).isTrue();
        assertThat(outcome.snapshots())
                .extracting(removed -> removed.snapshot().manifest().snapshotId())
                .containsExactly("snap_1");
        assertThat(plan.snapshots())
                .filteredOn(decision -> decision.reason() == Reason.LOCKED)
                .singleElement()
                .satisfies(decision -> {
                    assertThat(decision.snapshot().manifest().snapshotId()).isEqualTo("snap_2");
                    assertThat(decision.words()).isEqualTo("locked until 2026-06-10T00:00:00Z");
                });
        assertThat(ids()).containsExactly("snap_3", "snap_2");
        assertThat(store.list("")).hasSize(8).noneMatch(name -> name.endsWith("removing.json"));
        store.unlock(name -> true);
        assertThat(new Pruning(store).run(plan()).complete()).isTrue();
        assertThat(store.list("")).hasSize(4).allMatch(name -> name.contains("/snap_3/"));
    }

    @Test
    void a_lock_that_nobody_was_told_of_leaves_the_snapshot_whole_and_is_no_failure() throws IOException {
        publish("snap_1", 20);
        publish("snap_2", 15);
        publish("snap_3", 10);
        store.unlock(name -> name.contains("/snap_1/"));
        store.tellNobody();
        Pruning.Outcome outcome = new Pruning(store).run(plan());
        assertThat(outcome.complete()).isTrue();
        assertThat(outcome.snapshots().get(0).obstacle()).hasValueSatisfying(obstacle -> {
            assertThat(obstacle.locked()).isTrue();
            assertThat(obstacle.words())
                    .isEqualTo("\"snapshots/public.users/snap_2/manifest.json\" in memory: is locked until"
                            + " 2026-06-10T00:00:00Z");
        });
        assertThat(outcome.snapshots().get(1).obstacle()).isEmpty();
        assertThat(ids()).containsExactly("snap_3", "snap_2");
        for (SnapshotManifest manifest : new SnapshotArchive(store).list()) {
            new SnapshotArchive(store).verify(manifest);
        }
    }

    @Test
    void definitions_stay_with_the_locked_rows_that_they_complete() throws IOException {
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(20)).definitions());
        publish("snap_2", 15);
        publish("snap_3", 10);
        store.unlock(name -> name.contains("/snap_1/"));
        assertThat(reasons())
                .containsEntry("snap_1", Reason.COMPLETES)
                .containsEntry("snap_2", Reason.LOCKED)
                .containsEntry("snap_3", Reason.NEWEST);
        store.unlock(name -> true);
        assertThat(reasons()).containsEntry("snap_1", Reason.OLD).containsEntry("snap_2", Reason.OLD);
    }

    @Test
    void what_is_unfinished_goes_when_its_lock_has_ended() throws IOException {
        StoredSnapshots.begin(store, new Wanted("snap_1", "users", daysAgo(30)));
        assertThat(plan().unfinished()).singleElement().satisfies(draft -> {
            assertThat(draft.removes()).isFalse();
            assertThat(draft.lock().orElseThrow().until()).contains(END);
        });
        store.unlock(name -> true);
        assertThat(new Pruning(store).run(plan()).complete()).isTrue();
        assertThat(store.list("")).isEmpty();
    }

    @Test
    void a_discarded_snapshot_that_is_locked_counts_as_removed_and_goes_later() throws IOException {
        publish("snap_1", 20);
        Wanted wanted = new Wanted("snap_2", "users", daysAgo(10)).undecided();
        SnapshotDraft draft = new SnapshotArchive(store).begin("public", "users", "snap_2");
        SnapshotManifest manifest = StoredSnapshots.manifest(draft, wanted);
        draft.publish(manifest);
        draft.discard();
        draft.discard();
        SnapshotArchive archive = new SnapshotArchive(store);
        assertThat(ids()).containsExactly("snap_1");
        assertThat(archive.contents().undecided()).isEmpty();
        assertThat(archive.newest("public", "users", manifest::equals)).isEmpty();
        archive.verify(manifest);
        assertThat(SnapshotInventory.of(store).snapshots())
                .filteredOn(stored -> stored.manifest().equals(manifest))
                .singleElement()
                .satisfies(stored -> assertThat(stored.outcome()).isEqualTo(StatementOutcome.ROLLED_BACK));
        assertThat(reasons()).containsEntry("snap_1", Reason.NEWEST).containsEntry("snap_2", Reason.LOCKED);
        store.unlock(name -> true);
        assertThat(new Pruning(store).run(plan()).complete()).isTrue();
        assertThat(store.list("")).hasSize(4).allMatch(name -> name.contains("/snap_1/"));
    }

    @Test
    void a_draft_that_was_never_published_stays_unfinished_where_it_is_locked() throws IOException {
        SnapshotDraft draft = StoredSnapshots.begin(store, new Wanted("snap_1", "users", daysAgo(30)));
        draft.discard();
        assertThat(ids()).isEmpty();
        assertThat(SnapshotInventory.of(store).unfinished())
                .singleElement()
                .satisfies(unfinished -> assertThat(unfinished.objects()).isEqualTo(3));
    }

    @Test
    void the_marks_of_a_prune_may_stay_locked_and_go_with_a_later_one() throws IOException {
        publish("snap_1", 20);
        publish("snap_2", 10);
        StoredSnapshots.begin(store, new Wanted("snap_3", "users", daysAgo(30)));
        store.unlock(name -> true);
        store.lockAll();
        Pruning.Outcome outcome = new Pruning(store).run(plan());
        assertThat(outcome.complete()).isTrue();
        assertThat(outcome.snapshots().get(0).obstacle())
                .as("its rows are gone, and a mark has none")
                .isEmpty();
        assertThat(outcome.unfinished().get(0).obstacle().orElseThrow().locked())
                .isTrue();
        assertThat(store.list("snapshots/public.users/snap_1/"))
                .containsExactly("snapshots/public.users/snap_1/removing.json");
        assertThat(store.list("snapshots/public.users/snap_3/"))
                .containsExactly("snapshots/public.users/snap_3/manifest.json");
        store.unlock(name -> true);
        assertThat(new Pruning(store).run(plan()).complete()).isTrue();
        assertThat(store.list("")).hasSize(4).allMatch(name -> name.contains("/snap_2/"));
    }
}
