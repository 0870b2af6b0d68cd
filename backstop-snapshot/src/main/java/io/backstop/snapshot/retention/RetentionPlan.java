package io.backstop.snapshot.retention;

import io.backstop.api.snapshot.ServerIdentity;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.snapshot.archive.SnapshotInventory;
import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.SnapshotInventory.Unfinished;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.store.ObjectLock;

import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Decides which snapshots of a store stay and which go, and why: one by one, without regard to recovery groups.
 * Immutable, thread-safe.
 *
 * @param snapshots the decisions, in the inventory's order
 * @param usedSince a snapshot on which a statement relied at this time or later stays, also where that comes to be known later
 * @param unfinished what becomes of what is no snapshot
 */
public record RetentionPlan(List<Decision> snapshots, Instant usedSince, List<DraftDecision> unfinished) {
    /** Whole ones before damaged ones, then the newest. */
    private static final Comparator<Stored> BEST_FIRST = Comparator.<Stored, Boolean>comparing(
                    snapshot -> snapshot.damage().isPresent())
            .thenComparing(snapshot -> snapshot.manifest().createdAt(), Comparator.reverseOrder())
            .thenComparing(snapshot -> snapshot.manifest().snapshotId(), Comparator.reverseOrder());

    public RetentionPlan {
        snapshots = List.copyOf(snapshots);
        Objects.requireNonNull(usedSince, "usedSince");
        unfinished = List.copyOf(unfinished);
    }

    /**
     * Decides.
     *
     * @param approvals when the approvals that are known were decided, or else asked for, by their ids; one that is not
     *     among them keeps its snapshot as if it were as old as that
     */
    public static RetentionPlan of(
            SnapshotInventory inventory, Map<String, Instant> approvals, RetentionRules rules, Instant now) {
        return of(inventory, approvals, rules, now, Map.of());
    }

    /**
     * The same where the store keeps some of it.
     *
     * @param locks by the folders of what would go
     */
    static RetentionPlan of(
            SnapshotInventory inventory,
            Map<String, Instant> approvals,
            RetentionRules rules,
            Instant now,
            Map<String, ObjectLock> locks) {
        Map<Table, Stored> best = best(inventory, snapshot -> true);
        // A statement that is sent again finds an empty table, and its snapshot stands for no rows that were lost.
        Map<Table, Stored> bestWithRows = best(
                inventory,
                snapshot -> snapshot.damage().isEmpty() && snapshot.manifest().rowCount() > 0);
        Map<Table, Instant> undecided = new HashMap<>();
        inventory
                .undecided()
                .forEach(snapshot -> undecided.merge(
                        Table.of(snapshot), snapshot.manifest().createdAt(), (a, b) -> a.isAfter(b) ? a : b));
        Map<Stored, Decision> decided = new LinkedHashMap<>();
        for (Stored snapshot : inventory.snapshots()) {
            Optional<Stored> kept = Optional.ofNullable(best.get(Table.of(snapshot)));
            boolean beforeUndecided = undecided.entrySet().stream()
                    .filter(other -> other.getKey().mayBe(Table.of(snapshot)))
                    .anyMatch(newest -> !snapshot.manifest().createdAt().isAfter(newest.getValue()));
            boolean newestWithRows = snapshot.equals(bestWithRows.get(Table.of(snapshot)));
            Reason reason = reason(snapshot, kept, newestWithRows, approvals, rules, now);
            Optional<ObjectLock> lock = Optional.ofNullable(locks.get(snapshot.folder()));
            decided.put(
                    snapshot,
                    new Decision(
                            snapshot,
                            reason != Reason.OLD
                                    ? reason
                                    : beforeUndecided
                                            ? Reason.BEFORE_UNDECIDED
                                            : lock.isPresent() ? Reason.LOCKED : Reason.OLD,
                            kept,
                            lock));
        }
        Map<Table, List<Decision>> byTable = decided.values().stream()
                .filter(decision -> decision.snapshot().damage().isEmpty()
                        && decision.snapshot().outcome() != StatementOutcome.ROLLED_BACK)
                .collect(Collectors.groupingBy(decision -> Table.of(decision.snapshot())));
        List<Decision> decisions = decided.values().stream()
                .map(decision -> decision.removes()
                                && decision.snapshot().outcome() != StatementOutcome.ROLLED_BACK
                                && decision.snapshot().manifest().holdsNoRows()
                                && completesWhatStays(
                                        decision.snapshot(),
                                        byTable.getOrDefault(Table.of(decision.snapshot()), List.of()))
                        ? new Decision(decision.snapshot(), Reason.COMPLETES, decision.best(), Optional.empty())
                        : decision)
                .toList();
        Instant limit = now.minus(rules.unfinished());
        return new RetentionPlan(
                decisions,
                now.minus(rules.uses()),
                inventory.unfinished().stream()
                        .map(draft -> DraftDecision.of(
                                draft,
                                draft.givenUp() || draft.lastWritten().isBefore(limit),
                                Optional.ofNullable(locks.get(draft.folder()))))
                        .toList());
    }

    /**
     * Definitions that a table lost before its rows were stored are in no other snapshot. Without rows that were stored later,
     * the newest definitions of the table are the last that there are; so are the newest of what is no table.
     */
    private static boolean completesWhatStays(Stored definitions, List<Decision> ofTable) {
        boolean object = definitions.manifest().holdsObject();
        List<Decision> later = ofTable.stream()
                .filter(decision -> decision.snapshot().manifest().holdsObject() == object
                        && decision.snapshot()
                                .manifest()
                                .createdAt()
                                .isAfter(definitions.manifest().createdAt()))
                .toList();
        return later.stream()
                .filter(decision -> decision.snapshot().manifest().coverage() == Coverage.TABLE)
                .min(Comparator.comparing(
                        decision -> decision.snapshot().manifest().createdAt()))
                .map(rows -> !rows.removes())
                .orElse(later.isEmpty());
    }

