package io.backstop.jdbc.pipeline;

import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.policy.RecoveryRules;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.jdbc.pipeline.AuditTrail.Case;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Runs a destructive statement behind a verified snapshot: lock, copy, store, read back, execute, look what was destroyed,
 * commit. At whichever step it stops, the rows are either untouched or in a valid snapshot. Thread-safe.
 */
final class SecuredExecution {
    /**
     * What may stand beside a destructive statement in one text. Anything else could end the transaction that holds the
     * locks, or change what the names mean, between the snapshot and the destruction.
     */
    private static final Set<String> COMPANIONS = Set.of(
            "SELECT",
            "VALUES",
            "TABLE",
            "INSERT",
            "UPDATE",
            "DELETE",
            "MERGE",
            "TRUNCATE",
            "DROP TABLE",
            "DROP VIEW",
            "DROP MATERIALIZED VIEW",
            "DROP INDEX");

    private final Optional<SnapshotService> snapshots;
    private final SnapshotCatalogue catalogue;
    private final SidecarReadiness sidecar;
    private final Progress progress;

    SecuredExecution(
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
     * @throws RecoveryNotReadyException where the rows could not be secured; the statement did not run, or was undone
     * @throws SQLException where the server refused the statement, which was undone then
     */
    <T extends @Nullable Object> Outcome<T> run(
            Session session,
            Case statement,
            RecoveryRules recovery,
            Optional<String> approvalId,
            Execution<T> execution)
            throws SQLException {
        SnapshotService service = checked(statement, recovery);
        Connection connection = session.connection();
        Transaction transaction = Transaction.around(session);
        try {
            if (transaction.own()) {
                // Its only statement cannot tell the difference, and only without an older snapshot is a copy under the
                // lock exact.
                execute(connection, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
            }
            SecuredRows rows = service.secure(
                    connection,
                    session.more(),
                    request(session, statement, recovery, approvalId, transaction),
                    progress);
            for (SnapshotManifest manifest : rows.manifests()) {
                catalogue.add(manifest, rows.storage());
            }
            T result = transaction.send(execution);
            progress.reached(Step.EXECUTED, statement.assessment().operation(), 0, 0);
            if (transaction.own()) {
                // Triggers that wait for the commit would destroy after the look.
                execute(connection, "SET CONSTRAINTS ALL IMMEDIATE");
            }
            rows.confirmNothingElseWasDestroyed();
            progress.reached(Step.CONFIRMED, statement.assessment().operation(), 0, 0);
            transaction.keep();
            if (transaction.own()) {
                progress.reached(Step.COMMITTED, statement.assessment().operation(), 0, 0);
            }
            return new Outcome<>(result, Optional.of(rows), words(transaction, recovery, rows));
        } catch (SQLException | RuntimeException | Error e) {
            transaction.undo(e);
            throw e;
        }
    }

    /**
     * The service that would secure the statement, where it could be secured at all: nobody should be asked to approve what
     * cannot run.
     */
    SnapshotService checked(Case statement, RecoveryRules recovery) throws BackstopException {
        refuseMixedText(statement);
        sidecar.require(recovery);
        return snapshots.orElseThrow(() -> new RecoveryNotReadyException(
                statement.assessment().operation() + " needs a snapshot first, and no storage is configured",
                "set backstop.storage to file:///folder or s3://bucket, with backstop-snapshot on the class path"));
    }

    private static void refuseMixedText(Case statement) throws BackstopException {
        if (statement.assessment().statements().size() == 1) {
            return;
        }
        for (StatementAssessment each : statement.assessment().statements()) {
            if (!COMPANIONS.contains(each.operation())) {
                throw new RecoveryNotReadyException(
                        each.operation() + " stands in one text with a statement that destroys rows,"
                                + " and could change what that does after the snapshot",
                        "send the statements one at a time");
            }
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static SnapshotRequest request(
            Session session,
            Case statement,
            RecoveryRules recovery,
            Optional<String> approvalId,
            Transaction transaction) {
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
                !transaction.own());
    }

    private static String words(Transaction transaction, RecoveryRules recovery, SecuredRows rows) {
        long count =
                rows.manifests().stream().mapToLong(SnapshotManifest::rowCount).sum();
        return "executed, " + count + " rows of " + rows.manifests().size() + " tables saved"
                + (recovery.snapshotMode() == SnapshotMode.RECENT ? " beforehand" : "")
                + (transaction.own() ? "" : ", in an open transaction");
    }

    /** A result and how it was secured. */
    record Outcome<T extends @Nullable Object>(T result, Optional<SecuredRows> rows, String words) {}
}
