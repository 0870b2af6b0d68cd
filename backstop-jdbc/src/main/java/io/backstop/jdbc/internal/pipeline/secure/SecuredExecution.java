package io.backstop.jdbc.internal.pipeline.secure;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.policy.CoverWrites;
import io.backstop.api.policy.ImpactRules;
import io.backstop.api.policy.RecoveryRules;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.policy.Verdict;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.RowMismatch;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.StatementTransaction;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.jdbc.internal.pipeline.statement.LastLook;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Runs a destructive statement behind a verified snapshot: lock, copy, store, read back, execute, look what was destroyed,
 * commit. Where only the rows are saved that the statement is about to take, and it took others, it is undone and all of
 * that done again. At whichever step it stops, the rows are either untouched or in a valid snapshot. Thread-safe.
 */
public final class SecuredExecution {
    /** How often rows are locked, saved and compared with what the statement took, before whole tables are locked. */
    static final int ROW_TRIES = 3;

    private final Optional<SnapshotService> snapshots;
    private final SnapshotCatalogue catalogue;
    private final SidecarReadiness sidecar;
    private final Progress progress;

    public SecuredExecution(
            Optional<SnapshotService> snapshots,
            SnapshotCatalogue catalogue,
            SidecarReadiness sidecar,
            Progress progress) {
        this.sidecar = sidecar;
        this.snapshots = snapshots;
        this.catalogue = catalogue;
        this.progress = progress;
    }

    /**
     * @param approvalId of what an operator has let; where there is none, code beside it may not free protected tables
     * @param protection what the policy protects
     * @param look is asked under the locks, when the snapshot is verified
     * @throws RecoveryNotReadyException where the rows could not be secured; the statement did not run, or was undone
     * @throws SQLException where the server refused the statement, which was undone then, with the caller's transaction if it
     *     stands in one
     */
    public <T extends @Nullable Object> Outcome<T> run(
            GuardedSession session,
            ReviewedStatement statement,
            RecoveryRules recovery,
            Optional<String> approvalId,
            ImpactRules protection,
            LastLook look,
            Execution<T> execution)
            throws SQLException {
        SnapshotService service = checked(session, statement, recovery);
        Optional<RowQuery> query = recovery.snapshotMode() == SnapshotMode.INLINE
                ? RowCaptureEligibility.query(session, statement, execution).filter(RowQuery::exact)
                : Optional.empty();
        Optional<RowMismatch> other = Optional.empty();
        for (int tries = 0; tries < ROW_TRIES && query.isPresent(); tries++) {
            Attempt<T> attempt =
                    attempt(service, session, statement, recovery, approvalId, protection, query, look, execution);
            if (attempt.outcome().isPresent()) {
                return attempt.outcome().get();
            }
            other = attempt.other();
            if (other.orElseThrow().byOthers()) {
                query = Optional.empty(); // it would be the same again
            }
        }
        try {
            return attempt(
                            service,
                            session,
                            statement,
                            recovery,
                            approvalId,
                            protection,
                            Optional.empty(),
                            look,
                            execution)
                    .outcome()
                    .orElseThrow();
        } catch (RecoveryNotReadyException e) {
            throw other.isPresent() ? refusal(other.get(), e) : e;
        }
    }

