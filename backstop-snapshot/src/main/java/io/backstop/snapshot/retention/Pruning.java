package io.backstop.snapshot.retention;

import io.backstop.snapshot.archive.SnapshotInventory;
import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.SnapshotInventory.Unfinished;
import io.backstop.snapshot.archive.SnapshotRemoval;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.retention.RetentionPlan.Decision;
import io.backstop.snapshot.retention.RetentionPlan.DraftDecision;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectLock;
import io.backstop.snapshot.store.ObjectStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Carries out a retention plan: exactly what it says, or less if an obstacle is found, which is reported. Thread-safe;
 * several may work on a store at once, and snapshots may be published meanwhile.
 */
public final class Pruning {
    private static final Logger LOG = LoggerFactory.getLogger(Pruning.class);

    private final SnapshotRemoval removal;

    /** For a plan of an inventory that was read without a key. */
    public Pruning(ObjectStore store) {
        this(store, Optional.empty());
    }

    /** @param key that with which the plan's inventory was read */
    public Pruning(ObjectStore store, Optional<KeyProvider> key) {
        this.removal = new SnapshotRemoval(store, key);
    }

    /**
     * Decides as {@link RetentionPlan#of} does, and asks the store which of what would go it keeps locked: that stays, and so
     * does what completes it.
     */
    public RetentionPlan plan(
            SnapshotInventory inventory, Map<String, Instant> approvals, RetentionRules rules, Instant now)
            throws IOException {
        RetentionPlan unlocked = RetentionPlan.of(inventory, approvals, rules, now);
        Map<String, ObjectLock> locks = new HashMap<>();
        List<String> folders = new ArrayList<>();
        unlocked.removals().forEach(decision -> folders.add(decision.snapshot().folder()));
        unlocked.unfinished().stream()
                .filter(DraftDecision::removes)
                .forEach(decision -> folders.add(decision.draft().folder()));
        for (String folder : folders) {
            try {
                removal.lock(folder).ifPresent(lock -> locks.put(folder, lock));
            } catch (IOException e) {
                LOG.warn("what keeps {} is not known; its removal will tell", folder, e);
            }
        }
        return locks.isEmpty() ? unlocked : RetentionPlan.of(inventory, approvals, rules, now, locks);
    }

    /** Removes what the plan removes; a failure with one does not keep it from the others. */
    public Outcome run(RetentionPlan plan) {
        List<Removed> snapshots = new ArrayList<>();
        for (Decision decision : plan.removals()) {
            snapshots.add(Removed.of(decision.snapshot(), () -> remove(decision, plan.usedSince())));
        }
        List<RemovedDraft> unfinished = new ArrayList<>();
        for (DraftDecision decision : plan.unfinished()) {
            if (decision.removes()) {
                unfinished.add(RemovedDraft.of(decision.draft(), () -> remove(decision.draft())));
            }
        }
        return new Outcome(snapshots, unfinished);
    }

    private Optional<Obstacle> remove(Decision decision, Instant usedSince) throws IOException {
        if (decision.best().isPresent()) {
            Stored best = decision.best().get();
            // Whoever published it may have taken it back: its statement did not run, or another prune knew a newer
            // one.
            if (!removal.isThere(best)) {
                return Obstacle.left("left alone: " + best.manifest().snapshotId()
                        + ", for which it would have gone, is not there any more");
            }
        }
        return removal.remove(decision.snapshot(), usedSince)
                ? Optional.empty()
                : Obstacle.left("left alone: a statement has relied on it meanwhile");
    }

    private Optional<Obstacle> remove(Unfinished draft) throws IOException {
        return removal.remove(draft)
                ? Optional.empty()
                : Obstacle.left("left alone: it was published meanwhile, or somebody else is removing it");
    }

    private interface Work {
        Optional<Obstacle> obstacle() throws IOException;
    }

    /** The part of a plan that was carried out. Immutable. */
    public record Outcome(List<Removed> snapshots, List<RemovedDraft> unfinished) {
        public Outcome {
            snapshots = List.copyOf(snapshots);
            unfinished = List.copyOf(unfinished);
        }

        /** Whether all of the plan was done, but for what the store keeps locked. */
        public boolean complete() {
            return Stream.concat(
                            snapshots.stream().map(Removed::obstacle),
                            unfinished.stream().map(RemovedDraft::obstacle))
                    .flatMap(Optional::stream)
                    .allMatch(Obstacle::locked);
        }
    }

    /** A snapshot that was to go, and why it did not, if so. */
    public record Removed(Stored snapshot, Optional<Obstacle> obstacle) {
        private static Removed of(Stored snapshot, Work work) {
            return new Removed(snapshot, Obstacle.of(work));
        }
    }

    /** Something unfinished that was to go, and why it did not, if so. */
    public record RemovedDraft(Unfinished draft, Optional<Obstacle> obstacle) {
        private static RemovedDraft of(Unfinished draft, Work work) {
            return new RemovedDraft(draft, Obstacle.of(work));
        }
    }

    /**
     * Why something did not go.
     *
     * @param locked whether the store kept it because of a lock that nobody saw when it was decided
     */
    public record Obstacle(String words, boolean locked) {
        static Optional<Obstacle> of(Work work) {
            try {
                return work.obstacle();
            } catch (LockedObjectException e) {
                return Optional.of(new Obstacle(String.valueOf(e.getMessage()), true));
            } catch (IOException e) {
                return left(String.valueOf(e.getMessage()));
            }
        }

        static Optional<Obstacle> left(String words) {
            return Optional.of(new Obstacle(words, false));
        }
    }
}