    private static Map<Table, Stored> best(SnapshotInventory inventory, Predicate<Stored> condition) {
        Map<Table, Stored> best = new HashMap<>();
        inventory.snapshots().stream()
                .filter(snapshot -> snapshot.manifest().coverage() == Coverage.TABLE)
                // Another may be taken back at any moment, when its statement is rolled back.
                .filter(snapshot -> snapshot.outcome() == StatementOutcome.COMMITTED)
                .filter(condition)
                .forEach(snapshot ->
                        best.merge(Table.of(snapshot), snapshot, (a, b) -> BEST_FIRST.compare(a, b) <= 0 ? a : b));
        return best;
    }

    private static Reason reason(
            Stored snapshot,
            Optional<Stored> best,
            boolean newestWithRows,
            Map<String, Instant> approvals,
            RetentionRules rules,
            Instant now) {
        SnapshotManifest manifest = snapshot.manifest();
        if (!snapshot.outcome().isFinal()) {
            return Reason.UNDECIDED;
        }
        if (best.isPresent() && best.get().equals(snapshot)) {
            return snapshot.damage().isPresent() ? Reason.NO_WHOLE_ONE : Reason.NEWEST;
        }
        if (newestWithRows) {
            return Reason.NEWEST_WITH_ROWS;
        }
        // What is not listed, or on a disk that is away, may be there again tomorrow.
        if (snapshot.damage().isPresent()
                && best.filter(whole -> whole.manifest().createdAt().isBefore(manifest.createdAt()))
                        .isPresent()) {
            return Reason.NEWER_THAN_WHOLE_ONE;
        }
        if (!manifest.createdAt().isBefore(now.minus(rules.olderThan()))) {
            return Reason.YOUNG;
        }
        Instant usedSince = now.minus(rules.uses());
        if (snapshot.used().filter(at -> !at.isBefore(usedSince)).isPresent()) {
            return Reason.USED;
        }
        Instant limit = now.minus(rules.approvalRetention());
        boolean approved = manifest.approvalId()
                .map(id -> approvals.getOrDefault(id, manifest.createdAt()))
                .filter(at -> !at.isBefore(limit))
                .isPresent();
        return approved ? Reason.APPROVAL : Reason.OLD;
    }

    /** The snapshots that it takes away. */
    public List<Decision> removals() {
        return snapshots.stream().filter(Decision::removes).toList();
    }

    /** Why a snapshot goes or stays. */
    public enum Reason {
        OLD("older than it has to be"),
        YOUNG("young"),
        NEWEST("the newest whole snapshot of its table"),
        NEWEST_WITH_ROWS("the newest whole snapshot of its table that has rows"),
        NO_WHOLE_ONE("damaged, but its table has no whole one"),
        NEWER_THAN_WHOLE_ONE("damaged, but newer than the newest whole one of its table"),
        APPROVAL("its approval is young"),
        COMPLETES("it holds definitions that a snapshot which stays has not, or the last of its table"),
        USED("a statement has relied on it not long ago"),
        UNDECIDED("undecided: its statement is not known to be committed"),
        BEFORE_UNDECIDED("a newer one of its table is undecided"),
        LOCKED("the storage keeps it locked");

        private final String words;

        Reason(String words) {
            this.words = words;
        }

        /** For people. */
        public String words() {
            return words;
        }
    }

    /**
     * The decision about one snapshot.
     *
     * @param best the snapshot of all rows of its table that is kept in any case, if there is one
     * @param lock with which the store keeps it, where it would go without that
     */
    public record Decision(Stored snapshot, Reason reason, Optional<Stored> best, Optional<ObjectLock> lock) {
        public Decision {
            Objects.requireNonNull(snapshot, "snapshot");
            Objects.requireNonNull(reason, "reason");
            Objects.requireNonNull(best, "best");
            Objects.requireNonNull(lock, "lock");
        }

        /** For people: why it goes or stays. */
        public String words() {
            return lock.map(ObjectLock::words).orElse(reason.words());
        }

        public boolean removes() {
            return reason == Reason.OLD;
        }
    }

    /**
     * The decision about something unfinished: it goes, is too young to tell, or is locked.
     *
     * @param lock with which the store keeps it, where it would go without that
     */
    public record DraftDecision(Unfinished draft, boolean removes, Optional<ObjectLock> lock) {
        public DraftDecision {
            Objects.requireNonNull(draft, "draft");
            Objects.requireNonNull(lock, "lock");
        }

        private static DraftDecision of(Unfinished draft, boolean old, Optional<ObjectLock> lock) {
            return new DraftDecision(draft, old && lock.isEmpty(), lock);
        }
    }

    /**
     * A table of a database, by the name that the manifest gives it, and of a server in one of its histories: those that do not
     * say of which one they are, are of one by themselves.
     */
    private record Table(Optional<ServerIdentity> server, String database, String schema, String name) {
        static Table of(Stored snapshot) {
            SnapshotManifest manifest = snapshot.manifest();
            return new Table(manifest.server(), manifest.database(), manifest.schema(), manifest.table());
        }

        boolean mayBe(Table other) {
            return database.equals(other.database)
                    && schema.equals(other.schema)
                    && name.equals(other.name)
                    && (server.isEmpty()
                            || other.server.isEmpty()
                            || server.get().mayBe(other.server.get()));
        }
    }
}
