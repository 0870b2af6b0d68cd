package io.backstop.cli.snapshots;

import io.backstop.api.approval.Approval;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.DatabaseAddress;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.snapshot.archive.SnapshotInventory;
import io.backstop.snapshot.archive.SnapshotInventory.Stored;
import io.backstop.snapshot.archive.StatementOutcome;
import io.backstop.snapshot.describe.TransactionOutcomes;
import io.backstop.snapshot.retention.Pruning;
import io.backstop.snapshot.retention.RetentionPlan;
import io.backstop.snapshot.retention.RetentionRules;
import io.backstop.snapshot.store.ObjectStore;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** {@code backstop snapshots prune}: removes what has had its time. */
@Command(
        name = "prune",
        description = {
            "Removes snapshots older than a time, but for the newest whole one of every table and those whose approval,"
                    + " or whose use by a statement, is young.",
            "A snapshot whose statement is not known to be committed is undecided: it stays, and does not count as the"
                    + " newest, and what is older of its table stays with it. --db asks the server how the statement"
                    + " ended.",
            "What the storage keeps locked stays until the lock ends; it is named and no failure.",
            "Whole means that every object is there and has its size; `backstop snapshots verify` reads them."
        },
        mixinStandardHelpOptions = true)
final class SnapshotsPruneCommand implements Callable<Integer> {
    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final ReportPrinter report = new ReportPrinter();

    @Option(
            names = "--older-than",
            required = true,
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "Remove what is older: 90s, 45m, 12h, 30d, 8w.")
    private Duration olderThan = Duration.ZERO;

    @Option(
            names = "--approval-retention",
            paramLabel = "TIME",
            defaultValue = "30d",
            converter = DurationConverter.class,
            description = "How long an approval, or a use, keeps the snapshots of its statement [${DEFAULT-VALUE}].")
    private Duration approvalRetention = RetentionRules.DEFAULT_APPROVAL_RETENTION;

    @Option(
            names = "--db",
            paramLabel = "URL",
            converter = DatabaseAddress.Converter.class,
            description = "Ask this database which undecided snapshots are of statements that were committed.")
    private @Nullable DatabaseAddress database;

    @Option(
            names = "--committed",
            paramLabel = "ID",
            description = "The statement of this undecided snapshot was committed; may be repeated.")
    private List<String> committed = new ArrayList<>();

    @Option(
            names = "--rolled-back",
            paramLabel = "ID",
            description = "The statement of this undecided snapshot was rolled back; may be repeated.")
    private List<String> rolledBack = new ArrayList<>();

    @Option(names = "--dry-run", description = "Only say what would be removed.")
    private boolean dryRun;

    @Override
    public Integer call() throws IOException, SQLException, RefusedException {
        try (ObjectStore store = storage.openExisting()) {
            Instant now = Instant.now();
            SnapshotInventory stored = SnapshotInventory.of(store, storage.key());
            Map<String, StatementOutcome> outcomes = outcomes(stored);
            SnapshotInventory inventory = stored.with(outcomes);
            if (!dryRun) {
                for (Stored undecided : stored.undecided()) {
                    if (outcomes.get(undecided.manifest().snapshotId()) == StatementOutcome.COMMITTED) {
                        storage.archive(store).markCommitted(undecided.manifest());
                    }
                }
            }
            RetentionRules rules = new RetentionRules(olderThan, approvalRetention);
            Pruning pruning = new Pruning(store, storage.key());
            RetentionPlan plan = pruning.plan(inventory, approvals(inventory), rules, now);
            Optional<Pruning.Outcome> outcome = dryRun ? Optional.empty() : Optional.of(pruning.run(plan));
            PruneReport done = PruneReport.of(plan, outcome, inventory.broken());
            if (report.asJson()) {
                report.json(done);
            } else {
                done.print(report, rules, store.address());
            }
            return outcome.map(Pruning.Outcome::complete).orElse(true) ? ExitCode.DONE : ExitCode.FAILED;
        }
    }

    /** What is known of the undecided ones beyond what is stored, by their ids; an operator's word precedes the server's. */
    private Map<String, StatementOutcome> outcomes(SnapshotInventory inventory) throws SQLException, RefusedException {
        Map<String, StatementOutcome> outcomes = new HashMap<>();
        List<Stored> undecided = inventory.undecided();
        if (database != null && !undecided.isEmpty()) {
            try (Connection connection = database.connect()) {
                for (Stored snapshot : undecided) {
                    outcomes.put(
                            snapshot.manifest().snapshotId(), TransactionOutcomes.of(connection, snapshot.manifest()));
                }
            }
        }
        Set<String> ids = undecided.stream()
                .map(snapshot -> snapshot.manifest().snapshotId())
                .collect(Collectors.toSet());
        decide(committed, StatementOutcome.COMMITTED, ids, outcomes);
        decide(rolledBack, StatementOutcome.ROLLED_BACK, ids, outcomes);
        return outcomes;
    }

    private static void decide(
            List<String> named, StatementOutcome outcome, Set<String> undecided, Map<String, StatementOutcome> outcomes)
            throws RefusedException {
        for (String id : named) {
            if (!undecided.contains(id)) {
                throw new RefusedException(
                        id + " is not an undecided snapshot", "see which are undecided with backstop snapshots list");
            }
            outcomes.put(id, outcome);
        }
    }

    /** When the approvals that snapshots name were decided, or else asked for; without the unknown ones. */
    private Map<String, Instant> approvals(SnapshotInventory inventory) throws ControlStoreUnavailableException {
        Set<String> named = new HashSet<>();
        inventory.snapshots().forEach(stored -> stored.manifest().approvalId().ifPresent(named::add));
        Map<String, Instant> known = new HashMap<>();
        if (named.isEmpty()) {
            return known;
        }
        try (ControlStore approvals = control.openExisting()) {
            for (String id : named) {
                approvals.approvals().find(id).ifPresent(approval -> known.put(id, when(approval)));
            }
        }
        return known;
    }

    private static Instant when(Approval approval) {
        return approval.decidedAt().orElse(approval.createdAt());
    }
}
