package io.backstop.cli.snapshots;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.SnapshotInventory.Unfinished;
import io.backstop.snapshot.retention.Pruning;
import io.backstop.snapshot.retention.RetentionPlan;
import io.backstop.snapshot.retention.RetentionPlan.Decision;
import io.backstop.snapshot.retention.RetentionPlan.DraftDecision;
import io.backstop.snapshot.retention.RetentionRules;
import io.backstop.snapshot.store.ObjectLock;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The result of a prune, or of its dry run, as programs read it.
 *
 * @param dryRun whether nothing was done
 * @param snapshots every snapshot with a valid manifest, newest first
 * @param unfinished objects that no manifest vouches for
 * @param notValid what is wrong with manifests that are not valid; these are left alone
 */
record PruneReport(boolean dryRun, List<Snapshot> snapshots, List<Draft> unfinished, List<String> notValid) {
    static PruneReport of(RetentionPlan plan, Optional<Pruning.Outcome> outcome, List<String> notValid) {
        Map<Stored, String> kept = new HashMap<>();
        Map<Unfinished, String> left = new HashMap<>();
        outcome.ifPresent(done -> {
            done.snapshots()
                    .forEach(removed ->
                            removed.obstacle().ifPresent(obstacle -> kept.put(removed.snapshot(), obstacle.words())));
            done.unfinished()
                    .forEach(removed ->
                            removed.obstacle().ifPresent(obstacle -> left.put(removed.draft(), obstacle.words())));
        });
        return new PruneReport(
                outcome.isEmpty(),
                plan.snapshots().stream()
                        .map(decision -> Snapshot.of(decision, Optional.ofNullable(kept.get(decision.snapshot()))))
                        .toList(),
                plan.unfinished().stream()
                        .map(decision -> Draft.of(decision, Optional.ofNullable(left.get(decision.draft()))))
                        .toList(),
                notValid);
    }

    void print(ReportPrinter report, RetentionRules rules, String address) {
        report.tableThatFits(
                List.of("snapshot", "table", "what", "why", "taken at", "bytes", "rows", "database"),
                List.of(0, 1, 2, 3),
                snapshots.stream().map(this::row).toList(),
                "no snapshots in " + address);
        unfinished.forEach(draft -> report.line(draft.line(dryRun)));
        notValid.forEach(problem -> report.line("left alone, not usable: " + problem));
        List<Snapshot> removed = snapshots.stream()
                .filter(snapshot -> snapshot.remove() && snapshot.problem().isEmpty())
                .toList();
        report.line((dryRun ? "would remove " : "removed ") + removed.size() + " of " + snapshots.size()
                + " snapshots, " + removed.stream().mapToLong(Snapshot::bytes).sum() + " bytes (older than "
                + DurationConverter.words(rules.olderThan()) + ", approvals of "
                + DurationConverter.words(rules.approvalRetention())
                + ")");
        long locked = snapshots.stream().filter(Snapshot::locked).count()
                + unfinished.stream().filter(Draft::locked).count();
        if (locked > 0) {
            report.line("locked by the storage, and left until that ends: " + locked);
        }
    }

    private List<String> row(Snapshot snapshot) {
        return List.of(
                snapshot.snapshotId(),
                snapshot.table(),
                what(snapshot.remove(), snapshot.problem(), dryRun),
                snapshot.problem().orElse(snapshot.why()),
                snapshot.createdAt().truncatedTo(ChronoUnit.SECONDS).toString(),
                String.valueOf(snapshot.bytes()),
                String.valueOf(snapshot.rows()),
                snapshot.database());
    }

    private static String what(boolean remove, Optional<String> problem, boolean dryRun) {
        if (!remove) {
            return "keep";
        }
        return problem.isPresent() ? "NOT REMOVED" : dryRun ? "would remove" : "removed";
    }

    /**
     * @param remove whether the plan removes it
     * @param why why it goes or stays
     * @param problem why it did not go although it should have
     * @param locked whether it would go if the storage did not keep it locked
     * @param lockedUntil when the lock ends that the storage keeps it with; empty for a legal hold too
     */
    record Snapshot(
            String snapshotId,
            String table,
            String database,
            Instant createdAt,
            long rows,
            long bytes,
            boolean remove,
            String why,
            Optional<String> damage,
            Optional<String> problem,
            boolean locked,
            Optional<Instant> lockedUntil) {
        static Snapshot of(Decision decision, Optional<String> problem) {
            SnapshotManifest manifest = decision.snapshot().manifest();
            return new Snapshot(
                    manifest.snapshotId(),
                    PruneReport.table(decision.snapshot()),
                    manifest.database(),
                    manifest.createdAt(),
                    manifest.rowCount(),
                    manifest.storedBytes(),
                    decision.removes(),
                    decision.words(),
                    decision.snapshot().damage(),
                    problem,
                    decision.lock().isPresent(),
                    decision.lock().flatMap(ObjectLock::until));
        }
    }

    /**
     * As for a snapshot; {@code folder} is where the objects lie in the storage.
     *
     * @param why why it stays, where it does
     */
    record Draft(
            String folder,
            int objects,
            long bytes,
            Instant lastWritten,
            boolean remove,
            Optional<String> why,
            Optional<String> problem,
            boolean locked,
            Optional<Instant> lockedUntil) {
        static Draft of(DraftDecision decision, Optional<String> problem) {
            Unfinished draft = decision.draft();
            return new Draft(
                    draft.folder(),
                    draft.objects(),
                    draft.bytes(),
                    draft.lastWritten(),
                    decision.removes(),
                    decision.removes()
                            ? Optional.empty()
                            : decision.lock().map(ObjectLock::words).or(() -> Optional.of("it may still be written")),
                    problem,
                    decision.lock().isPresent(),
                    decision.lock().flatMap(ObjectLock::until));
        }

        String line(boolean dryRun) {
            return "unfinished: " + folder + ", " + objects + " objects, " + bytes + " bytes, last written "
                    + lastWritten + ": " + what(remove, problem, dryRun)
                    + problem.or(() -> why).map(words -> ", " + words).orElse("");
        }
    }

    /** {@code schema.name}. */
    static String table(Stored stored) {
        SnapshotManifest manifest = stored.manifest();
        return RelationName.of(manifest.schema(), manifest.table()).toString();
    }
}