    private <T extends @Nullable Object> Attempt<T> attempt(
            SnapshotService service,
            GuardedSession session,
            ReviewedStatement statement,
            RecoveryRules recovery,
            Optional<String> approvalId,
            ImpactRules protection,
            Optional<RowQuery> query,
            LastLook look,
            Execution<T> execution)
            throws SQLException {
        Connection connection = session.connection();
        StatementTransaction transaction = StatementTransaction.aroundCopy(session);
        Optional<SecuredRows> unused = Optional.empty();
        boolean securing = true;
        try {
            if (transaction.own()) {
                // Its only statement cannot tell the difference, and only without an older snapshot is a copy under the
                // lock exact.
                execute(connection, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
            }
            SnapshotRequest request = request(session, statement, recovery, approvalId, transaction);
            SecuredRows rows = query.isPresent()
                    ? service.secureRows(connection, session.more(), request, query.get(), progress)
                    : service.secure(connection, session.more(), request, progress);
            unused = Optional.of(rows);
            securing = false;
            requireSidecar(session, recovery, rows);
            Optional<ProtectedPlaces> places = approvalId.isPresent()
                    ? Optional.empty()
                    : Optional.of(ProtectedPlaces.of(connection, statement.assessment(), protection));
            look.require();
            T result = transaction.send(execution);
            securing = true;
            progress.reached(Step.EXECUTED, statement.assessment().operation(), 0, 0);
            if (transaction.own()) {
                // Triggers that wait for the commit would destroy after the look.
                execute(connection, "SET CONSTRAINTS ALL IMMEDIATE");
            }
            Optional<RowMismatch> other = rows.otherRowsTaken();
            if (other.isPresent()) {
                undo(transaction, rows, other.get());
                return new Attempt<>(Optional.empty(), other);
            }
            rows.confirmNothingElseWasDestroyed();
            if (places.isPresent()) {
                places.get().requireUnchanged(connection);
            }
            progress.reached(Step.CONFIRMED, statement.assessment().operation(), 0, 0);
            for (SnapshotManifest manifest : rows.manifests()) {
                catalogue.add(manifest, rows.storage());
            }
            if (!transaction.own()) {
                session.uncommitted().add(rows);
            }
            securing = false;
            unused = Optional.empty(); // from here on nobody knows whether the rows are gone, until it is done
            transaction.keep();
            if (transaction.own()) {
                rows.committed();
                tellCommitted(statement);
            }
            return new Attempt<>(
                    Optional.of(new Outcome<>(result, Optional.of(rows), words(transaction, recovery, rows))),
                    Optional.empty());
        } catch (RuntimeException e) {
            undo(transaction, unused, e);
            if (securing) {
                throw broken(e);
            }
            throw e;
        } catch (SQLException | Error e) {
            undo(transaction, unused, e);
            throw e;
        }
    }

    /** For snapshots that were taken beforehand: it has to store these tables. */
    private void requireSidecar(GuardedSession session, RecoveryRules recovery, SecuredRows rows)
            throws BackstopException {
        if (recovery.snapshotMode() != SnapshotMode.RECENT) {
            return;
        }
        List<SnapshotManifest> relied = rows.manifests().stream()
                .filter(manifest -> manifest.source() != SnapshotManifest.Source.INLINE)
                .toList();
        sidecar.requireCovers(recovery, session.database(), relied);
    }

    private static void undo(StatementTransaction transaction, Optional<SecuredRows> unused, Throwable why) {
        int before = why.getSuppressed().length;
        transaction.undo(why);
        if (why.getSuppressed().length == before) {
            discard(unused, why);
        }
    }

    /** A service, a store or a listener failed as it should not. Its message is not passed on: it may hold values. */
    static RecoveryNotReadyException broken(RuntimeException failure) {
        return new RecoveryNotReadyException(
                "the rows could not be secured: " + failure.getClass().getName() + "; nothing was changed",
                "see the cause of this error",
                failure);
    }

    /** A snapshot of what was not destroyed would be the newest of its table, and be taken for what was lost. */
    private static void discard(Optional<SecuredRows> unused, Throwable why) {
        if (unused.isPresent()) {
            RecoveryNotReadyException told =
                    new RecoveryNotReadyException("the statement was undone", "nothing was changed");
            unused.get().discard(told);
            for (Throwable problem : told.getSuppressed()) {
                why.addSuppressed(problem);
            }
        }
    }

    /** What is committed cannot fail any more. */
    private void tellCommitted(ReviewedStatement statement) {
        try {
            progress.reached(Step.COMMITTED, statement.assessment().operation(), 0, 0);
        } catch (RuntimeException e) {
            // A listener's own trouble: the caller has to be told that the statement ran.
        }
    }

    /** Rows do not go without a snapshot; a definition alone does, where there is nowhere to keep it. */
    public boolean applies(Verdict verdict, ReviewedStatement statement) {
        boolean wanted = (verdict instanceof Verdict.Allow allow && allow.snapshot())
                || (verdict instanceof Verdict.Hold hold && hold.snapshot());
        Assessment assessment = statement.assessment();
        return wanted
                && (assessment.risk() == RiskLevel.CRITICAL
                        || (snapshots.isPresent()
                                && (!assessment.destructions().stream().allMatch(Destruction::ofViewsAlone)
                                        || SecuredText.canStoreDefinitions(statement))));
    }

    /** What keeps the rows of an ordinary write as they were, where the policy wants that and the text tells them. */
    public Optional<WriteCover> cover(
            GuardedSession session, ReviewedStatement statement, RecoveryRules recovery, Execution<?> execution)
            throws SQLException {
        boolean inserts = RowCaptureEligibility.inserts(statement.assessment());
        if (!covers(recovery, inserts)) {
            return Optional.empty();
        }
        boolean changes = !statement.assessment().destructions().isEmpty();
        Optional<RowQuery> changed =
                changes ? RowCaptureEligibility.query(session, statement, execution) : Optional.empty();
        Optional<InsertedValues> inserted =
                inserts ? RowCaptureEligibility.values(session, statement, execution) : Optional.empty();
        return (changes && changed.isEmpty()) || (inserts && inserted.isEmpty())
                ? Optional.empty()
                : Optional.of(
                        new WriteCover(snapshots.get(), catalogue, progress, session, statement, changed, inserted));
    }

    private boolean covers(RecoveryRules recovery, boolean inserts) {
        return snapshots.isPresent()
                && recovery.snapshotMode() != SnapshotMode.OFF
                && (inserts ? recovery.coverWrites() == CoverWrites.ALL : recovery.coverWrites() != CoverWrites.NONE);
    }

    /** Whether it inserts rows that the policy wants kept, so that they have to be counted. */
    public boolean coversInserted(ReviewedStatement statement, RecoveryRules recovery) {
        return covers(recovery, true)
                && statement.sha256().isPresent()
                && statement.assessment().risk() == RiskLevel.WRITE
                && RowCaptureEligibility.inserts(statement.assessment());
    }

    /**
     * The service that would secure the statement, where it could be secured at all: nobody should be asked to approve what
     * cannot run.
     */
    public SnapshotService checked(GuardedSession session, ReviewedStatement statement, RecoveryRules recovery)
            throws BackstopException {
        SecuredText.check(statement);
        sidecar.require(recovery, session.database());
        return snapshots.orElseThrow(() -> new RecoveryNotReadyException(
                statement.assessment().operation() + " needs a snapshot first, and no storage is configured",
                "set backstop.storage to file:///folder or s3://bucket, with backstop-snapshot on the class path"));
    }

    /** Leaves things as they were before the attempt, so that there can be another one. */
    private static void undo(StatementTransaction transaction, SecuredRows rows, RowMismatch other)
            throws SQLException {
        SQLException why = new RecoveryNotReadyException(words(other) + "; it was rolled back", "run it again");
        transaction.undo(why);
        if (why.getSuppressed().length > 0) {
            throw why; // nobody knows in which state the session is
        }
        rows.discard(why);
    }

    private static RecoveryNotReadyException refusal(RowMismatch other, RecoveryNotReadyException whole) {
        return new RecoveryNotReadyException(
                words(other) + "; it was rolled back, and whole tables could not be saved instead: " + whole.problem(),
                whole.hint()
                        + "; or run it when fewer others write to the table, with a WHERE that is true for the same "
                        + "rows each time",
                whole);
    }

    private static String words(RowMismatch other) {
        return "the statement took " + other.taken() + " rows of table " + other.table() + ", among them "
                + other.gone() + " of the " + other.saved() + " that were saved for it";
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static SnapshotRequest request(
            GuardedSession session,
            ReviewedStatement statement,
            RecoveryRules recovery,
            Optional<String> approvalId,
            StatementTransaction transaction) {
        Set<String> tables = statement.assessment().destructions().stream()
                .flatMap(destruction -> destruction.relations().stream())
                .map(Object::toString)
                .collect(Collectors.toSet());
        return new SnapshotRequest(
                statement.assessment().destructions(),
                recovery.companionsOf(tables),
                recovery.maxInlineSnapshotBytes(),
                recovery.snapshotMode() == SnapshotMode.RECENT
                        ? Optional.of(recovery.recent().maxSnapshotAge())
                        : Optional.empty(),
                session.database(),
                session.agentId(),
                statement.sha256().orElse(""),
                approvalId,
                !transaction.own(),
                statement.assessment().definitions());
    }

    private static String words(StatementTransaction transaction, RecoveryRules recovery, SecuredRows rows) {
        String open = transaction.own() ? "" : ", in an open transaction";
        long definitions =
                rows.manifests().stream().filter(SnapshotManifest::holdsNoRows).count();
        if (definitions == rows.manifests().size()) {
            return definitions == 0
                    ? "executed, nothing had to be saved" + open
                    : "executed, the definitions of " + definitions + (definitions == 1 ? " object" : " objects")
                            + " saved" + open;
        }
        long count =
                rows.manifests().stream().mapToLong(SnapshotManifest::rowCount).sum();
        long tables = rows.manifests().size() - definitions;
        return "executed, " + count + (count == 1 ? " row" : " rows") + " of " + tables
                + (tables == 1 ? " table" : " tables") + " saved"
                + (recovery.snapshotMode() == SnapshotMode.RECENT ? " beforehand" + missing(rows) : "")
                + open;
    }

    private static String missing(SecuredRows rows) {
        return rows.rowsSince()
                .filter(since -> since.rows() > 0)
                .map(since -> since.estimated()
                        ? ", the statistics were reset since: up to about " + since.rows()
                                + " rows written since are in no snapshot"
                        : ", about " + since.rows() + " rows written since are in no snapshot")
                .orElse("");
    }

    /** One try: an outcome, or why it was undone. */
    private record Attempt<T extends @Nullable Object>(Optional<Outcome<T>> outcome, Optional<RowMismatch> other) {}

    /** A result and how it was secured. */
    public record Outcome<T extends @Nullable Object>(T result, Optional<SecuredRows> rows, String words) {}
}
