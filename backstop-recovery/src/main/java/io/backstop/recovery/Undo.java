package io.backstop.recovery;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.undo.UndoSteps;
import io.backstop.recovery.internal.undo.UndoneGroup;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.UndoConflict;
import io.backstop.recovery.model.UndoReport;
import io.backstop.recovery.model.UndoReport.Outcome;
import io.backstop.recovery.model.UndoRequest;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.capture.UndoSnapshots;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Undoes one statement in the tables that it changed: rows that are as it left them get back what they were, and rows that
 * somebody has changed since are named and left alone. All of it happens in one transaction or none, and is stored before, so
 * that it can be undone itself. Thread-safe; a connection belongs to one undo at a time.
 */
public final class Undo {
    private static final String AGAIN = "nothing was changed; remove the cause and run it again";

    private final SnapshotArchive archive;
    private final SnapshotSettings settings;

    /** @param settings how the snapshots of the undo are taken */
    public Undo(SnapshotArchive archive, SnapshotSettings settings) {
        this.archive = Objects.requireNonNull(archive, "archive");
        this.settings = Objects.requireNonNull(settings, "settings");
    }

    /**
     * Tells what {@link #run} would do: the same work in a transaction that is rolled back, without a snapshot of it.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit; left so
     * @throws RecoveryException where the change cannot be undone, for another reason than rows that were changed since
     */
    public UndoReport preview(Connection connection, UndoRequest request) throws RecoveryException {
        return undo(connection, request, true);
    }

    /**
     * Undoes a change, unless rows were changed since and are not to be skipped: then nothing is changed.
     *
     * @param connection a plain connection to PostgreSQL in auto-commit, of one who may write and alter the tables; left so
     * @throws RecoveryException where the change cannot be undone; the database is as it was
     */
    public UndoReport run(Connection connection, UndoRequest request) throws RecoveryException {
        return undo(connection, request, false);
    }

    private UndoReport undo(Connection connection, UndoRequest request, boolean preview) throws RecoveryException {
        UndoneGroup group = find(connection, request.change());
        try (RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            UndoSteps steps = UndoSteps.prepare(transaction, archive, group);
            List<UndoReport.Table> tables = steps.counts();
            List<UndoConflict> conflicts = steps.conflicts();
            if (!conflicts.isEmpty() && !request.skipChanged()) {
                return report(group, Optional.empty(), Outcome.REFUSED, tables, conflicts);
            }
            if (tables.stream().noneMatch(UndoReport.Table::changes)) {
                return report(group, Optional.empty(), Outcome.NOTHING_TO_DO, tables, conflicts);
            }
            if (preview) {
                steps.tryOut();
                return report(group, Optional.empty(), Outcome.POSSIBLE, tables, conflicts);
            }
            UndoSnapshots snapshots = change(transaction, steps, group, request.operator());
            commit(transaction, group);
            snapshots.committed();
            return report(group, Optional.of(snapshots.groupId()), Outcome.UNDONE, tables, conflicts);
        } catch (SQLException e) {
            throw failed(group, e);
        }
    }

    private UndoneGroup find(Connection connection, String id) throws RecoveryException {
        try {
            return UndoneGroup.find(archive, connection, id);
        } catch (IOException e) {
            throw new RecoveryException(
                    "the snapshots of " + id + " could not be read: " + e.getMessage(),
                    "see whether the storage can be read",
                    e);
        } catch (SQLException e) {
            throw ServerErrors.of("what is known of " + id + " could not be compared with this database", e, AGAIN);
        }
    }

    private UndoSnapshots change(RecoveryTransaction transaction, UndoSteps steps, UndoneGroup group, String operator)
            throws SQLException, RecoveryException {
        Optional<UndoSnapshots> begun = Optional.empty();
        try {
            UndoSnapshots snapshots = UndoSnapshots.begin(
                    transaction.connection(), archive, settings, group.id(), group.database(), operator, steps.oids());
            begun = Optional.of(snapshots);
            steps.change(snapshots);
            return snapshots;
        } catch (RecoveryNotReadyException e) {
            begun.ifPresent(snapshots -> snapshots.discard(e));
            throw new RecoveryException(e.problem(), e.hint(), e.getCause());
        } catch (IOException e) {
            begun.ifPresent(snapshots -> snapshots.discard(e));
            throw new RecoveryException(
                    "the snapshots of " + group.id() + " could not be read: " + e.getMessage(),
                    "see whether the storage can be read; nothing was changed",
                    e);
        } catch (SQLException | RecoveryException | RuntimeException e) {
            begun.ifPresent(snapshots -> snapshots.discard(e));
            throw e;
        }
    }

    /** Whether a commit happened that was not answered, nobody knows here: its snapshots stay. */
    private static void commit(RecoveryTransaction transaction, UndoneGroup group) throws RecoveryException {
        try {
            transaction.commit();
        } catch (SQLException e) {
            throw ServerErrors.of(
                    "whether the undo of " + group.id() + " was committed is not known",
                    e,
                    "ask for a dry run: it says whether there is still something to undo");
        }
    }

    private static UndoReport report(
            UndoneGroup group,
            Optional<String> undo,
            Outcome outcome,
            List<UndoReport.Table> tables,
            List<UndoConflict> conflicts) {
        return new UndoReport(group.id(), undo, outcome, tables, conflicts, group.notes());
    }

    private static RecoveryException failed(UndoneGroup group, SQLException e) {
        String state = ServerErrors.state(e);
        String problem = "the undo of " + group.id() + " failed";
        if (state.startsWith("23")) {
            // An answer: what others wrote since stands in the way.
            return new RecoveryException(
                    problem + ": " + ServerErrors.sentence(e),
                    "rows that were written since, or that the action of a foreign key changed along with the statement's,"
                            + " do not go together with those that would come back: look at the constraint; nothing was"
                            + " changed");
        }
        return ServerErrors.of(problem, e, hint(state));
    }

    private static String hint(String state) {
        return switch (state) {
            case "42501" ->
                "connect as a superuser, or as an owner of the tables who bypasses row-level security where they force it;"
                        + " nothing was changed";
            case "55P03", "40P01" ->
                "another transaction holds a lock on the tables; nothing was changed, run it again later";
            case "25006" -> "connect to the primary server, not to a standby";
            case "54000" ->
                "a row is too large to be compared as text: `backstop recover` restores it beside the table";
            default -> AGAIN;
        };
    }
}
