package io.backstop.snapshot.retention;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.archive.CommitMark;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.archive.SnapshotDraft;
import io.backstop.snapshot.archive.SnapshotInventory;
import io.backstop.snapshot.retention.StoredSnapshots.Wanted;
import io.backstop.snapshot.store.FailingObjectStore;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.WatchedObjectStore;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PruningTest {
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");
    private static final RetentionRules WEEK = new RetentionRules(Duration.ofDays(7), Duration.ZERO);

    private final MemoryObjectStore store = new MemoryObjectStore(Clock.fixed(daysAgo(30), ZoneOffset.UTC));

    private static Instant daysAgo(int days) {
        return NOW.minus(Duration.ofDays(days));
    }

    private static RetentionPlan plan(ObjectStore store) throws IOException {
        return RetentionPlan.of(SnapshotInventory.of(store), Map.of(), WEEK, NOW);
    }

    private static List<String> ids(ObjectStore store) throws IOException {
        return new SnapshotArchive(store)
                .list().stream().map(SnapshotManifest::snapshotId).toList();
    }

    private void fill() throws IOException {
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(20)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(10)));
        StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(9)));
        StoredSnapshots.begin(store, new Wanted("snap_4", "users", daysAgo(30)));
    }

    @Test
    void leaves_what_the_plan_keeps_and_nothing_else() throws IOException {
        fill();
        Pruning.Outcome outcome = new Pruning(store).run(plan(store));
        assertThat(outcome.complete()).isTrue();
        assertThat(outcome.snapshots())
                .extracting(removed -> removed.snapshot().manifest().snapshotId())
                .containsExactly("snap_2", "snap_1");
        assertThat(outcome.unfinished())
                .extracting(removed -> removed.draft().folder())
                .containsExactly("snapshots/public.users/snap_4/");
        assertThat(store.list("")).hasSize(4).allMatch(name -> name.startsWith("snapshots/public.users/snap_3/"));
    }

    @Property(tries = 100)
    void what_is_gone_is_what_the_plan_said_and_the_rest_is_whole(
            @ForAll @Size(max = 8) List<@IntRange(max = 20) Integer> ages, @ForAll @IntRange(max = 20) int olderThan)
            throws IOException {
        MemoryObjectStore memory = new MemoryObjectStore();
        for (int i = 0; i < ages.size(); i++) {
            StoredSnapshots.publish(
                    memory, new Wanted("snap_" + i, i % 3 == 0 ? "orders" : "users", daysAgo(ages.get(i))));
        }
        List<String> before = ids(memory);
        RetentionRules rules = new RetentionRules(Duration.ofDays(olderThan), Duration.ZERO);
        RetentionPlan dryRun = RetentionPlan.of(SnapshotInventory.of(memory), Map.of(), rules, NOW);
        RetentionPlan plan = RetentionPlan.of(SnapshotInventory.of(memory), Map.of(), rules, NOW);
        assertThat(plan).isEqualTo(dryRun);
        assertThat(new Pruning(memory).run(plan).complete()).isTrue();
        List<String> gone = dryRun.removals().stream()
                .map(d -> d.snapshot().manifest().snapshotId())
                .toList();
        assertThat(ids(memory))
                .isEqualTo(before.stream().filter(id -> !gone.contains(id)).toList());
        SnapshotArchive archive = new SnapshotArchive(memory);
        for (SnapshotManifest manifest : archive.list()) {
            archive.verify(manifest);
        }
        assertThat(memory.list("")).hasSize(4 * (before.size() - gone.size()));
    }

    @Test
    void stopped_at_any_step_it_leaves_no_snapshot_that_is_not_whole_and_goes_on_the_next_time() throws IOException {
        for (boolean afterTheDeed : new boolean[] {false, true}) {
            boolean complete = false;
            for (int failing = 1; !complete; failing++) {
                store.list("").forEach(store::delete);
                fill();
                RetentionPlan plan = plan(store);
                FailingObjectStore failingStore = new FailingObjectStore(store, failing, true, afterTheDeed);
                complete = new Pruning(failingStore).run(plan).complete();
                SnapshotInventory left = SnapshotInventory.of(store);
                assertThat(left.broken()).isEmpty();
                assertThat(left.snapshots())
                        .allMatch(snapshot -> snapshot.damage().isEmpty());
                assertThat(ids(store)).contains("snap_3").doesNotContain("snap_4");
                assertThat(new Pruning(store).run(plan(store)).complete()).isTrue();
                assertThat(store.list(""))
                        .hasSize(4)
                        .allMatch(name -> name.startsWith("snapshots/public.users/snap_3/"));
            }
        }
    }

    @Test
    void a_failure_with_one_snapshot_is_told_and_does_not_keep_the_others() throws IOException {
        fill();
        RetentionPlan plan = plan(store);
        Pruning.Outcome outcome = new Pruning(new FailingObjectStore(store, 2, false, false)).run(plan);
        assertThat(outcome.complete()).isFalse();
        assertThat(outcome.snapshots().get(0).obstacle()).isPresent();
        assertThat(outcome.snapshots().get(1).obstacle()).isEmpty();
        assertThat(ids(store)).containsExactly("snap_3", "snap_2");
    }

    @Test
    void a_draft_that_is_published_meanwhile_stays() throws IOException {
        Wanted wanted = new Wanted("snap_9", "users", daysAgo(30));
        SnapshotDraft draft = new SnapshotArchive(store).begin("public", "users", "snap_9");
        SnapshotManifest manifest = StoredSnapshots.manifest(draft, wanted);
        RetentionPlan plan = plan(store);
        assertThat(plan.unfinished()).singleElement().matches(RetentionPlan.DraftDecision::removes);
        draft.publish(manifest);
        Pruning.Outcome outcome = new Pruning(store).run(plan);
        assertThat(outcome.unfinished())
                .singleElement()
                .satisfies(removed -> assertThat(removed.obstacle().map(Pruning.Obstacle::words))
                        .contains("left alone: it was published meanwhile, or somebody else is removing it"));
        new SnapshotArchive(store).verify(manifest);
    }

    @Test
    void a_draft_whose_removal_has_begun_cannot_be_published() throws IOException {
        SnapshotDraft draft = new SnapshotArchive(store).begin("public", "users", "snap_9");
        SnapshotManifest manifest = StoredSnapshots.manifest(draft, new Wanted("snap_9", "users", daysAgo(30)));
        // It takes the manifest's place and lists; the first deletion fails.
        Pruning.Outcome outcome = new Pruning(new FailingObjectStore(store, 3, true, false)).run(plan(store));
        assertThat(outcome.complete()).isFalse();
        assertThatThrownBy(() -> draft.publish(manifest)).isInstanceOf(FileAlreadyExistsException.class);
        assertThat(SnapshotInventory.of(store).unfinished())
                .singleElement()
                .matches(SnapshotInventory.Unfinished::givenUp);
    }

    @Test
    void what_is_published_while_the_store_is_read_is_not_in_the_plan() throws IOException {
        fill();
        ObjectStore publishing = new ListedStore(store, () -> {
            StoredSnapshots.publish(store, new Wanted("snap_5", "users", daysAgo(20)));
            return true;
        });
        RetentionPlan plan = RetentionPlan.of(
                SnapshotInventory.of(publishing), Map.of(), new RetentionRules(Duration.ZERO, Duration.ZERO), NOW);
        assertThat(plan.snapshots())
                .extracting(d -> d.snapshot().manifest().snapshotId())
                .doesNotContain("snap_5");
        assertThat(new Pruning(store).run(plan).complete()).isTrue();
        assertThat(ids(store)).containsExactly("snap_3", "snap_5");
    }

    @Test
    void an_old_snapshot_stays_where_the_newer_one_was_taken_back() throws IOException {
        fill();
        RetentionPlan plan = plan(store);
        store.delete("snapshots/public.users/snap_3/manifest.json");
        Pruning.Outcome outcome = new Pruning(store).run(plan);
        assertThat(outcome.snapshots())
                .allSatisfy(removed -> assertThat(removed.obstacle().map(Pruning.Obstacle::words))
                        .contains("left alone: snap_3, for which it would have gone, is not there any more"));
        assertThat(ids(store)).containsExactly("snap_2", "snap_1");
    }

    @Test
    void a_statement_that_is_rolled_back_after_a_prune_leaves_the_older_snapshot() throws IOException {
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(20)));
        Wanted open = new Wanted("snap_2", "users", daysAgo(10)).undecided();
        SnapshotDraft draft = new SnapshotArchive(store).begin("public", "users", "snap_2");
        draft.publish(StoredSnapshots.manifest(draft, open));
        assertThat(new Pruning(store).run(plan(store)).complete()).isTrue();
        draft.discard();
        assertThat(ids(store)).containsExactly("snap_1");
    }

    @Test
    void an_undecided_snapshot_stays_and_all_that_is_older_with_it() throws IOException {
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(30)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(25)));
        SnapshotManifest undecided =
                StoredSnapshots.publish(store, new Wanted("snap_3", "users", daysAgo(20)).undecided());
        StoredSnapshots.publish(store, new Wanted("snap_4", "users", daysAgo(15)));
        StoredSnapshots.publish(store, new Wanted("snap_5", "users", daysAgo(10)));
        StoredSnapshots.publish(store, new Wanted("snap_6", "orders", daysAgo(30)));
        StoredSnapshots.publish(store, new Wanted("snap_7", "orders", daysAgo(20)));
        assertThat(new Pruning(store).run(plan(store)).complete()).isTrue();
        assertThat(ids(store)).containsExactlyInAnyOrder("snap_1", "snap_2", "snap_3", "snap_5", "snap_7");
        new SnapshotArchive(store).markCommitted(undecided);
        new SnapshotArchive(store).markCommitted(undecided);
        assertThat(new Pruning(store).run(plan(store)).complete()).isTrue();
        assertThat(ids(store)).containsExactlyInAnyOrder("snap_5", "snap_7");
    }

    @Test
    void a_snapshot_counts_as_the_newest_once_its_statement_is_committed() throws IOException {
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(20)));
        SnapshotDraft draft = new SnapshotArchive(store).begin("public", "users", "snap_2");
        draft.publish(StoredSnapshots.manifest(draft, new Wanted("snap_2", "users", daysAgo(10)).undecided()));
        byte[] manifest = content("snapshots/public.users/snap_2/manifest.json");
        draft.markCommitted(new CommitMark(Set.of(), Set.of(), Optional.empty(), Optional.empty(), Set.of()));
        assertThat(content("snapshots/public.users/snap_2/manifest.json")).isEqualTo(manifest);
        assertThat(new Pruning(store).run(plan(store)).complete()).isTrue();
        assertThat(ids(store)).containsExactly("snap_2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "snapshots/notes.txt",
                "snapshots/public.users/notes.txt",
                "snapshots/public.users/snap_9/notes.txt",
                "snapshots/public.users/snap_9/backup/data-00000.copy.zst",
                "snapshots/public.users/backup/data-00000.copy.zst"
            })
    void what_somebody_else_put_there_stays_and_nothing_else_goes_with_it(String foreign) throws IOException {
        StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(9)));
        store.put(foreign, ByteBuffer.wrap(new byte[7]));
        List<String> before = store.list("");
        RetentionPlan plan = plan(store);
        assertThat(plan.unfinished()).isEmpty();
        assertThat(new Pruning(store).run(plan).complete()).isTrue();
        assertThat(store.list("")).isEqualTo(before);
        assertThat(SnapshotInventory.of(store).broken()).containsExactly(foreign + " is not an object of a snapshot");
    }

    @Test
    void what_somebody_else_put_beside_a_snapshot_stays_when_that_goes() throws IOException {
        fill();
        store.put("snapshots/public.users/snap_1/notes.txt", ByteBuffer.wrap(new byte[7]));
        assertThat(new Pruning(store).run(plan(store)).complete()).isTrue();
        assertThat(store.list("snapshots/public.users/snap_1/"))
                .containsExactly("snapshots/public.users/snap_1/notes.txt");
    }

    /** A statement relies on a snapshot before each call of a prune to the store, or the prune runs before each of the statement's. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void what_a_statement_relies_on_stays_whenever_a_prune_comes(boolean pruneFirst) throws IOException {
        int undisturbed = callsUntilDisturbed(pruneFirst, Integer.MAX_VALUE);
        assertThat(undisturbed).isGreaterThan(5);
        for (int call = 1; call <= undisturbed; call++) {
            callsUntilDisturbed(pruneFirst, call);
        }
    }

    /** @return how many calls the one made whom the other disturbed before this one */
    private static int callsUntilDisturbed(boolean pruneFirst, int call) throws IOException {
        MemoryObjectStore shared = new MemoryObjectStore(Clock.fixed(NOW, ZoneOffset.UTC));
        SnapshotManifest old = StoredSnapshots.publish(shared, new Wanted("snap_1", "users", daysAgo(20)));
        StoredSnapshots.publish(shared, new Wanted("snap_2", "users", daysAgo(10)));
        RetentionPlan plan = plan(shared);
        Statement statement = new Statement(old);
        WatchedObjectStore watched = new WatchedObjectStore(
                shared, call, pruneFirst ? () -> statement.begin(shared) : () -> new Pruning(shared).run(plan));
        if (pruneFirst) {
            new Pruning(watched).run(plan);
        } else {
            statement.begin(watched);
        }
        if (statement.refusal.isEmpty()) {
            new SnapshotArchive(shared).verify(old);
            assertThat(new Pruning(shared).run(plan(shared)).complete()).isTrue();
            new SnapshotArchive(shared).verify(old);
        }
        return watched.calls();
    }

    /** What a statement in mode recent does with a snapshot. */
    private static final class Statement {
        private final SnapshotManifest wanted;
        private String refusal = "not begun";

        Statement(SnapshotManifest wanted) {
            this.wanted = wanted;
        }

        void begin(ObjectStore store) {
            SnapshotArchive archive = new SnapshotArchive(store);
            try {
                Optional<SnapshotManifest> found = archive.newest("public", "users", wanted::equals);
                if (found.isEmpty()) {
                    refusal = "there is none";
                    return;
                }
                archive.relyOn(List.of(found.get()));
                archive.verify(found.get());
                refusal = "";
            } catch (IOException e) {
                refusal = String.valueOf(e.getMessage());
            }
        }
    }

    @Test
    void a_snapshot_whose_removal_was_begun_and_never_done_covers_no_statement_and_can_be_read() throws IOException {
        SnapshotManifest old = StoredSnapshots.publish(store, new Wanted("snap_1", "users", daysAgo(20)));
        StoredSnapshots.publish(store, new Wanted("snap_2", "users", daysAgo(10)));
        RetentionPlan plan = plan(store);
        SnapshotArchive archive = new SnapshotArchive(store);
        String mark = "snapshots/public.users/snap_1/removing.json";
        for (int call = 1; store.list(mark).isEmpty(); call++) {
            assertThat(archive.newest("public", "users", old::equals)).contains(old);
            new Pruning(new FailingObjectStore(store, call, true, true)).run(plan);
        }
        assertThat(archive.newest("public", "users", old::equals)).isEmpty();
        assertThatThrownBy(() -> archive.relyOn(List.of(old))).hasMessage("the snapshot snap_1 is being removed");
        archive.verify(old);
        assertThat(archive.list()).contains(old);
    }

    private byte[] content(String name) throws IOException {
        try (InputStream stored = store.open(name)) {
            return stored.readAllBytes();
        }
    }

    @Test
    void two_at_once_do_what_one_does() throws Exception {
        for (int round = 0; round < 20; round++) {
            fill();
            CyclicBarrier barrier = new CyclicBarrier(2);
            Callable<Pruning.Outcome> prune = () -> {
                RetentionPlan plan = plan(store);
                barrier.await();
                return new Pruning(store).run(plan);
            };
            ExecutorService threads = Executors.newFixedThreadPool(2);
            for (Future<Pruning.Outcome> outcome : threads.invokeAll(List.of(prune, prune))) {
                assertThat(outcome.get().snapshots())
                        .allSatisfy(removed -> assertThat(removed.obstacle()).isEmpty());
            }
            threads.shutdownNow();
            assertThat(ids(store)).containsExactly("snap_3");
            assertThat(store.list("")).hasSize(4);
            store.list("").forEach(store::delete);
        }
    }

    /** A store in which something happens right after the first listing. */
    private record ListedStore(ObjectStore store, Callable<Boolean> then) implements ObjectStore {
        @Override
        public List<String> list(String prefix) throws IOException {
            List<String> names = store.list(prefix);
            try {
                then.call();
            } catch (Exception e) {
                throw new IOException(e);
            }
            return names;
        }

        @Override
        public List<ObjectEntry> entries(String prefix) throws IOException {
            return store.entries(prefix);
        }

        @Override
        public InputStream open(String name) throws IOException {
            return store.open(name);
        }

        @Override
        public void put(String name, ByteBuffer content) throws IOException {
            store.put(name, content);
        }

        @Override
        public void putNew(String name, ByteBuffer content) throws IOException {
            store.putNew(name, content);
        }

        @Override
        public void delete(String name) throws IOException {
            store.delete(name);
        }

        @Override
        public String address() {
            return store.address();
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
