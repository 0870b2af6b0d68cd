package io.backstop.snapshot.retention;

import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.SnapshotInventory.Unfinished;
import io.backstop.snapshot.archive.SnapshotRemoval;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.retention.RetentionPlan.Decision;
import io.backstop.snapshot.retention.RetentionPlan.DraftDecision;
import io.backstop.snapshot.store.ObjectStore;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Carries out a retention plan: exactly what it says, or less if an obstacle is found, which is reported. Thread-safe;
 * several may work on a store at once, and snapshots may be published meanwhile.
 */
public final class Pruning {
    private final SnapshotRemoval removal;

    /** For a plan of an inventory that was read without a key. */
    public Pruning(ObjectStore store) {
        this(store, Optional.empty());
    }

    /** @param key that with which the plan's inventory was read */
    public Pruning(ObjectStore store, Optional<KeyProvider> key) {
        this.removal = new SnapshotRemoval(store, key);
    }

    /** Removes what the plan removes; a failure with one does not keep it from the others. */
    public Outcome run(RetentionPlan plan) {
        List<Removed> snapshots = new ArrayList<>();
        for (Decision decision : plan.removals()) {
            snapshots.add(new Removed(decision.snapshot(), problem(() -> remove(decision, plan.usedSince()))));
        }
        List<RemovedDraft> unfinished = new ArrayList<>();
        for (DraftDecision decision : plan.unfinished()) {
            if (decision.removes()) {
                unfinished.add(new RemovedDraft(decision.draft(), problem(() -> remove(decision.draft()))));
            }
        }
        return new Outcome(snapshots, unfinished);
    }

    private Optional<String> remove(Decision decision, Instant usedSince) throws IOException {
        if (decision.best().isPresent()) {
            Stored best = decision.best().get();
            // Whoever published it may have taken it back: its statement did not run, or another prune knew a newer
            // one.
            if (!removal.isThere(best)) {
                return Optional.of("left alone: " + best.manifest().snapshotId()
                        + ", for which it would have gone, is not there any more");
            }
        }
        return removal.remove(decision.snapshot(), usedSince)
                ? Optional.empty()
                : Optional.of("left alone: a statement has relied on it meanwhile");
    }

    private Optional<String> remove(Unfinished draft) throws IOException {
        return removal.remove(draft)
                ? Optional.empty()
                : Optional.of("left alone: it was published meanwhile, or somebody else is removing it");
    }

    private static Optional<String> problem(Work work) {
        try {
            return work.problem();
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private interface Work {
        Optional<String> problem() throws IOException;
    }

    /** The part of a plan that was carried out. Immutable. */
    public record Outcome(List<Removed> snapshots, List<RemovedDraft> unfinished) {
        public Outcome {
            snapshots = List.copyOf(snapshots);
            unfinished = List.copyOf(unfinished);
        }

        /** Whether all of the plan was done. */
        public boolean complete() {
            return snapshots.stream().allMatch(removed -> removed.problem().isEmpty())
                    && unfinished.stream().allMatch(removed -> removed.problem().isEmpty());
        }
    }

    /** A snapshot that was to go, and why it did not, if so. */
    public record Removed(Stored snapshot, Optional<String> problem) {}

    /** Something unfinished that was to go, and why it did not, if so. */
    public record RemovedDraft(Unfinished draft, Optional<String> problem) {}
}
